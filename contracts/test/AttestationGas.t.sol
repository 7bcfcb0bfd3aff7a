// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {AttestationHub} from "../src/AttestationHub.sol";
import {OperatorRegistry} from "../src/OperatorRegistry.sol";
import {DevToken} from "../src/dev/DevToken.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {Messages} from "../src/libraries/Messages.sol";
import {Bn254Hub} from "./comparison/Bn254Hub.sol";
import {EcdsaHub} from "./comparison/EcdsaHub.sol";
import {RecordingHub} from "./comparison/RecordingHub.sol";
import {HubBase} from "./support/HubBase.sol";

/// @dev One payload, the outcomes of a ledger height, recorded under four kinds of signatures by committees of four sizes:
/// the group's threshold signature on the hub; f + 1 and q signatures by ECDSA; a BN254 multisignature of q, f absent.
/// Gas of whole transactions, as in `HubGas.t.sol`. What a comparator accepts is really signed, and what is not it refuses.
/// forge-config: default.isolate = true
contract AttestationGasTest is HubBase {
    uint256 private constant _BN254_ORDER =
        21_888_242_871_839_275_222_246_405_745_257_275_088_548_364_400_416_034_343_698_204_186_575_808_495_617;
    uint256 private constant _JOBS = 260;

    EcdsaHub private _ecdsa;
    Bn254Hub private _bn254;

    function test_gas_threshold() public {
        _measureHub(4);
        _measureHub(7);
        _measureHub(31);
        _measureHub(100);
    }

    function test_gas_ecdsa() public {
        uint256[4] memory sizes = [uint256(4), 7, 31, 100];
        for (uint256 i = 0; i < 4; ++i) {
            uint256 n = sizes[i];
            _measureEcdsa(n, _faulty(n) + 1, "ECDSA f+1");
            _measureEcdsa(n, _quorum(n), "ECDSA q");
        }
    }

    function test_gas_bn254() public {
        _measureBn254(4);
        _measureBn254(7);
        _measureBn254(31);
        _measureBn254(100);
    }

    function test_ecdsa_notEnoughOrWrongSigners_reverts() public {
        _newEcdsa(7, 3);
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        bytes32 message = _message(address(_ecdsa), 1, _accAfter(0, batches));
        bytes memory good = _ecdsaSignatures(message, 3);
        _refused(_ecdsa, batches, _ecdsaSignatures(message, 2));
        _refused(_ecdsa, batches, _ecdsaSignatures(keccak256("another"), 3));
        bytes memory first = _ecdsaSignatures(message, 1);
        _refused(_ecdsa, batches, bytes.concat(first, first, first));
        bytes memory stranger = _ecdsaSignature(message, 8);
        stranger[0] = 0x02;
        _refused(_ecdsa, batches, bytes.concat(_ecdsaSignatures(message, 2), stranger));
        _ecdsa.submit(EPOCH, 1, _blockId(1), batches, good);
        vm.assertTrue(_ecdsa.laneOf(1) > 3, "not recorded");
    }

    function test_bn254_notEnoughOrWrongSigners_reverts() public {
        _newBn254(7);
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        bytes32 message = _message(address(_bn254), 1, _accAfter(0, batches));
        bytes memory good = _bn254Signature(7, message);
        bytes memory bad = bytes.concat(good);
        bad[31] = 0x70; // three absent, one too many
        _refused(_bn254, batches, bad);
        bad[31] = 0x06; // the right number, not those
        _refused(_bn254, batches, bad);
        _refused(_bn254, batches, _bn254Signature(7, keccak256("another")));
        // the key of others, under which the sender could sign alone
        bytes memory other = bytes.concat(_slice(good, 0, 96), vm.parseJsonBytes(_keys(), ".n4"));
        _refused(_bn254, batches, other);
        _bn254.submit(EPOCH, 1, _blockId(1), batches, good);
        vm.assertTrue(_bn254.laneOf(1) > 3, "not recorded");
    }

    function _measureHub(uint32 n) private {
        token = new DevToken("Stake", "STK");
        registry = new OperatorRegistry(OWNER, IERC20(address(token)), STAKE, n, UNBONDING);
        vm.warp(1_800_000_000);
        hub = new AttestationHub(registry, FEE, WINDOW);
        vm.prank(OWNER);
        registry.setHub(address(hub));
        for (uint256 i = 0; i < n; ++i) {
            _register(i);
        }
        _confirmBy(_quorum(n), EPOCH, SECRET);
        _requestMany(_JOBS * 2);
        (height, tip) = (0, 0);
        _submitBy(1, 2);
        _submitBy(3, 1);
        _note("threshold", n, 1);
        _submitBy(8, 16);
        _note("threshold", n, 16);
        _submitBy(24, 256);
        _note("threshold", n, 256);
    }

    function _submitBy(uint64 from, uint256 count) private {
        IAttestationHub.Batch[] memory batches = _one(_packedRange(from, count));
        bytes memory signature = _attest(SECRET, EPOCH, ++height, tip = _accAfter(tip, batches));
        vm.prank(_operator(0));
        hub.submit(EPOCH, height, _blockId(height), batches, signature);
    }

    function _measureEcdsa(uint256 n, uint256 needed, string memory name) private {
        _newEcdsa(n, needed);
        (height, tip) = (0, 0);
        _submitEcdsa(needed, 1, 2);
        _submitEcdsa(needed, 3, 1);
        _note(name, n, 1);
        _submitEcdsa(needed, 8, 16);
        _note(name, n, 16);
        _submitEcdsa(needed, 24, 256);
        _note(name, n, 256);
        vm.assertTrue(_ecdsa.laneOf(279) > 3, "not recorded");
    }

    function _submitEcdsa(uint256 needed, uint64 from, uint256 count) private {
        IAttestationHub.Batch[] memory batches = _one(_packedRange(from, count));
        bytes32 message = _message(address(_ecdsa), ++height, tip = _accAfter(tip, batches));
        bytes memory signatures = _ecdsaSignatures(message, needed);
        vm.prank(_operator(0));
        _ecdsa.submit(EPOCH, height, _blockId(height), batches, signatures);
    }

    function _measureBn254(uint256 n) private {
        _newBn254(n);
        (height, tip) = (0, 0);
        _submitBn254(n, 1, 2);
        _submitBn254(n, 3, 1);
        _note("BN254 q", n, 1);
        _submitBn254(n, 8, 16);
        _note("BN254 q", n, 16);
        _submitBn254(n, 24, 256);
        _note("BN254 q", n, 256);
        vm.assertTrue(_bn254.laneOf(279) > 3, "not recorded");
    }

    function _submitBn254(uint256 n, uint64 from, uint256 count) private {
        IAttestationHub.Batch[] memory batches = _one(_packedRange(from, count));
        bytes32 message = _message(address(_bn254), ++height, tip = _accAfter(tip, batches));
        bytes memory signature = _bn254Signature(n, message);
        vm.prank(_operator(0));
        _bn254.submit(EPOCH, height, _blockId(height), batches, signature);
    }

    function _newEcdsa(uint256 n, uint256 needed) private {
        bytes memory signers;
        for (uint256 i = 0; i < n; ++i) {
            signers = abi.encodePacked(signers, _operator(i));
        }
        _ecdsa = new EcdsaHub(LEDGER, EPOCH, FEE, signers, needed);
        _ecdsa.open(_JOBS * 2, _operator(0));
    }

    function _newBn254(uint256 n) private {
        bytes memory keys;
        uint256 sum;
        for (uint256 i = 0; i < n; ++i) {
            keys = bytes.concat(keys, _g1Times("", _bn254Secret(i)));
            sum = addmod(sum, _bn254Secret(i), _BN254_ORDER);
        }
        _bn254 = new Bn254Hub(LEDGER, EPOCH, FEE, bytes.concat(_g1Times("", sum), keys), _faulty(n));
        _bn254.open(_JOBS * 2, _operator(0));
    }

    function _ecdsaSignatures(bytes32 message, uint256 count) private pure returns (bytes memory signatures) {
        for (uint256 i = 0; i < count; ++i) {
            signatures = bytes.concat(signatures, _ecdsaSignature(message, i));
        }
    }

    function _ecdsaSignature(bytes32 message, uint256 signer) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_operatorKey(signer), message);
        return abi.encodePacked(uint8(signer), r, uint256(s) | uint256(v - 27) << 255);
    }

    function _bn254Signature(uint256 n, bytes32 message) private view returns (bytes memory) {
        uint256 sum;
        for (uint256 i = 0; i < _quorum(n); ++i) {
            sum = addmod(sum, _bn254Secret(i), _BN254_ORDER);
        }
        (uint256 x, uint256 y) = _bn254.hashToG1(message);
        uint256 absent = ((1 << n) - 1) ^ ((1 << _quorum(n)) - 1);
        bytes memory key = vm.parseJsonBytes(_keys(), string.concat(".n", vm.toString(n)));
        return bytes.concat(bytes32(absent), _g1Times(abi.encode(x, y), sum), key);
    }

    function _keys() private view returns (string memory) {
        return vm.readFile("test/fixtures/bn254.json");
    }

    function _bn254Secret(uint256 index) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("bn254", index))) % _BN254_ORDER;
    }

    /// @dev A point of BN254 times a scalar; the empty point stands for the generator.
    function _g1Times(bytes memory point, uint256 scalar) private view returns (bytes memory) {
        if (point.length == 0) point = abi.encode(1, 2);
        (bool ok, bytes memory product) = address(7).staticcall(bytes.concat(point, bytes32(scalar)));
        require(ok, "multiplication");
        return product;
    }

    function _slice(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i = from; i < to; ++i) {
            part[i - from] = data[i];
        }
    }

    function _message(address to, uint64 height_, bytes32 acc) private view returns (bytes32) {
        return Messages.attest(LEDGER, block.chainid, to, COMMITTEE, EPOCH, height_, _blockId(height_), acc);
    }

    function _refused(RecordingHub to, IAttestationHub.Batch[] memory batches, bytes memory signature) private {
        vm.expectRevert(RecordingHub.SignatureInvalid.selector);
        to.submit(EPOCH, 1, _blockId(1), batches, signature);
    }

    function _faulty(uint256 n) private pure returns (uint256) {
        return (n - 1) / 3;
    }

    function _quorum(uint256 n) private pure returns (uint256) {
        return n - (n - 1) / 3;
    }

    /// @dev Notes the gas of the last call.
    function _note(string memory scheme, uint256 n, uint256 outcomes) private {
        string memory name = string.concat(scheme, ", n ", vm.toString(n), ", outcomes ", vm.toString(outcomes));
        vm.snapshotGasLastCall("AttestationGas", name);
    }
}
