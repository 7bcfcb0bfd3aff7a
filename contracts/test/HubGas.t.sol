// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationConsumer} from "../src/interfaces/IAttestationConsumer.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {HubBase} from "./support/HubBase.sol";

/// @dev A consumer that stores what it gets.
contract StoringConsumer is IAttestationConsumer {
    bytes32 public jobId;
    bytes32 public evidence;

    function onAttested(bytes32 jobId_, uint8, uint128, bytes32 evidence_) external {
        jobId = jobId_;
        evidence = evidence_;
    }
}

/// @dev Gas of whole transactions: each call runs isolated, so the figure has the 21,000 base, the calldata with
/// EIP-7623's floor, cold accounts and slots, and refunds.
/// forge-config: default.isolate = true
contract HubGasTest is HubBase {
    uint256 private constant _BATCH_OF_1_MAX = 170_000;
    uint256 private constant _RECORD_256_MAX = 400_000;
    uint256 private constant _ANNOUNCE_256_MAX = 256_000;

    function setUp() public {
        _launch();
    }

    function test_gas_request() public {
        _requestMany(2);
        _request(address(0xe5c0));
        _note("request");
        _requestMany(4);
        _request(address(0xe5c0));
        _note("request, opens a page");
    }

    function test_gas_submitOne_belowTarget() public {
        _requestMany(2);
        // the hub's first batch, from a member that never sent the hub anything
        _submitBy(_operator(3), _one(_packed(1, 0)));
        vm.assertLe(_note("submit 1, the first ever"), _BATCH_OF_1_MAX, "batch of 1");
        _submitBy(_operator(0), _one(_packed(2, 0)));
        vm.assertLe(_note("submit 1"), _BATCH_OF_1_MAX, "batch of 1");
    }

    function test_gas_submit256_belowTarget() public {
        _requestMany(260);
        _submitBy(_operator(0), _one(_packedRange(1, 2)));
        _submitBy(_operator(0), _one(_packedRange(3, 256)));
        vm.assertLe(_note("submit 256"), _RECORD_256_MAX, "256 recorded");
    }

    function test_gas_submit32() public {
        _requestMany(40);
        _submitBy(_operator(0), _one(_packedRange(3, 32)));
        _note("submit 32");
    }

    function test_gas_submit8Heights() public {
        _requestMany(8);
        IAttestationHub.Batch[] memory batches = new IAttestationHub.Batch[](8);
        for (uint64 i = 0; i < 8; ++i) {
            batches[i] = IAttestationHub.Batch(keccak256(abi.encode(i)), _packed(i + 1, 0));
        }
        _submitBy(_operator(0), batches);
        _note("submit 8 heights of 1");
    }

    function test_gas_announce256_belowTarget() public {
        IAttestationHub.Batch[] memory batches = _one(_packedRange(1, 256));
        bytes memory signature = _attest(SECRET, EPOCH, 1, _accAfter(0, batches));
        vm.prank(_operator(0));
        hub.announce(EPOCH, 1, _blockId(1), batches, signature);
        vm.assertLe(_note("announce 256"), _ANNOUNCE_256_MAX, "256 announced");
    }

    function test_gas_announceOne() public {
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        bytes memory signature = _attest(SECRET, EPOCH, 1, _accAfter(0, batches));
        vm.prank(_operator(0));
        hub.announce(EPOCH, 1, _blockId(1), batches, signature);
        _note("announce 1");
    }

    function test_gas_claimAndDeliver() public {
        StoringConsumer consumer = new StoringConsumer();
        (bytes32 jobId, uint64 jobIndex) = _request(address(consumer));
        bytes32[] memory leaves = new bytes32[](256);
        IAttestationHub.Outcome memory outcome = IAttestationHub.Outcome(jobId, 0, 0, 1, keccak256("evidence"));
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = keccak256(abi.encode(i));
        }
        leaves[77] = _leaf(outcome);
        bytes memory packed = _packedRange(jobIndex, 256);
        _submitBy(_operator(0), _one(_root(leaves), packed));
        IAttestationHub.Proof memory proof = _proof(0, leaves, 77, packed);
        hub.claim(outcome, proof);
        _note("claim, one of 256");
        vm.warp(block.timestamp + WINDOW);
        hub.deliver(jobId);
        _note("deliver, consumer stores 2 slots");
    }

    function test_gas_rotation() public {
        _register(4);
        registry.freezeCommittee();
        _confirm(0, EPOCH + 1, NEXT_SECRET);
        _note("confirmGroupKey");
        _confirm(1, EPOCH + 1, NEXT_SECRET);
        _confirm(2, EPOCH + 1, NEXT_SECRET);
        _note("confirmGroupKey, the quorum's last");
    }

    function _submitBy(address submitter, IAttestationHub.Batch[] memory batches) private {
        bytes memory signature = _attest(SECRET, EPOCH, ++height, tip = _accAfter(tip, batches));
        vm.prank(submitter);
        hub.submit(EPOCH, height, _blockId(height), batches, signature);
    }

    function _note(string memory name) private returns (uint256) {
        return vm.snapshotGasLastCall("AttestationHub", name);
    }
}
