// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AttestationHub} from "../src/AttestationHub.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {Messages} from "../src/libraries/Messages.sol";
import {BlsSigner} from "./support/BlsSigner.sol";
import {HubBase} from "./support/HubBase.sol";

/// @dev Requests, submit, announce, fees.
contract HubSettlementTest is HubBase {
    address private constant _ESCROW = address(0xe5c0);

    function setUp() public {
        _launch();
    }

    function test_request_first_hasIndex1AndPinnedId() public {
        uint64 deadline = uint64(block.timestamp + 1 days);
        bytes32 expected =
            Messages.job(block.chainid, _ESCROW, 1, PROVIDER, KIND, keccak256(abi.encode(_ESCROW)), deadline);
        vm.deal(_ESCROW, FEE);
        vm.expectEmit();
        emit IAttestationHub.VerificationRequested(expected, 1, PROVIDER, _ESCROW, KIND, deadline, abi.encode(_ESCROW));
        vm.prank(_ESCROW);
        (bytes32 jobId, uint64 jobIndex) = hub.request{value: FEE}(PROVIDER, KIND, abi.encode(_ESCROW), deadline);
        vm.assertEq(jobId, expected);
        vm.assertEq(jobIndex, 1);
        vm.assertEq(hub.jobIdOf(_ESCROW, 1, PROVIDER, KIND, keccak256(abi.encode(_ESCROW)), deadline), jobId);
        (address escrow, uint64 index, uint64 until, bool delivered) = hub.jobOf(jobId);
        vm.assertEq(escrow, _ESCROW);
        vm.assertEq(index, 1);
        vm.assertEq(until, deadline);
        vm.assertFalse(delivered);
        vm.assertEq(hub.jobCount(), 1);
        vm.assertEq(hub.statusOf(1), 0);
    }

    function test_request_sameTwice_differentIds() public {
        (bytes32 first,) = _request(_ESCROW);
        (bytes32 second,) = _request(_ESCROW);
        vm.assertTrue(first != second);
    }

    function test_request_feeTooLow_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.FeeTooLow.selector, FEE - 1, FEE));
        hub.request{value: FEE - 1}(PROVIDER, KIND, "", uint64(block.timestamp + 1));
    }

    function test_request_moreThanFee_creditsTheRest() public {
        vm.deal(_ESCROW, FEE + 7);
        vm.prank(_ESCROW);
        hub.request{value: FEE + 7}(PROVIDER, KIND, "", uint64(block.timestamp + 1));
        vm.assertEq(hub.creditOf(_ESCROW), 7);
    }

    function test_request_deadlineNow_reverts() public {
        uint64 deadline = uint64(block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.DeadlineOutOfRange.selector, deadline));
        hub.request{value: FEE}(PROVIDER, KIND, "", deadline);
    }

    function test_request_deadlineBeyond40Bits_reverts() public {
        uint64 deadline = uint64(type(uint40).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.DeadlineOutOfRange.selector, deadline));
        hub.request{value: FEE}(PROVIDER, KIND, "", deadline);
        hub.request{value: FEE}(PROVIDER, KIND, "", deadline - 1);
    }

    function test_request_statementTooLong_reverts() public {
        hub.request{value: FEE}(PROVIDER, KIND, new bytes(32_768), uint64(block.timestamp + 1));
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.StatementTooLong.selector, 32_769));
        hub.request{value: FEE}(PROVIDER, KIND, new bytes(32_769), uint64(block.timestamp + 1));
    }

    function test_submit_one_recordsAndCredits() public {
        (bytes32 jobId,) = _request(_ESCROW);
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 1));
        vm.expectEmit();
        emit IAttestationHub.Attested(1, _accAfter(0, batches));
        _submit(batches);
        vm.assertEq(hub.statusOf(1), 2);
        (uint8 status, uint64 finalAt) = hub.settlementOf(1);
        vm.assertEq(status, 2);
        vm.assertEq(finalAt, block.timestamp + WINDOW);
        IAttestationHub.Report memory report = hub.outcomeOf(jobId);
        vm.assertTrue(report.recorded);
        vm.assertEq(report.verdict, 1);
        vm.assertFalse(report.claimed);
        vm.assertEq(report.value, 0);
        vm.assertEq(report.recordedAt, block.timestamp);
        vm.assertEq(report.finalAt, block.timestamp + WINDOW);
        vm.assertEq(hub.creditOf(SUBMITTER), FEE);
        vm.assertEq(hub.lastHeight(), 1);
        vm.assertEq(hub.lastAcc(), tip);
    }

    function test_submit_everyVerdict_recorded() public {
        _requestMany(4);
        bytes memory packed;
        for (uint8 verdict = 0; verdict < 4; ++verdict) {
            packed = bytes.concat(packed, _packed(verdict + 1, verdict));
        }
        _submit(packed);
        for (uint8 verdict = 0; verdict < 4; ++verdict) {
            vm.assertEq(hub.statusOf(verdict + 1), verdict + 1);
        }
    }

    function test_submit_severalHeights_oneSignature() public {
        _requestMany(30);
        IAttestationHub.Batch[] memory batches = new IAttestationHub.Batch[](3);
        batches[0] = IAttestationHub.Batch("a", _packedRange(9, 16));
        batches[1] = IAttestationHub.Batch("b", _packedRange(1, 8));
        batches[2] = IAttestationHub.Batch("c", _packedRange(25, 6));
        _submit(batches);
        for (uint64 i = 1; i <= 30; ++i) {
            vm.assertEq(hub.statusOf(i), 1);
        }
        vm.assertEq(hub.creditOf(SUBMITTER), 30 * FEE);
    }

    function test_submit_later_keepsEarlierTimes() public {
        _requestMany(8);
        _submit(_packed(1, 0));
        (, uint64 first) = hub.settlementOf(1);
        vm.warp(block.timestamp + 1000);
        _submit(_packed(2, 0));
        (, uint64 firstAgain) = hub.settlementOf(1);
        (, uint64 second) = hub.settlementOf(2);
        vm.assertEq(first, firstAgain);
        vm.assertEq(second, first + 1000);
    }

    function test_submit_recordedJob_isSkippedAndNotPaidTwice() public {
        _requestMany(2);
        _submit(_packed(1, 0));
        vm.expectEmit();
        emit IAttestationHub.OutcomeSkipped(1, 1);
        _submit(bytes.concat(_packed(1, 1), _packed(2, 1)));
        vm.assertEq(hub.statusOf(1), 1);
        vm.assertEq(hub.statusOf(2), 2);
        vm.assertEq(hub.creditOf(SUBMITTER), 2 * FEE);
    }

    function test_submit_indexNeverIssued_isSkipped() public {
        _requestMany(3);
        vm.expectEmit();
        emit IAttestationHub.OutcomeSkipped(4, 0);
        _submit(_packedRange(2, 3));
        vm.assertEq(hub.statusOf(2), 1);
        vm.assertEq(hub.statusOf(4), 0);
        vm.assertEq(hub.creditOf(SUBMITTER), 2 * FEE);
        _request(_ESCROW);
        vm.assertEq(hub.statusOf(4), 0, "not even once issued");
    }

    function test_submit_wholePageBeyondIssued_isSkipped() public {
        _requestMany(12);
        _submit(_packedRange(8, 8));
        for (uint64 i = 8; i <= 12; ++i) {
            vm.assertEq(hub.statusOf(i), 1);
        }
        vm.assertEq(hub.statusOf(13), 0);
        vm.assertEq(hub.creditOf(SUBMITTER), 5 * FEE);
    }

    function test_submit_staleHeight_reverts() public {
        _requestMany(2);
        _submit(_packed(1, 0));
        IAttestationHub.Batch[] memory batches = _one(_packed(2, 0));
        bytes memory signature = _attest(SECRET, EPOCH, 1, _accAfter(tip, batches));
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.StaleHeight.selector, 1, 1));
        hub.submit(EPOCH, 1, _blockId(1), batches, signature);
    }

    function test_submit_heightBeyond48Bits_reverts() public {
        _request(_ESCROW);
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        uint64 high = uint64(type(uint48).max) + 1;
        bytes memory signature = _attest(SECRET, EPOCH, high, _accAfter(0, batches));
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.HeightOutOfRange.selector, high));
        hub.submit(EPOCH, high, _blockId(high), batches, signature);
    }

    function test_submit_sameBatchAtLaterHeight_reverts() public {
        _request(_ESCROW);
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        bytes memory signature = _attest(SECRET, EPOCH, 2, _accAfter(0, batches));
        _submit(batches);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH, 2, _blockId(2), batches, signature);
    }

    function test_submit_batchLeftOut_reverts() public {
        _requestMany(2);
        IAttestationHub.Batch[] memory both = new IAttestationHub.Batch[](2);
        both[0] = IAttestationHub.Batch("a", _packed(1, 0));
        both[1] = IAttestationHub.Batch("b", _packed(2, 0));
        bytes memory signature = _attest(SECRET, EPOCH, 1, _accAfter(0, both));
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH, 1, _blockId(1), _one("b", _packed(2, 0)), signature);
    }

    function test_submit_changedField_reverts() public {
        _requestMany(2);
        IAttestationHub.Batch[] memory batches = _one("root", _packed(1, 0));
        bytes memory signature = _attest(SECRET, EPOCH, 1, _accAfter(0, batches));
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH, 2, _blockId(1), batches, signature);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH, 1, _blockId(2), batches, signature);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH, 1, _blockId(1), _one("another root", _packed(1, 0)), signature);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH, 1, _blockId(1), _one("root", _packed(1, 1)), signature);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH, 1, _blockId(1), _one("root", _packed(2, 0)), signature);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH, 1, _blockId(1), new IAttestationHub.Batch[](0), signature);
        hub.submit(EPOCH, 1, _blockId(1), batches, signature);
    }

    function test_submit_anotherChainOrHub_reverts() public {
        _request(_ESCROW);
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        bytes32 acc = _accAfter(0, batches);
        bytes32 message =
            Messages.attest(LEDGER, block.chainid + 1, address(hub), COMMITTEE, EPOCH, 1, _blockId(1), acc);
        bytes memory signature = BlsSigner.sign(SECRET, message);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH, 1, _blockId(1), batches, signature);
        message = Messages.attest(LEDGER, block.chainid, address(this), COMMITTEE, EPOCH, 1, _blockId(1), acc);
        signature = BlsSigner.sign(SECRET, message);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH, 1, _blockId(1), batches, signature);
    }

    function test_submit_wrongEpoch_reverts() public {
        _request(_ESCROW);
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        bytes memory signature = _attest(SECRET, EPOCH + 1, 1, _accAfter(0, batches));
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.WrongEpoch.selector, EPOCH + 1, EPOCH));
        hub.submit(EPOCH + 1, 1, _blockId(1), batches, signature);
    }

    function test_submit_beforeFirstKey_reverts() public {
        AttestationHub fresh = new AttestationHub(registry, FEE, WINDOW);
        fresh.request{value: FEE}(PROVIDER, KIND, "", uint64(block.timestamp + 1));
        vm.expectRevert(IAttestationHub.NoGroupKey.selector);
        fresh.submit(EPOCH, 1, 0, _one(_packed(1, 0)), new bytes(128));
    }

    function test_submit_malformedPacked_reverts() public {
        _requestMany(20);
        bytes memory one = _packed(1, 0);
        _expectMalformed("");
        _expectMalformed(bytes.concat(one, hex"00"));
        _expectMalformed(new bytes(26));
        _expectMalformed(bytes.concat(one, one));
        _expectMalformed(bytes.concat(_packed(2, 0), one));
        _expectMalformed(bytes.concat(_packed(9, 0), _packed(10, 0), _packed(8, 0)));
        _expectMalformed(bytes.concat(_packedRange(8, 8), _packed(15, 0)));
        _expectMalformed(bytes.concat(_packedRange(8, 7), _packed(14, 0)));
        _expectMalformed(_packed(1, 4));
        _expectMalformed(_packed(1, 255));
        _expectMalformed(bytes.concat(_packedRange(8, 7), _packed(15, 4)));
        _expectMalformed(_packed(0, 0));
    }

    function test_submit_clockExhausted_reverts() public {
        _request(_ESCROW);
        vm.warp(block.timestamp + 1 << 30);
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        bytes memory signature = _attest(SECRET, EPOCH, 1, _accAfter(0, batches));
        vm.expectRevert(IAttestationHub.ClockExhausted.selector);
        hub.submit(EPOCH, 1, _blockId(1), batches, signature);
    }

    function testFuzz_submit_anyJobsAndVerdicts_recordedOnceEach(uint256 seed, uint8 jobs) public {
        uint64 count = uint64(_bound(jobs, 1, 40));
        _requestMany(count);
        uint256 recorded;
        for (uint256 round = 0; round < 3; ++round) {
            bytes memory packed;
            for (uint64 i = 1; i <= count; ++i) {
                uint256 random = uint256(keccak256(abi.encode(seed, round, i)));
                if (random & 1 == 0) continue;
                uint8 before = hub.statusOf(i);
                if (before == 0) ++recorded;
                packed = bytes.concat(packed, _packed(i, uint8(random >> 8 & 3)));
            }
            if (packed.length == 0) continue;
            uint8[] memory former = _statuses(count);
            _submit(packed);
            uint8[] memory present = _statuses(count);
            for (uint256 i = 0; i < count; ++i) {
                if (former[i] != 0) vm.assertEq(present[i], former[i]);
            }
        }
        vm.assertEq(hub.creditOf(SUBMITTER), recorded * FEE);
    }

    function test_announce_batches_emitsAndRecordsNothing() public {
        _requestMany(2);
        IAttestationHub.Batch[] memory batches = new IAttestationHub.Batch[](2);
        batches[0] = IAttestationHub.Batch("a", _packed(1, 0));
        batches[1] = IAttestationHub.Batch("b", _packed(2, 1));
        bytes32 first = _accAfter(0, _one("a", _packed(1, 0)));
        bytes32 acc = _accAfter(0, batches);
        vm.expectEmit();
        emit IAttestationHub.OutcomesAnnounced(5, first, "a", _packed(1, 0));
        vm.expectEmit();
        emit IAttestationHub.OutcomesAnnounced(5, acc, "b", _packed(2, 1));
        hub.announce(EPOCH, 5, _blockId(5), batches, _attest(SECRET, EPOCH, 5, acc));
        vm.assertEq(hub.announcedAcc(), acc);
        vm.assertEq(hub.lastAcc(), 0);
        vm.assertEq(hub.lastHeight(), 0);
        vm.assertEq(hub.statusOf(1), 0);
        vm.assertEq(hub.creditOf(address(this)), 0);
        _submit(batches);
        vm.assertEq(hub.statusOf(2), 2, "submit is as it was");
    }

    function test_announce_again_reverts() public {
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        bytes memory signature = _attest(SECRET, EPOCH, 1, _accAfter(0, batches));
        hub.announce(EPOCH, 1, _blockId(1), batches, signature);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.announce(EPOCH, 1, _blockId(1), batches, signature);
    }

    function test_announce_wrongSignatureEpochOrLength_reverts() public {
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        bytes memory signature = _attest(SECRET, EPOCH, 1, _accAfter(0, batches));
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.announce(EPOCH, 2, _blockId(1), batches, signature);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.WrongEpoch.selector, 9, EPOCH));
        hub.announce(9, 1, _blockId(1), batches, signature);
        vm.expectRevert(IAttestationHub.PackedMalformed.selector);
        hub.announce(EPOCH, 1, _blockId(1), _one("r", new bytes(28)), signature);
    }

    function test_refundFee_afterDeadline_creditsEscrow() public {
        (bytes32 jobId,) = _request(_ESCROW);
        vm.warp(block.timestamp + 1 days + 1);
        vm.expectEmit();
        emit IAttestationHub.FeeRefunded(jobId, _ESCROW, FEE);
        vm.prank(_ESCROW);
        hub.refundFee(jobId);
        vm.assertEq(hub.creditOf(_ESCROW), FEE);
        vm.assertEq(hub.statusOf(1), 0);
    }

    function test_refundFee_thenSubmit_recordsWithoutPay() public {
        (bytes32 jobId,) = _request(_ESCROW);
        vm.warp(block.timestamp + 1 days + 1);
        vm.prank(_ESCROW);
        hub.refundFee(jobId);
        _submit(_packed(1, 0));
        vm.assertEq(hub.statusOf(1), 1);
        vm.assertEq(hub.creditOf(SUBMITTER), 0);
    }

    function test_refundFee_twice_reverts() public {
        (bytes32 jobId,) = _request(_ESCROW);
        vm.warp(block.timestamp + 1 days + 1);
        vm.prank(_ESCROW);
        hub.refundFee(jobId);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.FeeSpent.selector, jobId));
        vm.prank(_ESCROW);
        hub.refundFee(jobId);
    }

    function test_refundFee_recorded_reverts() public {
        (bytes32 jobId,) = _request(_ESCROW);
        _submit(_packed(1, 0));
        vm.warp(block.timestamp + 1 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.FeeSpent.selector, jobId));
        vm.prank(_ESCROW);
        hub.refundFee(jobId);
    }

    function test_refundFee_atDeadline_reverts() public {
        (bytes32 jobId,) = _request(_ESCROW);
        vm.warp(block.timestamp + 1 days);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.DeadlineNotPassed.selector, block.timestamp));
        vm.prank(_ESCROW);
        hub.refundFee(jobId);
    }

    function test_refundFee_stranger_reverts() public {
        (bytes32 jobId,) = _request(_ESCROW);
        vm.warp(block.timestamp + 1 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.NotRequester.selector, jobId, address(this)));
        hub.refundFee(jobId);
    }

    function test_refundFee_unknownJob_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.UnknownJob.selector, bytes32("job")));
        hub.refundFee("job");
    }

    function test_outcomeOf_unknownJob_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.UnknownJob.selector, bytes32("job")));
        hub.outcomeOf("job");
    }

    function test_outcomeOf_notRecorded_isEmpty() public {
        (bytes32 jobId,) = _request(_ESCROW);
        IAttestationHub.Report memory report = hub.outcomeOf(jobId);
        vm.assertFalse(report.recorded);
        vm.assertEq(report.finalAt, 0);
    }

    function test_withdraw_credit_movesAll() public {
        _request(_ESCROW);
        _submit(_packed(1, 0));
        vm.expectEmit();
        emit IAttestationHub.Withdrawn(SUBMITTER, address(0xbeef), FEE);
        vm.prank(SUBMITTER);
        hub.withdraw(payable(address(0xbeef)));
        vm.assertEq(address(0xbeef).balance, FEE);
        vm.assertEq(hub.creditOf(SUBMITTER), 0);
        vm.assertEq(address(hub).balance, 0);
    }

    function test_withdraw_twice_reverts() public {
        _request(_ESCROW);
        _submit(_packed(1, 0));
        vm.prank(SUBMITTER);
        hub.withdraw(payable(address(0xbeef)));
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.NothingToWithdraw.selector, SUBMITTER));
        vm.prank(SUBMITTER);
        hub.withdraw(payable(address(0xbeef)));
    }

    function test_withdraw_confirmedOperatorWithoutCredit_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.NothingToWithdraw.selector, _operator(0)));
        vm.prank(_operator(0));
        hub.withdraw(payable(address(0xbeef)));
    }

    function test_withdraw_recipientRefuses_reverts() public {
        _request(_ESCROW);
        _submit(_packed(1, 0));
        // the token contract takes no native units
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.TransferFailed.selector, address(token)));
        vm.prank(SUBMITTER);
        hub.withdraw(payable(address(token)));
        vm.assertEq(hub.creditOf(SUBMITTER), FEE);
    }

    function _statuses(uint64 count) private view returns (uint8[] memory statuses) {
        statuses = new uint8[](count);
        for (uint64 i = 0; i < count; ++i) {
            statuses[i] = hub.statusOf(i + 1);
        }
    }

    /// @dev The committee signs a malformed batch, and the hub refuses it all the same.
    function _expectMalformed(bytes memory packed) private {
        IAttestationHub.Batch[] memory batches = _one("root", packed);
        bytes memory signature = _attest(SECRET, EPOCH, 1, _accAfter(0, batches));
        vm.expectRevert(IAttestationHub.PackedMalformed.selector);
        hub.submit(EPOCH, 1, _blockId(1), batches, signature);
    }
}
