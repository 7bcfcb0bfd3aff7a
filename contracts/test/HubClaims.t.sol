// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationConsumer} from "../src/interfaces/IAttestationConsumer.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {HubBase} from "./support/HubBase.sol";

/// @dev A consumer that can be told to refuse, to burn its gas, to return a lot, or to call back.
contract TestConsumer is IAttestationConsumer {
    enum Mode {
        Accept,
        Refuse,
        Burn,
        ReturnMuch,
        CallBack
    }

    Mode public mode;
    uint256 public calls;
    uint256 public gasGiven;
    bytes public last;
    bytes public callBackResult;

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function onAttested(bytes32 jobId, uint8 verdict, uint128 value, bytes32 evidenceHash) external {
        gasGiven = gasleft();
        if (mode == Mode.Refuse) revert("refused");
        if (mode == Mode.Burn) {
            while (true) gasGiven = gasleft();
        }
        if (mode == Mode.CallBack) {
            (, callBackResult) = msg.sender.call(abi.encodeCall(IAttestationHub.deliver, (jobId)));
        }
        ++calls;
        last = abi.encode(jobId, verdict, value, evidenceHash);
        if (mode == Mode.ReturnMuch) {
            assembly ("memory-safe") {
                return(0, 20000)
            }
        }
    }
}

