// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {OperatorRegistry} from "../src/OperatorRegistry.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {MerkleTree} from "../src/libraries/MerkleTree.sol";
import {Messages} from "../src/libraries/Messages.sol";
import {BlsSigner} from "./support/BlsSigner.sol";
import {TestBase} from "./support/Vm.sol";

/// @dev The bytes of the protocol, from the fixture that the Rust tests read too.
contract ProtocolBytesTest is TestBase {
    string private _json;

    function setUp() public {
        _json = vm.readFile("../protocol/tests/fixtures/protocol-bytes.json");
    }

    function test_tags_fixture_match() public view {
        _checkTag("LEDGER", Messages.TAG_LEDGER);
        _checkTag("JOB", Messages.TAG_JOB);
        _checkTag("BEACON", Messages.TAG_BEACON);
        _checkTag("SEED", Messages.TAG_SEED);
        _checkTag("EVIDENCE", Messages.TAG_EVIDENCE);
        _checkTag("COMMIT", Messages.TAG_COMMIT);
        _checkTag("LEAF", Messages.TAG_LEAF);
        _checkTag("NODE", Messages.TAG_NODE);
        _checkTag("ATTEST", Messages.TAG_ATTEST);
        _checkTag("ACC", Messages.TAG_ACC);
        _checkTag("ROTATE", Messages.TAG_ROTATE);
        _checkTag("RESPONSE", Messages.TAG_RESPONSE);
        _checkTag("PART", Messages.TAG_PART);
        _checkTag("KEYPOP", Messages.TAG_KEYPOP);
        _checkTag("BOUND", Messages.TAG_BOUND);
        _checkTag("MEMBER", Messages.TAG_MEMBER);
        vm.assertEq(string(BlsSigner.DOMAIN), vm.parseJsonString(_json, ".dst"));
    }

    function test_job_fixture_match() public view {
        for (uint256 i = 0; _has("JOB", i); ++i) {
            bytes32 hash = Messages.job(
                _uint("JOB", i, "chainId"),
                _address("JOB", i, "escrow"),
                uint64(_uint("JOB", i, "nonce")),
                _address("JOB", i, "provider"),
                bytes4(keccak256(bytes(vm.parseJsonString(_json, _path("JOB", i, "kindName"))))),
                keccak256(_bytes("JOB", i, "statement")),
                uint64(_uint("JOB", i, "deadline"))
            );
            vm.assertEq(hash, _word("JOB", i, "hash"));
        }
    }

    function test_leaf_fixture_match() public view {
        for (uint256 i = 0; _has("LEAF", i); ++i) {
            bytes32 hash = Messages.leaf(
                _word("LEAF", i, "jobId"),
                uint8(_uint("LEAF", i, "verdict")),
                uint16(_uint("LEAF", i, "code")),
                uint128(_uint("LEAF", i, "value")),
                _word("LEAF", i, "evidence")
            );
            vm.assertEq(hash, _word("LEAF", i, "hash"));
        }
    }

    function test_nodeAndTree_fixture_match() public view {
        for (uint256 i = 0; _has("NODE", i); ++i) {
            vm.assertEq(Messages.node(_word("NODE", i, "left"), _word("NODE", i, "right")), _word("NODE", i, "hash"));
        }
        for (uint256 i = 0; _has("TREE", i); ++i) {
            bytes32[] memory leaves = vm.parseJsonBytes32Array(_json, _path("TREE", i, "leaves"));
            bytes32 root = _word("TREE", i, "root");
            for (uint256 k = 0; k < leaves.length; ++k) {
                string memory path = string.concat(_path("TREE", i, "paths"), "[", vm.toString(k), "]");
                bytes32[] memory siblings = vm.parseJsonBytes32Array(_json, path);
                vm.assertTrue(this.contains(root, leaves.length, leaves[k], k, siblings), path);
            }
            vm.assertEq(MerkleTree.rootOf(leaves), root);
        }
    }

    function test_accumulate_fixture_match() public view {
        for (uint256 i = 0; _has("ACC", i); ++i) {
            bytes memory packed = _bytes("ACC", i, "packed");
            vm.assertEq(packed.length, 27 * _uint("ACC", i, "count"));
            bytes32 acc = Messages.accumulate(
                _word("ACC", i, "previousAcc"),
                _word("ACC", i, "root"),
                keccak256(packed),
                uint32(_uint("ACC", i, "count"))
            );
            vm.assertEq(acc, _word("ACC", i, "hash"));
        }
    }

    function test_attest_fixture_match() public view {
        for (uint256 i = 0; _has("ATTEST", i); ++i) {
            bytes32 hash = Messages.attest(
                _word("ATTEST", i, "ledgerId"),
                _uint("ATTEST", i, "chainId"),
                _address("ATTEST", i, "hub"),
                uint32(_uint("ATTEST", i, "committeeId")),
                uint64(_uint("ATTEST", i, "epoch")),
                uint64(_uint("ATTEST", i, "h")),
                _word("ATTEST", i, "blockId"),
                _word("ATTEST", i, "acc")
            );
            vm.assertEq(hash, _word("ATTEST", i, "hash"));
        }
    }

    function test_rotate_fixture_match() public view {
        for (uint256 i = 0; _has("ROTATE", i); ++i) {
            bytes32 hash = Messages.rotate(
                _word("ROTATE", i, "ledgerId"),
                _uint("ROTATE", i, "chainId"),
                _address("ROTATE", i, "hub"),
                uint32(_uint("ROTATE", i, "committeeId")),
                uint64(_uint("ROTATE", i, "epoch")),
                keccak256(_bytes("ROTATE", i, "newKey")),
                uint64(_uint("ROTATE", i, "lastHeight"))
            );
            vm.assertEq(hash, _word("ROTATE", i, "hash"));
        }
    }

    function test_keyPossession_fixture_match() public view {
        for (uint256 i = 0; _has("KEYPOP", i); ++i) {
            bytes32 hash = Messages.keyPossession(
                _word("KEYPOP", i, "ledgerId"),
                _uint("KEYPOP", i, "chainId"),
                _address("KEYPOP", i, "hub"),
                uint32(_uint("KEYPOP", i, "committeeId")),
                uint64(_uint("KEYPOP", i, "epoch")),
                keccak256(_bytes("KEYPOP", i, "newKey"))
            );
            vm.assertEq(hash, _word("KEYPOP", i, "hash"));
        }
    }

    function test_memberAndCommittee_fixture_match() public view {
        bytes32[] memory members = new bytes32[](5);
        for (uint256 i = 0; _has("MEMBER", i); ++i) {
            members[i] = Messages.member(
                _address("MEMBER", i, "operator"),
                keccak256(_bytes("MEMBER", i, "consensusKey")),
                _word("MEMBER", i, "networkKey"),
                _word("MEMBER", i, "encryptionKey")
            );
            vm.assertEq(members[i], _word("MEMBER", i, "hash"));
        }
        for (uint256 i = 0; _has("COMMITTEE", i); ++i) {
            bytes32[] memory leaves = new bytes32[](_uint("COMMITTEE", i, "members"));
            for (uint256 k = 0; k < leaves.length; ++k) {
                leaves[k] = members[k];
            }
            vm.assertEq(MerkleTree.rootOf(leaves), _word("COMMITTEE", i, "root"));
        }
    }

    function test_registrationDigest_fixture_match() public {
        for (uint256 i = 0; _has("REGISTRATION", i); ++i) {
            vm.chainId(_uint("REGISTRATION", i, "chainId"));
            // the domain binds the address, so the code moves to the one of the fixture
            OperatorRegistry deployed = new OperatorRegistry(address(1), IERC20(address(2)), 1, 4, 1);
            OperatorRegistry registry = OperatorRegistry(_address("REGISTRATION", i, "registry"));
            vm.etch(address(registry), address(deployed).code);
            IOperatorRegistry.Registration memory registration = IOperatorRegistry.Registration({
                operator: _address("REGISTRATION", i, "operator"),
                consensusKey: _bytes("REGISTRATION", i, "consensusKey"),
                networkKey: _word("REGISTRATION", i, "networkKey"),
                encryptionKey: _word("REGISTRATION", i, "encryptionKey"),
                endpoint: vm.parseJsonString(_json, _path("REGISTRATION", i, "endpoint"))
            });
            vm.assertEq(
                registry.registrationDigest(_address("REGISTRATION", i, "owner"), registration),
                _word("REGISTRATION", i, "hash")
            );
        }
    }

    /// @dev Messages that only Rust makes: the generic rule, so that a wrong fixture is seen here too.
    function test_messagesOfTheLedger_genericRule_match() public view {
        for (uint256 i = 0; _has("BEACON", i); ++i) {
            bytes memory fields = abi.encode(
                Messages.TAG_BEACON,
                _word("BEACON", i, "ledgerId"),
                _uint("BEACON", i, "committeeId"),
                _uint("BEACON", i, "epoch"),
                _uint("BEACON", i, "h")
            );
            vm.assertEq(keccak256(fields), _word("BEACON", i, "hash"));
        }
        for (uint256 i = 0; _has("SEED", i); ++i) {
            bytes memory fields = abi.encode(
                Messages.TAG_SEED,
                keccak256(_bytes("SEED", i, "beaconSignature")),
                _word("SEED", i, "blockId"),
                _word("SEED", i, "jobId")
            );
            vm.assertEq(keccak256(fields), _word("SEED", i, "hash"));
        }
        for (uint256 i = 0; _has("RESPONSE", i); ++i) {
            bytes memory fields = abi.encode(
                Messages.TAG_RESPONSE,
                _word("RESPONSE", i, "ledgerId"),
                _uint("RESPONSE", i, "chainId"),
                _address("RESPONSE", i, "hub"),
                _word("RESPONSE", i, "jobId"),
                _word("RESPONSE", i, "seed"),
                _word("RESPONSE", i, "responseHash")
            );
            vm.assertEq(keccak256(fields), _word("RESPONSE", i, "hash"));
        }
        for (uint256 i = 0; _has("COMMIT", i); ++i) {
            bytes memory fields = abi.encode(
                Messages.TAG_COMMIT,
                _word("COMMIT", i, "ledgerId"),
                _word("COMMIT", i, "jobId"),
                _address("COMMIT", i, "operator"),
                _uint("COMMIT", i, "verdict"),
                _uint("COMMIT", i, "code"),
                _uint("COMMIT", i, "value"),
                _word("COMMIT", i, "evidence"),
                _word("COMMIT", i, "salt")
            );
            vm.assertEq(keccak256(fields), _word("COMMIT", i, "hash"));
        }
    }

    function contains(
        bytes32 root,
        uint256 count,
        bytes32 leaf,
        uint256 position,
        bytes32[] calldata siblings
    )
        external
        pure
        returns (bool)
    {
        return MerkleTree.contains(root, count, leaf, position, siblings);
    }

    function _checkTag(string memory name, bytes32 tag) private view {
        vm.assertEq(tag, vm.parseJsonBytes32(_json, string.concat(".tags.", name, ".hash")));
        vm.assertEq(tag, keccak256(bytes(vm.parseJsonString(_json, string.concat(".tags.", name, ".preimage")))));
    }

    function _path(string memory name, uint256 i, string memory field) private pure returns (string memory) {
        return string.concat(".", name, "[", vm.toString(i), "].", field);
    }

    /// @dev Whether case `i` exists; the first must.
    function _has(string memory name, uint256 i) private view returns (bool found) {
        found = vm.keyExistsJson(_json, string.concat(".", name, "[", vm.toString(i), "]"));
        vm.assertTrue(found || i > 1, name);
    }

    function _word(string memory name, uint256 i, string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(_json, _path(name, i, field));
    }

    function _bytes(string memory name, uint256 i, string memory field) private view returns (bytes memory) {
        return vm.parseJsonBytes(_json, _path(name, i, field));
    }

    function _uint(string memory name, uint256 i, string memory field) private view returns (uint256) {
        return vm.parseJsonUint(_json, _path(name, i, field));
    }

    function _address(string memory name, uint256 i, string memory field) private view returns (address) {
        return vm.parseJsonAddress(_json, _path(name, i, field));
    }
}
