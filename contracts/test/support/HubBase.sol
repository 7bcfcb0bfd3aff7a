// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {AttestationHub} from "../../src/AttestationHub.sol";
import {OperatorRegistry} from "../../src/OperatorRegistry.sol";
import {DevToken} from "../../src/dev/DevToken.sol";
import {IAttestationHub} from "../../src/interfaces/IAttestationHub.sol";
import {IOperatorRegistry} from "../../src/interfaces/IOperatorRegistry.sol";
import {MerkleTree} from "../../src/libraries/MerkleTree.sol";
import {Messages} from "../../src/libraries/Messages.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {TestBase, Vm} from "./Vm.sol";

/// @dev Token, registry, hub and helpers to register operators, confirm keys, request jobs and attest outcomes.
abstract contract HubBase is TestBase {
    uint256 internal constant FEE = 0.001 ether;
    uint64 internal constant WINDOW = 1 hours;
    uint128 internal constant STAKE = 1000 ether;
    uint32 internal constant SEATS = 4;
    uint64 internal constant UNBONDING = 7 days;
    uint64 internal constant EPOCH = 1;
    uint32 internal constant COMMITTEE = 0;
    bytes32 internal constant LEDGER = keccak256("ledger");
    uint256 internal constant SECRET = 0x1d0e0f6b6c1c4f1b9b7c6f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a;
    uint256 internal constant NEXT_SECRET = 0x0badc0de6c1c4f1b9b7c6f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a;
    bytes4 internal constant KIND = bytes4(keccak256("groth16-bn254"));
    address internal constant OWNER = address(0xdada);
    address internal constant PROVIDER = address(0x9a0f1de8);
    address internal constant SUBMITTER = address(0x50b317);

    DevToken internal token;
    OperatorRegistry internal registry;
    AttestationHub internal hub;
    uint64 internal height;
    /// @dev Accumulator that the next batch extends.
    bytes32 internal tip;

    function _deploy() internal {
        vm.warp(1_800_000_000);
        token = new DevToken("Stake", "STK");
        registry = new OperatorRegistry(OWNER, IERC20(address(token)), STAKE, SEATS, UNBONDING);
        hub = new AttestationHub(registry, FEE, WINDOW);
        vm.prank(OWNER);
        registry.setHub(address(hub));
    }

    /// @dev Everything up to an active first key.
    function _launch() internal {
        _deploy();
        for (uint256 i = 0; i < SEATS; ++i) {
            _register(i);
        }
        _confirmBy(3, EPOCH, SECRET);
    }

    function _operator(uint256 index) internal pure returns (address) {
        return vm.addr(_operatorKey(index));
    }

    function _operatorKey(uint256 index) internal pure returns (uint256) {
        return 0xa11ce000 + index;
    }

    function _ownerOf(uint256 index) internal pure returns (address) {
        return address(uint160(0x0e000000 + index));
    }

    function _registration(uint256 index) internal returns (IOperatorRegistry.Registration memory) {
        return IOperatorRegistry.Registration({
            operator: _operator(index),
            consensusKey: _consensusKey(index),
            networkKey: keccak256(abi.encode("network", index)),
            encryptionKey: keccak256(abi.encode("encryption", index)),
            endpoint: string.concat("/ip4/127.0.0.1/tcp/", vm.toString(7000 + index))
        });
    }

    function _consensusKey(uint256 index) internal returns (bytes memory) {
        Vm.Wallet memory wallet = vm.createWallet(0xc0de0000 + index);
        return abi.encode(wallet.publicKeyX, wallet.publicKeyY);
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _fund(address owner) internal {
        token.mint(owner, STAKE);
        vm.prank(owner);
        token.approve(address(registry), STAKE);
    }

    function _register(uint256 index) internal {
        IOperatorRegistry.Registration memory registration = _registration(index);
        address owner = _ownerOf(index);
        _fund(owner);
        bytes32 digest = registry.registrationDigest(owner, registration);
        bytes memory byOperator = _sign(_operatorKey(index), digest);
        bytes memory byConsensus = _sign(0xc0de0000 + index, digest);
        vm.prank(owner);
        registry.register(registration, byOperator, byConsensus);
    }

    function _possession(uint64 epoch, uint256 secret) internal view returns (bytes memory) {
        bytes32 keyHash = keccak256(BlsSigner.publicKey(secret));
        return
            BlsSigner.sign(
                secret, Messages.keyPossession(LEDGER, block.chainid, address(hub), COMMITTEE, epoch, keyHash)
            );
    }

    function _confirm(uint256 index, uint64 epoch, uint256 secret) internal {
        bytes memory pop = _possession(epoch, secret);
        bytes memory key = BlsSigner.publicKey(secret);
        vm.prank(_operator(index));
        hub.confirmGroupKey(LEDGER, COMMITTEE, epoch, key, pop);
    }

    function _confirmBy(uint256 count, uint64 epoch, uint256 secret) internal {
        for (uint256 i = 0; i < count; ++i) {
            _confirm(i, epoch, secret);
        }
    }

    /// @dev A job requested by `escrow`.
    function _request(address escrow) internal returns (bytes32 jobId, uint64 jobIndex) {
        vm.deal(escrow, FEE);
        vm.prank(escrow);
        return hub.request{value: FEE}(PROVIDER, KIND, abi.encode(escrow), uint64(block.timestamp + 1 days));
    }

    function _requestMany(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            _request(address(0xe5c0));
        }
    }

    function _packed(uint64 jobIndex, uint8 verdict) internal pure returns (bytes memory) {
        return abi.encodePacked(jobIndex, verdict, uint16(0), uint128(verdict == 0 ? 1 : 0));
    }

    /// @dev `count` Valid outcomes from index `from` on.
    function _packedRange(uint64 from, uint256 count) internal pure returns (bytes memory packed) {
        for (uint64 i = from; i < from + count; ++i) {
            packed = bytes.concat(packed, _packed(i, 0));
        }
    }

    function _one(bytes32 root, bytes memory packed) internal pure returns (IAttestationHub.Batch[] memory batches) {
        batches = new IAttestationHub.Batch[](1);
        batches[0] = IAttestationHub.Batch(root, packed);
    }

    function _one(bytes memory packed) internal pure returns (IAttestationHub.Batch[] memory) {
        return _one(keccak256(bytes.concat("root", packed)), packed);
    }

    function _accAfter(bytes32 acc, IAttestationHub.Batch[] memory batches) internal pure returns (bytes32) {
        for (uint256 i = 0; i < batches.length; ++i) {
            bytes memory packed = batches[i].packed;
            acc = Messages.accumulate(acc, batches[i].root, keccak256(packed), uint32(packed.length / 27));
        }
        return acc;
    }

    function _blockId(uint64 height_) internal pure returns (bytes32) {
        return keccak256(abi.encode("block", height_));
    }

    function _attest(uint256 secret, uint64 epoch, uint64 height_, bytes32 acc) internal view returns (bytes memory) {
        bytes32 message =
            Messages.attest(LEDGER, block.chainid, address(hub), COMMITTEE, epoch, height_, _blockId(height_), acc);
        return BlsSigner.sign(secret, message);
    }

    /// @dev Signs the batches as the next height and submits them.
    function _submit(IAttestationHub.Batch[] memory batches) internal {
        bytes memory signature = _attest(SECRET, EPOCH, ++height, tip = _accAfter(tip, batches));
        vm.prank(SUBMITTER);
        hub.submit(EPOCH, height, _blockId(height), batches, signature);
    }

    function _submit(bytes memory packed) internal {
        _submit(_one(packed));
    }

    /// @dev A proof of the leaf at `position` of a batch over `leaves`, whose accumulator is known to the hub.
    function _proof(
        bytes32 previousAcc,
        bytes32[] memory leaves,
        uint32 position,
        bytes memory packed
    )
        internal
        pure
        returns (IAttestationHub.Proof memory proof)
    {
        proof.position = position;
        proof.siblings = _path(leaves, position);
        proof.previousAcc = previousAcc;
        proof.batch = IAttestationHub.Link(_root(leaves), keccak256(packed), uint32(leaves.length));
    }

    function _root(bytes32[] memory leaves) internal pure returns (bytes32) {
        return MerkleTree.rootOf(_copy(leaves));
    }

    function _leaf(IAttestationHub.Outcome memory outcome) internal pure returns (bytes32) {
        return Messages.leaf(outcome.jobId, outcome.verdict, outcome.code, outcome.value, outcome.evidence);
    }

    /// @dev Siblings of a leaf, from the leaf up.
    function _path(bytes32[] memory leaves, uint256 position) internal pure returns (bytes32[] memory siblings) {
        bytes32[] memory level = _copy(leaves);
        bytes32[] memory found = new bytes32[](32);
        uint256 used;
        for (uint256 width = level.length; width > 1; width = (width + 1) / 2) {
            if (position ^ 1 < width) found[used++] = level[position ^ 1];
            for (uint256 i = 0; i < width; i += 2) {
                level[i / 2] = i + 1 < width ? Messages.node(level[i], level[i + 1]) : level[i];
            }
            position /= 2;
        }
        siblings = new bytes32[](used);
        for (uint256 i = 0; i < used; ++i) {
            siblings[i] = found[i];
        }
    }

    function _copy(bytes32[] memory items) internal pure returns (bytes32[] memory copy) {
        copy = new bytes32[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            copy[i] = items[i];
        }
    }
}