/// @dev Merkle claims and delivery.
contract HubClaimsTest is HubBase {
    uint32 private constant _POSITION = 2;

    TestConsumer private _consumer;
    bytes32 private _jobId;
    IAttestationHub.Outcome private _outcome;
    bytes32[] private _leaves;
    bytes private _packedBatch;

    function setUp() public {
        _launch();
        _consumer = new TestConsumer();
        _requestMany(2);
        (_jobId,) = _request(address(_consumer));
        _requestMany(2);
        _outcome = IAttestationHub.Outcome(_jobId, 0, 0, 1, keccak256("evidence"));
        for (uint256 i = 0; i < 5; ++i) {
            _leaves.push(i == _POSITION ? _leaf(_outcome) : keccak256(abi.encode("leaf", i)));
        }
        _packedBatch = _packedRange(1, 5);
    }

    function test_claim_recordedJob_storesDetails() public {
        _submitBatch();
        vm.expectEmit();
        emit IAttestationHub.OutcomeClaimed(_jobId, 3, 0, 0, 1, keccak256("evidence"));
        hub.claim(_outcome, _proofHere());
        IAttestationHub.Report memory report = hub.outcomeOf(_jobId);
        vm.assertTrue(report.recorded && report.claimed);
        vm.assertEq(report.verdict, 0);
        vm.assertEq(report.code, 0);
        vm.assertEq(report.value, 1);
        vm.assertEq(report.evidence, keccak256("evidence"));
        vm.assertEq(hub.creditOf(address(this)), 0, "the submitter has the fee");
    }

    function test_claim_announcedOnly_recordsAndCredits() public {
        _announceBatch();
        hub.claim(_outcome, _proofHere());
        vm.assertEq(hub.statusOf(3), 1);
        vm.assertEq(hub.creditOf(address(this)), FEE);
        IAttestationHub.Report memory report = hub.outcomeOf(_jobId);
        vm.assertEq(report.finalAt, block.timestamp + WINDOW);
        _submitBatch();
        vm.assertEq(hub.creditOf(SUBMITTER), 4 * FEE, "the claimed job is not paid twice");
    }

    function test_claim_refundedJob_recordsWithoutPay() public {
        _announceBatch();
        vm.warp(block.timestamp + 2 days);
        vm.prank(address(_consumer));
        hub.refundFee(_jobId);
        hub.claim(_outcome, _proofHere());
        vm.assertEq(hub.statusOf(3), 1);
        vm.assertEq(hub.creditOf(address(this)), 0);
    }

    function test_claim_laterBatches_linksLeadOn() public {
        _submitBatch();
        IAttestationHub.Proof memory proof = _proofHere();
        _requestMany(2);
        _submit(_packed(6, 0));
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(_outcome, proof);
        _submit(_packed(7, 0));
        proof.later = new IAttestationHub.Link[](2);
        proof.later[0] = _link(_packed(6, 0));
        proof.later[1] = _link(_packed(7, 0));
        hub.claim(_outcome, proof);
        vm.assertTrue(hub.outcomeOf(_jobId).claimed);
    }

    function test_claim_checkpoint_endsProofsForGood() public {
        _submitBatch();
        vm.expectEmit();
        emit IAttestationHub.Checkpointed(tip);
        hub.checkpoint();
        hub.checkpoint();
        _requestMany(1);
        _submit(_packed(6, 0));
        hub.claim(_outcome, _proofHere());
        vm.assertTrue(hub.outcomeOf(_jobId).claimed);
    }

    function test_checkpoint_nothingYet_keepsNothing() public {
        hub.checkpoint();
        IAttestationHub.Proof memory proof = _proofHere();
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(_outcome, proof);
    }

    function test_claim_notAttested_reverts() public {
        IAttestationHub.Proof memory proof = _proofHere();
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(_outcome, proof);
    }

    function test_claim_changedOutcome_reverts() public {
        _submitBatch();
        IAttestationHub.Proof memory proof = _proofHere();
        IAttestationHub.Outcome memory changed = _outcome;
        changed.value = 2;
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(changed, proof);
        changed = _outcome;
        changed.evidence = 0;
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(changed, proof);
        changed = _outcome;
        changed.code = 1;
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(changed, proof);
        changed = _outcome;
        changed.verdict = 1;
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(changed, proof);
    }

    function test_claim_changedProof_reverts() public {
        _submitBatch();
        IAttestationHub.Proof memory proof = _proofHere();
        proof.position = 3;
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(_outcome, proof);
        proof = _proofHere();
        proof.siblings[0] = 0;
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(_outcome, proof);
        proof = _proofHere();
        proof.batch.packedHash = 0;
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(_outcome, proof);
        proof = _proofHere();
        proof.previousAcc = "other";
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(_outcome, proof);
        proof = _proofHere();
        proof.batch.count = 6;
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        hub.claim(_outcome, proof);
    }

    function test_claim_twice_reverts() public {
        _submitBatch();
        hub.claim(_outcome, _proofHere());
        IAttestationHub.Proof memory proof = _proofHere();
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.AlreadyClaimed.selector, _jobId));
        hub.claim(_outcome, proof);
    }

    function test_claim_unknownJob_reverts() public {
        _outcome.jobId = "unknown";
        IAttestationHub.Proof memory proof = _proofHere();
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.UnknownJob.selector, bytes32("unknown")));
        hub.claim(_outcome, proof);
    }

    function test_claim_leafContradictsRecordedVerdict_reverts() public {
        _packedBatch = bytes.concat(_packedRange(1, 2), _packed(3, 1), _packedRange(4, 2));
        _submitBatch();
        IAttestationHub.Proof memory proof = _proofHere();
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.OutcomeMismatch.selector, _jobId));
        hub.claim(_outcome, proof);
    }

    function test_claim_verdictOutOfRange_reverts() public {
        _outcome.verdict = 4;
        _leaves[_POSITION] = _leaf(_outcome);
        _announceBatch();
        IAttestationHub.Proof memory proof = _proofHere();
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.OutcomeMismatch.selector, _jobId));
        hub.claim(_outcome, proof);
    }

    function test_deliver_final_callsOnce() public {
        _ready();
        vm.expectEmit();
        emit IAttestationHub.Delivered(_jobId, address(_consumer));
        hub.deliver(_jobId);
        vm.assertEq(_consumer.calls(), 1);
        vm.assertEq(_consumer.last(), abi.encode(_jobId, uint8(0), uint128(1), keccak256("evidence")));
        (,,, bool delivered) = hub.jobOf(_jobId);
        vm.assertTrue(delivered);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.AlreadyDelivered.selector, _jobId));
        hub.deliver(_jobId);
    }

    function test_deliver_notClaimed_reverts() public {
        _submitBatch();
        vm.warp(block.timestamp + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.NotClaimed.selector, _jobId));
        hub.deliver(_jobId);
    }

    function test_deliver_windowOpen_reverts() public {
        _submitBatch();
        hub.claim(_outcome, _proofHere());
        uint64 finalAt = uint64(block.timestamp) + WINDOW;
        vm.warp(finalAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.NotFinal.selector, _jobId, finalAt));
        hub.deliver(_jobId);
        vm.warp(finalAt);
        hub.deliver(_jobId);
    }

    function test_deliver_unknownJob_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.UnknownJob.selector, bytes32("job")));
        hub.deliver("job");
    }

    function test_deliver_consumerWithoutCode_reverts() public {
        _ready();
        vm.etch(address(_consumer), "");
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.ConsumerHasNoCode.selector, address(_consumer)));
        hub.deliver(_jobId);
    }

    function test_deliver_consumerRefuses_revertsAndMayBeTriedAgain() public {
        _ready();
        _consumer.setMode(TestConsumer.Mode.Refuse);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.DeliveryFailed.selector, _jobId));
        hub.deliver(_jobId);
        _consumer.setMode(TestConsumer.Mode.Accept);
        hub.deliver(_jobId);
        vm.assertEq(_consumer.calls(), 1);
    }

    function test_deliver_consumerBurnsGas_costsOnlyItsAmount() public {
        _ready();
        _consumer.setMode(TestConsumer.Mode.Burn);
        uint256 before = gasleft();
        (bool ok,) = address(hub).call(abi.encodeCall(IAttestationHub.deliver, (_jobId)));
        vm.assertFalse(ok);
        vm.assertLe(before - gasleft(), hub.DELIVERY_GAS() + 60_000, "gas burnt");
    }

    function test_deliver_consumerReturnsMuch_nothingIsCopied() public {
        _ready();
        _consumer.setMode(TestConsumer.Mode.ReturnMuch);
        hub.deliver(_jobId);
        vm.assertEq(_consumer.calls(), 1);
    }

    function test_deliver_consumerCallsBack_isDeliveredOnce() public {
        _ready();
        _consumer.setMode(TestConsumer.Mode.CallBack);
        hub.deliver(_jobId);
        vm.assertEq(_consumer.calls(), 1);
        vm.assertEq(_consumer.callBackResult(), abi.encodePacked(bytes4(keccak256("ReentrancyGuardReentrantCall()"))));
    }

    function test_deliver_anyGas_consumerGetsAllOrNothing() public {
        _ready();
        bytes memory call = abi.encodeCall(IAttestationHub.deliver, (_jobId));
        uint256 delivered;
        for (uint256 gas_ = 40_000; gas_ < 420_000 && delivered == 0; gas_ += 3000) {
            (bool ok, bytes memory reason) = address(hub).call{gas: gas_}(call);
            delivered = _consumer.calls();
            vm.assertEq(ok, delivered == 1);
            if (!ok && reason.length >= 4) {
                vm.assertEq(bytes4(reason), bytes4(IAttestationHub.InsufficientGas.selector));
            }
        }
        vm.assertEq(delivered, 1);
        vm.assertTrue(_consumer.gasGiven() > hub.DELIVERY_GAS() - 1000, "gas of the consumer");
        vm.assertTrue(_consumer.gasGiven() <= hub.DELIVERY_GAS(), "gas of the consumer");
    }

    function _ready() private {
        _submitBatch();
        hub.claim(_outcome, _proofHere());
        vm.warp(block.timestamp + WINDOW);
    }

    function _submitBatch() private {
        _submit(_one(_root(_leaves), _packedBatch));
    }

    function _announceBatch() private {
        IAttestationHub.Batch[] memory batches = _one(_root(_leaves), _packedBatch);
        hub.announce(EPOCH, 1, _blockId(1), batches, _attest(SECRET, EPOCH, 1, _accAfter(0, batches)));
    }

    function _proofHere() private view returns (IAttestationHub.Proof memory) {
        return _proof(0, _leaves, _POSITION, _packedBatch);
    }

    function _link(bytes memory packed) private pure returns (IAttestationHub.Link memory) {
        IAttestationHub.Batch[] memory batch = _one(packed);
        return IAttestationHub.Link(batch[0].root, keccak256(packed), uint32(packed.length / 27));
    }
}
