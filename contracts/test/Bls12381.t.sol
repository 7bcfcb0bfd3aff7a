// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bls12381} from "../src/libraries/Bls12381.sol";
import {BlsSigner} from "./support/BlsSigner.sol";
import {ReferenceHashToG1} from "./support/ReferenceHashToG1.sol";
import {TestBase} from "./support/Vm.sol";

/// @dev The library behind external calls, so that reverts and gas limits can be tested.
contract BlsHarness {
    function hashToG1(bytes memory message, bytes memory domain) external view returns (bytes memory) {
        return Bls12381.hashToG1(message, domain);
    }

    function verify(
        bytes memory key,
        bytes32 message,
        bytes memory domain,
        bytes calldata signature
    )
        external
        view
        returns (bool)
    {
        (bytes32 head, bytes32 tail) = (bytes32(domain), bytes32(0));
        if (domain.length > 32) {
            assembly ("memory-safe") {
                tail := mload(add(domain, 64))
            }
        }
        return Bls12381.verify(key, message, head, tail, domain.length, signature);
    }

    function missingPrecompile() external view returns (address) {
        return Bls12381.missingPrecompile();
    }
}

contract Bls12381Test is TestBase {
    uint256 private constant _ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    uint256 private constant _SECRET = 0x2a5f3c9d1b7e8f60419283746556473829100a0b0c0d0e0f1122334455667788;

    BlsHarness private _bls;
    bytes private _key;
    bytes private _signature;

    function setUp() public {
        _bls = new BlsHarness();
        _key = BlsSigner.publicKey(_SECRET);
        _signature = BlsSigner.sign(_SECRET, keccak256("message"));
    }

    function test_hashToG1_rfc9380Vectors_match() public view {
        string memory json = vm.readFile("test/fixtures/bls/rfc9380_g1_ro.json");
        bytes memory domain = vm.parseJsonBytes(json, ".dst");
        bytes[] memory messages = vm.parseJsonBytesArray(json, ".messages");
        bytes[] memory points = vm.parseJsonBytesArray(json, ".points");
        vm.assertEq(messages.length, 5);
        for (uint256 i = 0; i < messages.length; ++i) {
            vm.assertEq(_bls.hashToG1(messages[i], domain), points[i]);
            vm.assertTrue(
                keccak256(_bls.hashToG1(bytes.concat(messages[i], "."), domain)) != keccak256(points[i]),
                "another message, the same point"
            );
            vm.assertTrue(
                keccak256(_bls.hashToG1(messages[i], BlsSigner.DOMAIN)) != keccak256(points[i]),
                "another domain, the same point"
            );
        }
    }

    function test_verify_drandBeacons_accepted() public view {
        string memory json = vm.readFile("test/fixtures/bls/drand_quicknet.json");
        bytes memory domain = vm.parseJsonBytes(json, ".dst");
        bytes memory key = vm.parseJsonBytes(json, ".key");
        bytes32[] memory messages = vm.parseJsonBytes32Array(json, ".messages");
        bytes[] memory signatures = vm.parseJsonBytesArray(json, ".signatures");
        vm.assertEq(messages.length, 4);
        for (uint256 i = 0; i < messages.length; ++i) {
            vm.assertTrue(_bls.verify(key, messages[i], domain, signatures[i]), "a mainnet beacon");
        }
    }

    function test_verify_changedDrandBeacons_refused() public view {
        string memory json = vm.readFile("test/fixtures/bls/drand_quicknet.json");
        bytes memory domain = vm.parseJsonBytes(json, ".dst");
        bytes memory key = vm.parseJsonBytes(json, ".key");
        bytes32[] memory messages = vm.parseJsonBytes32Array(json, ".messages");
        bytes[] memory signatures = vm.parseJsonBytesArray(json, ".signatures");
        for (uint256 i = 0; i < messages.length; ++i) {
            uint256 next = (i + 1) % messages.length;
            vm.assertFalse(_bls.verify(key, messages[next], domain, signatures[i]), "another round");
            vm.assertFalse(_bls.verify(key, messages[i], BlsSigner.DOMAIN, signatures[i]), "another domain");
            vm.assertFalse(_bls.verify(_key, messages[i], domain, signatures[i]), "another key");
            vm.assertFalse(_bls.verify(key, messages[i], domain, _flip(signatures[i], 63)), "another signature");
        }
    }

    function test_verify_ownSignature_accepted() public view {
        vm.assertTrue(_verify(_key, _signature));
    }

    function test_verify_wrongLengths_refused() public view {
        vm.assertFalse(_verify(_cut(_key, 255), _signature), "short key");
        vm.assertFalse(_verify("", _signature), "no key");
        vm.assertFalse(_verify(_key, bytes.concat(_signature, hex"00")), "long signature");
        vm.assertFalse(_verify(_key, _cut(_signature, 127)), "short signature");
        vm.assertFalse(_verify(_key, ""), "no signature");
    }

    function test_verify_bytesAfterKey_ignored() public view {
        vm.assertTrue(_verify(bytes.concat(_key, hex"010203"), _signature));
    }

    function test_verify_paddingNotZero_refused() public view {
        for (uint256 i = 0; i < 128; i += 64) {
            vm.assertFalse(_verify(_key, _flip(_signature, i)), "signature");
        }
        for (uint256 i = 0; i < 256; i += 64) {
            vm.assertFalse(_verify(_flip(_key, i + 15), _signature), "key");
        }
    }

    function test_verify_coordinateNotReduced_refused() public view {
        vm.assertFalse(_verify(_key, _addModulus(_signature, 0)), "x + p");
        vm.assertFalse(_verify(_key, _addModulus(_signature, 64)), "y + p");
        for (uint256 i = 0; i < 256; i += 64) {
            vm.assertFalse(_verify(_addModulus(_key, i), _signature), "key + p");
        }
    }

    function test_verify_infinitySignature_refused() public view {
        vm.assertFalse(_verify(_key, new bytes(128)));
    }

    function test_verify_negatedSignature_refused() public view {
        vm.assertFalse(_verify(_key, BlsSigner.sign(_ORDER - _SECRET, keccak256("message"))));
    }

    function test_verify_pointsOfFailingVectors_refused() public view {
        // off the curve, outside the subgroup, not canonical
        string memory json = vm.readFile("test/fixtures/bls/eip2537_Pairing.json");
        bytes[] memory failing = vm.parseJsonBytesArray(json, ".failing");
        uint256 tried;
        for (uint256 i = 0; i < failing.length; ++i) {
            if (failing[i].length != 768) continue;
            for (uint256 offset = 0; offset < 768; offset += 384) {
                // the other point of the pair may be sound, but it is no part of a signature here
                vm.assertFalse(_verify(_key, _slice(failing[i], offset, 128)), "signature of a failing pair");
                vm.assertFalse(_verify(_slice(failing[i], offset + 128, 256), _signature), "key of a failing pair");
            }
            ++tried;
        }
        vm.assertTrue(tried >= 4, "vectors");
    }

    function test_hashToG1_domainOf256Bytes_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(Bls12381.DomainTooLong.selector, 256));
        _bls.hashToG1("", new bytes(256));
    }

    function test_hashToG1_littleGas_reverts() public {
        (bool ok, bytes memory reason) =
            address(_bls).call{gas: 12_000}(abi.encodeCall(BlsHarness.hashToG1, ("", BlsSigner.DOMAIN)));
        vm.assertFalse(ok, "12,000 gas can't be enough");
        if (reason.length != 0) vm.assertEq(bytes32(bytes4(reason)), bytes32(Bls12381.HashToCurveFailed.selector));
    }

    function test_verify_littleGas_neverAccepts() public view {
        bytes memory call =
            abi.encodeCall(BlsHarness.verify, (_key, keccak256("message"), BlsSigner.DOMAIN, _signature));
        for (uint256 gas_ = 5000; gas_ < 240_000; gas_ += 5000) {
            (bool ok, bytes memory result) = address(_bls).staticcall{gas: gas_}(call);
            if (gas_ < 100_000) vm.assertFalse(ok && abi.decode(result, (bool)), "accepted without a pairing");
            if (gas_ > 220_000) vm.assertTrue(ok && abi.decode(result, (bool)), "enough gas");
        }
    }

    function test_missingPrecompile_here_none() public view {
        vm.assertEq(_bls.missingPrecompile(), address(0));
    }

    function test_precompiles_eip2537Vectors_match() public view {
        _checkVectors("G1Add", Bls12381.G1_ADD, Bls12381.ADD_GAS_MAX);
        _checkVectors("MapG1", Bls12381.MAP_FP_TO_G1, Bls12381.MAP_GAS_MAX);
        _checkVectors("Pairing", Bls12381.PAIRING, 10_000_000);
    }

    function test_precompiles_refusedInput_burnsOnlyTheCap() public view {
        uint256 before = gasleft();
        vm.assertFalse(_verify(_flip(_key, 0), _signature));
        vm.assertLe(before - gasleft(), Bls12381.PAIRING_GAS_MAX + 60_000, "gas burnt");
    }

    function testFuzz_hashToG1_anyInput_equalsReference(bytes memory message, bytes memory domain) public view {
        domain = _cut(domain, _bound(domain.length, 0, domain.length < 255 ? domain.length : 255));
        vm.assertEq(_bls.hashToG1(message, domain), ReferenceHashToG1.hashToG1(message, domain));
    }

    function testFuzz_verify_flippedBit_refused(uint256 bit) public view {
        bit = _bound(bit, 0, 384 * 8 - 1);
        bytes1 mask = bytes1(uint8(1 << (bit % 8)));
        bytes memory all = bytes.concat(_signature, _key);
        all[bit / 8] ^= mask;
        vm.assertFalse(_verify(_slice(all, 128, 256), _cut(all, 128)));
    }

    function testFuzz_verify_anyKeyAndMessage_accepted(uint256 secret, bytes32 message) public view {
        secret = _bound(secret, 1, _ORDER - 1);
        vm.assume(secret != _SECRET);
        bytes memory signature = BlsSigner.sign(secret, message);
        vm.assertTrue(_bls.verify(BlsSigner.publicKey(secret), message, BlsSigner.DOMAIN, signature));
        vm.assertFalse(_bls.verify(_key, message, BlsSigner.DOMAIN, signature));
    }

    function _checkVectors(string memory name, address precompile, uint256 gasMax) private view {
        string memory json = vm.readFile(string.concat("test/fixtures/bls/eip2537_", name, ".json"));
        bytes[] memory inputs = vm.parseJsonBytesArray(json, ".inputs");
        bytes[] memory outputs = vm.parseJsonBytesArray(json, ".outputs");
        bytes[] memory failing = vm.parseJsonBytesArray(json, ".failing");
        vm.assertTrue(inputs.length > 100 && failing.length > 4, "vectors");
        for (uint256 i = 0; i < inputs.length; ++i) {
            (bool ok, bytes memory result) = precompile.staticcall{gas: gasMax}(inputs[i]);
            vm.assertTrue(ok, name);
            vm.assertEq(result, outputs[i]);
        }
        for (uint256 i = 0; i < failing.length; ++i) {
            (bool ok,) = precompile.staticcall{gas: gasMax}(failing[i]);
            vm.assertFalse(ok, name);
        }
    }

    function _verify(bytes memory key, bytes memory signature) private view returns (bool) {
        return _bls.verify(key, keccak256("message"), BlsSigner.DOMAIN, signature);
    }

    function _flip(bytes memory data, uint256 at_) private pure returns (bytes memory copy) {
        copy = bytes.concat(data);
        copy[at_] ^= 0x01;
    }

    function _cut(bytes memory data, uint256 length) private pure returns (bytes memory) {
        return _slice(data, 0, length);
    }

    function _slice(bytes memory data, uint256 from, uint256 length) private pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            part[i] = data[from + i];
        }
    }

    /// @dev The 64-byte element at `offset` plus the field's modulus, which still fits.
    function _addModulus(bytes memory data, uint256 offset) private pure returns (bytes memory copy) {
        bytes memory modulus =
            hex"000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";
        copy = bytes.concat(data);
        uint256 carry;
        for (uint256 i = 64; i > 0; --i) {
            uint256 sum = uint8(copy[offset + i - 1]) + uint256(uint8(modulus[i - 1])) + carry;
            copy[offset + i - 1] = bytes1(uint8(sum));
            carry = sum >> 8;
        }
    }
}
