// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ResourceEscrow} from "../src/ResourceEscrow.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {IResourceEscrow} from "../src/interfaces/IResourceEscrow.sol";
import {IResourceRegistry} from "../src/interfaces/IResourceRegistry.sol";
import {MockHub} from "./mocks/MockHub.sol";
import {EscrowFixture} from "./support/EscrowFixture.sol";

/// @dev Deployment, and the life of a job from creation to withdrawal.
contract ResourceEscrowTest is EscrowFixture {
    event JobCreated(
        bytes32 indexed jobId,
        address indexed consumer,
        address indexed provider,
        uint64 jobIndex,
        address token,
        uint256 price,
        uint256 stakeAtRisk,
        uint64 deadline,
        uint256 nonce
    );
    event JobSettled(
        bytes32 indexed jobId,
        IResourceEscrow.State state,
        uint8 verdict,
        uint256 toProvider,
        uint256 toConsumer,
        uint256 fee,
        uint256 slashed
    );
    event JobExpired(bytes32 indexed jobId, uint256 refund, uint256 feeRefund);
    event Withdrawn(address indexed account, address indexed token, address indexed to, uint256 amount);

    // constructor

    function test_constructor_hubWithoutCode_reverts() public {
        _expectBadParameter("hub");
        _deploy(address(0x1234), address(registry), treasury, FEE_BPS, MISSED_BPS, MINIMUM);
    }

    function test_constructor_zeroFeeRecipient_reverts() public {
        _expectBadParameter("feeRecipient");
        _deploy(address(hub), address(registry), address(0), FEE_BPS, MISSED_BPS, MINIMUM);
    }

    function test_constructor_feeAboveCap_reverts() public {
        _expectBadParameter("feeBps");
        _deploy(address(hub), address(registry), treasury, 1001, MISSED_BPS, MINIMUM);
    }

    function test_constructor_missedSlashAboveWhole_reverts() public {
        _expectBadParameter("missedSlashBps");
        _deploy(address(hub), address(registry), treasury, FEE_BPS, 10_001, MINIMUM);
    }

    function test_constructor_onlyGraceAsMinimum_reverts() public {
        _expectBadParameter("minimumDuration");
        _deploy(address(hub), address(registry), treasury, FEE_BPS, MISSED_BPS, 1 hours);
    }

    function test_constructor_withdrawalDelayWithinWindow_reverts() public {
        MockHub slow = new MockHub(HUB_FEE, DELAY);
        _expectBadParameter("registry");
        _deploy(address(slow), address(registry), treasury, FEE_BPS, MISSED_BPS, MINIMUM);
    }

    function test_constructor_validArguments_areReadable() public view {
        vm.assertEq(escrow.hub(), address(hub));
        vm.assertEq(escrow.registry(), address(registry));
        vm.assertEq(escrow.feeRecipient(), treasury);
        vm.assertEq(escrow.feeBps(), FEE_BPS);
        vm.assertEq(escrow.missedSlashBps(), MISSED_BPS);
        vm.assertEq(escrow.minimumDuration(), MINIMUM);
    }

    // createJob

    function test_createJob_goodQuote_holdsPriceLocksStakeAndAsksHub() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes memory signature = sign(quote);
        bytes32 expectedId = keccak256(
            abi.encode(
                keccak256("assay/v1/JOB"),
                block.chainid,
                address(escrow),
                uint64(1),
                provider,
                KIND,
                keccak256(STATEMENT),
                quote.deadline
            )
        );
        vm.prank(consumer);
        vm.expectEmit();
        emit JobCreated(expectedId, consumer, provider, 1, address(token), PRICE, AT_RISK, quote.deadline, quote.nonce);
        bytes32 jobId = escrow.createJob{value: HUB_FEE}(quote, signature, STATEMENT, PRICE);

        vm.assertEq(jobId, expectedId);
        stateIs(jobId, IResourceEscrow.State.Requested);
        vm.assertEq(token.balanceOf(address(escrow)), PRICE);
        vm.assertEq(registry.lockedBy(provider, address(escrow)), AT_RISK);
        vm.assertEq(address(hub).balance, HUB_FEE);
        vm.assertEq(address(escrow).balance, 0);
        vm.assertTrue(escrow.isNonceUsed(provider, quote.nonce), "nonce");
        IResourceEscrow.Job memory job = escrow.jobOf(jobId);
        vm.assertEq(job.consumer, consumer);
        vm.assertEq(job.provider, provider);
        vm.assertEq(job.price, PRICE);
        vm.assertEq(job.stakeAtRisk, AT_RISK);
        vm.assertEq(job.deadline, quote.deadline);
        vm.assertEq(job.hubFee, HUB_FEE);
        vm.assertEq(job.jobIndex, 1);
    }

    function test_createJob_withoutStakeAtRisk_locksNothing() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.stakeAtRisk = 0;
        bytes32 jobId = create(quote);
        vm.assertEq(registry.lockedBy(provider, address(escrow)), 0);
        recordFinal(jobId, INVALID);
        escrow.settle(jobId);
        vm.assertEq(registry.providerOf(provider).free, STAKE);
    }

    function test_createJob_depositAbovePrice_owesTheRestBack() public {
        create(defaultQuote(), PRICE + 3);
        vm.assertEq(owedTo(consumer), 3);
        vm.assertEq(token.balanceOf(address(escrow)), PRICE + 3);
    }

    function test_createJob_depositBelowPrice_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes memory signature = sign(quote);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.InsufficientDeposit.selector, PRICE - 1, PRICE));
        escrow.createJob{value: HUB_FEE}(quote, signature, STATEMENT, PRICE - 1);
    }

    function test_createJob_hubFeeNotExact_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes memory signature = sign(quote);
        for (uint256 sent = HUB_FEE - 1; sent <= HUB_FEE + 1; sent += 2) {
            vm.prank(consumer);
            vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.WrongFee.selector, sent, HUB_FEE));
            escrow.createJob{value: sent}(quote, signature, STATEMENT, PRICE);
        }
    }

    function test_createJob_hubRepeatsAnId_reverts() public {
        bytes32 jobId = create();
        hub.setForcedJobId(jobId);
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.nonce = 2;
        expectCreateReverts(quote, sign(quote), abi.encodeWithSelector(IResourceEscrow.JobExists.selector, jobId));
    }

    function test_createJob_providerNotRegistered_reverts() public {
        providerKey = 0xb0b;
        provider = vm.addr(providerKey);
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.stakeAtRisk = 0;
        expectCreateReverts(
            quote, sign(quote), abi.encodeWithSelector(IResourceRegistry.NotRegistered.selector, provider)
        );
    }

    function test_createJob_stakeTooSmall_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.stakeAtRisk = STAKE + 1;
        expectCreateReverts(
            quote,
            sign(quote),
            abi.encodeWithSelector(IResourceRegistry.InsufficientStake.selector, provider, STAKE, STAKE + 1)
        );
    }

    // settle

    function test_settle_valid_paysProviderAndFee() public {
        bytes32 jobId = create();
        recordFinal(jobId, VALID);
        uint256 fee = PRICE * FEE_BPS / 10_000;
        vm.expectEmit();
        emit JobSettled(jobId, IResourceEscrow.State.Completed, VALID, PRICE - fee, 0, fee, 0);
        vm.prank(stranger);
        escrow.settle(jobId);
        stateIs(jobId, IResourceEscrow.State.Completed);
        vm.assertEq(owedTo(provider), PRICE - fee);
        vm.assertEq(owedTo(treasury), fee);
        vm.assertEq(owedTo(consumer), 0);
        vm.assertEq(registry.providerOf(provider).free, STAKE);
        vm.assertEq(registry.providerOf(provider).locked, 0);
    }

    function test_settle_invalid_refundsAndSlashesAll() public {
        bytes32 jobId = create();
        recordFinal(jobId, INVALID);
        vm.expectEmit();
        emit JobSettled(jobId, IResourceEscrow.State.Failed, INVALID, 0, PRICE, 0, AT_RISK);
        escrow.settle(jobId);
        stateIs(jobId, IResourceEscrow.State.Failed);
        vm.assertEq(owedTo(consumer), PRICE);
        vm.assertEq(owedTo(provider), 0);
        vm.assertEq(registry.claimable(consumer), AT_RISK / 2);
        vm.assertEq(registry.claimable(burner), AT_RISK / 2);
        vm.assertEq(registry.providerOf(provider).free, STAKE - AT_RISK);
        vm.assertEq(registry.providerOf(provider).locked, 0);
    }

    function test_settle_missed_refundsAndSlashesAPart() public {
        bytes32 jobId = create();
        recordFinal(jobId, MISSED);
        uint256 slashed = AT_RISK * MISSED_BPS / 10_000;
        vm.expectEmit();
        emit JobSettled(jobId, IResourceEscrow.State.Failed, MISSED, 0, PRICE, 0, slashed);
        escrow.settle(jobId);
        stateIs(jobId, IResourceEscrow.State.Failed);
        vm.assertEq(owedTo(consumer), PRICE);
        vm.assertEq(registry.claimable(consumer), slashed / 2);
        vm.assertEq(registry.providerOf(provider).free, STAKE - slashed);
    }

    function test_settle_inconclusive_refundsAndSlashesNothing() public {
        bytes32 jobId = settled(INCONCLUSIVE);
        stateIs(jobId, IResourceEscrow.State.Inconclusive);
        vm.assertEq(owedTo(consumer), PRICE);
        vm.assertEq(registry.providerOf(provider).free, STAKE);
        vm.assertEq(registry.claimable(burner), 0);
    }

    function test_settle_verdictUnknownHere_refundsAndSlashesNothing() public {
        bytes32 jobId = settled(17);
        stateIs(jobId, IResourceEscrow.State.Inconclusive);
        vm.assertEq(owedTo(consumer), PRICE);
        vm.assertEq(registry.providerOf(provider).free, STAKE);
    }

    function testFuzz_settle_anyVerdict_splitsPriceAndStakeWhole(
        uint256 price,
        uint256 atRisk,
        uint16 feeBps,
        uint16 missedBps,
        uint8 verdict
    )
        public
    {
        price = bound(price, 1, type(uint128).max);
        atRisk = bound(atRisk, 0, STAKE);
        feeBps = uint16(bound(feeBps, 0, 1000));
        missedBps = uint16(bound(missedBps, 0, 10_000));
        verdict %= 4;
        escrow = _deploy(address(hub), address(registry), treasury, feeBps, missedBps, MINIMUM);
        bytes32 role = registry.ESCROW_ROLE();
        vm.prank(admin);
        registry.grantRole(role, address(escrow));
        vm.prank(provider);
        registry.setEscrowLimit(address(escrow), STAKE);
        fund(token, consumer, price);

        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.price = price;
        quote.stakeAtRisk = atRisk;
        bytes32 jobId = create(quote);
        recordFinal(jobId, verdict);
        escrow.settle(jobId);

        uint256 fee = verdict == VALID ? price * feeBps / 10_000 : 0;
        uint256 slashed = verdict == INVALID ? atRisk : verdict == MISSED ? atRisk * missedBps / 10_000 : 0;
        vm.assertEq(owedTo(treasury), fee);
        vm.assertEq(owedTo(provider), verdict == VALID ? price - fee : 0);
        vm.assertEq(owedTo(consumer), verdict == VALID ? 0 : price);
        vm.assertEq(registry.providerOf(provider).free, STAKE - slashed);
        vm.assertEq(registry.claimable(consumer) + registry.claimable(burner), slashed);
    }

    function test_settle_unknownJob_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.UnknownJob.selector, bytes32("x")));
        escrow.settle("x");
    }

    function test_settle_withoutVerdict_reverts() public {
        bytes32 jobId = create();
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.NoVerdict.selector, jobId));
        escrow.settle(jobId);
    }

    function test_settle_withinChallengeWindow_reverts() public {
        bytes32 jobId = create();
        hub.record(jobId, VALID);
        stateIs(jobId, IResourceEscrow.State.Verifying);
        vm.warp(START + WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.NotFinal.selector, jobId, START + WINDOW));
        escrow.settle(jobId);
        vm.warp(START + WINDOW);
        escrow.settle(jobId);
    }

    function test_settle_twice_reverts() public {
        bytes32 jobId = settled(VALID);
        vm.expectRevert(
            abi.encodeWithSelector(IResourceEscrow.JobEnded.selector, jobId, IResourceEscrow.State.Completed)
        );
        escrow.settle(jobId);
    }

    function test_settle_afterDeadlineWithVerdict_stillPaysProvider() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes32 jobId = create(quote);
        vm.warp(quote.deadline + 1);
        recordFinal(jobId, VALID);
        escrow.settle(jobId);
        stateIs(jobId, IResourceEscrow.State.Completed);
    }

    // onAttested

    function test_onAttested_finalVerdict_settles() public {
        bytes32 jobId = create();
        recordFinal(jobId, VALID);
        hub.deliver(jobId);
        stateIs(jobId, IResourceEscrow.State.Completed);
    }

    function test_onAttested_notFromHub_reverts() public {
        bytes32 jobId = create();
        recordFinal(jobId, VALID);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.NotHub.selector, stranger));
        escrow.onAttested(jobId, VALID, 1, 0);
    }

    function test_onAttested_unknownJob_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.UnknownJob.selector, bytes32("x")));
        hub.push(address(escrow), "x", VALID);
    }

    function test_onAttested_withinChallengeWindow_reverts() public {
        bytes32 jobId = create();
        hub.record(jobId, VALID);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.NotFinal.selector, jobId, START + WINDOW));
        hub.push(address(escrow), jobId, VALID);
    }

    function test_onAttested_otherVerdictThanRecorded_settlesByTheRecord() public {
        bytes32 jobId = create();
        recordFinal(jobId, INVALID);
        hub.push(address(escrow), jobId, VALID);
        stateIs(jobId, IResourceEscrow.State.Failed);
    }

    function test_onAttested_endedJob_changesNothing() public {
        bytes32 jobId = settled(VALID);
        uint256 before = owedTo(provider);
        hub.deliver(jobId);
        vm.assertEq(owedTo(provider), before);
        stateIs(jobId, IResourceEscrow.State.Completed);
    }

    // expire

    function test_expire_afterDeadline_refundsPriceAndHubFee() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes32 jobId = create(quote);
        vm.warp(quote.deadline + 1);
        vm.expectEmit();
        emit JobExpired(jobId, PRICE, HUB_FEE);
        vm.prank(stranger);
        escrow.expire(jobId);
        stateIs(jobId, IResourceEscrow.State.Expired);
        vm.assertEq(owedTo(consumer), PRICE);
        vm.assertEq(escrow.owed(address(0), consumer), HUB_FEE);
        vm.assertEq(address(escrow).balance, HUB_FEE);
        vm.assertEq(registry.providerOf(provider).free, STAKE);
    }

    function test_expire_hubWithoutFee_refundsPrice() public {
        hub = new MockHub(0, WINDOW);
        escrow = newEscrow();
        bytes32 role = registry.ESCROW_ROLE();
        vm.prank(admin);
        registry.grantRole(role, address(escrow));
        vm.prank(provider);
        registry.setEscrowLimit(address(escrow), STAKE);
        vm.prank(consumer);
        token.approve(address(escrow), PRICE);
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes memory signature = sign(quote);
        vm.prank(consumer);
        bytes32 jobId = escrow.createJob(quote, signature, STATEMENT, PRICE);
        vm.warp(quote.deadline + 1);
        escrow.expire(jobId);
        vm.assertEq(owedTo(consumer), PRICE);
        vm.assertEq(escrow.owed(address(0), consumer), 0);
    }

    function test_expire_unknownJob_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.UnknownJob.selector, bytes32("x")));
        escrow.expire("x");
    }

    function test_expire_atDeadline_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes32 jobId = create(quote);
        vm.warp(quote.deadline);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.NotExpired.selector, jobId, quote.deadline));
        escrow.expire(jobId);
    }

    function test_expire_verdictRecordedButNotFinal_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes32 jobId = create(quote);
        vm.warp(quote.deadline);
        hub.record(jobId, VALID);
        vm.warp(quote.deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.VerdictRecorded.selector, jobId));
        escrow.expire(jobId);
    }

    function test_expire_twice_reverts() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes32 jobId = create(quote);
        vm.warp(quote.deadline + 1);
        escrow.expire(jobId);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.JobEnded.selector, jobId, IResourceEscrow.State.Expired));
        escrow.expire(jobId);
    }

    function test_expire_thenLateVerdict_changesNothing() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes32 jobId = create(quote);
        vm.warp(quote.deadline + 1);
        escrow.expire(jobId);
        hub.record(jobId, INVALID);
        vm.warp(quote.deadline + 1 + WINDOW);
        hub.deliver(jobId);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.JobEnded.selector, jobId, IResourceEscrow.State.Expired));
        escrow.settle(jobId);
        stateIs(jobId, IResourceEscrow.State.Expired);
        vm.assertEq(owedTo(consumer), PRICE);
        vm.assertEq(registry.providerOf(provider).free, STAKE);
    }

    // withdraw

    function test_withdraw_whatIsOwed_paysRecipientOnce() public {
        settled(INVALID);
        vm.prank(consumer);
        vm.expectEmit();
        emit Withdrawn(consumer, address(token), stranger, PRICE);
        vm.assertEq(escrow.withdraw(address(token), stranger), PRICE);
        vm.assertEq(token.balanceOf(stranger), PRICE);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.NothingOwed.selector, consumer, address(token)));
        escrow.withdraw(address(token), stranger);
    }

    function test_withdraw_nativeCurrency_paysRecipient() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes32 jobId = create(quote);
        vm.warp(quote.deadline + 1);
        escrow.expire(jobId);
        vm.prank(consumer);
        escrow.withdraw(address(0), stranger);
        vm.assertEq(stranger.balance, HUB_FEE);
        vm.assertEq(address(escrow).balance, 0);
    }

    function test_withdraw_toZeroOrEscrow_reverts() public {
        settled(INVALID);
        vm.startPrank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.BadRecipient.selector, address(0)));
        escrow.withdraw(address(token), address(0));
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.BadRecipient.selector, address(escrow)));
        escrow.withdraw(address(token), address(escrow));
        vm.stopPrank();
    }

    function test_receive_fromStranger_reverts() public {
        vm.deal(stranger, 1);
        vm.prank(stranger);
        (bool ok, bytes memory reason) = address(escrow).call{value: 1}("");
        vm.assertFalse(ok, "took native currency");
        vm.assertEq(keccak256(reason), keccak256(abi.encodeWithSelector(IResourceEscrow.NotHub.selector, stranger)));
    }

    function test_mockHub_selectors_areTheInterfaces() public pure {
        bytes4[2][9] memory pairs = [
            [MockHub.request.selector, IAttestationHub.request.selector],
            [MockHub.refundFee.selector, IAttestationHub.refundFee.selector],
            [MockHub.withdraw.selector, IAttestationHub.withdraw.selector],
            [MockHub.statusOf.selector, IAttestationHub.statusOf.selector],
            [MockHub.settlementOf.selector, IAttestationHub.settlementOf.selector],
            [MockHub.outcomeOf.selector, IAttestationHub.outcomeOf.selector],
            [MockHub.deliver.selector, IAttestationHub.deliver.selector],
            [bytes4(keccak256("fee()")), IAttestationHub.fee.selector],
            [bytes4(keccak256("challengeWindow()")), IAttestationHub.challengeWindow.selector]
        ];
        for (uint256 i = 0; i < pairs.length; ++i) {
            vm.assertEq(bytes32(pairs[i][0]), bytes32(pairs[i][1]));
        }
    }

    // gas

    /// @dev Whole transactions, between parties that had a job before.
    /// forge-config: default.isolate = true
    function test_gas_escrow() public {
        settled(VALID);
        IResourceEscrow.Quote memory quote = defaultQuote();
        quote.deadline += WINDOW;
        quote.validUntil += WINDOW;
        quote.nonce = 2;
        bytes32 jobId = create(quote);
        vm.snapshotGasLastCall("ResourceEscrow", "createJob");
        recordFinal(jobId, VALID);
        escrow.settle(jobId);
        vm.snapshotGasLastCall("ResourceEscrow", "settle_valid");

        quote.nonce = 3;
        quote.deadline += WINDOW;
        quote.validUntil += WINDOW;
        jobId = create(quote);
        recordFinal(jobId, INVALID);
        escrow.settle(jobId);
        vm.snapshotGasLastCall("ResourceEscrow", "settle_invalid");

        quote.nonce = 4;
        quote.deadline += WINDOW;
        quote.validUntil += WINDOW;
        jobId = create(quote);
        recordFinal(jobId, VALID);
        hub.deliver(jobId);
        vm.snapshotGasLastCall("ResourceEscrow", "deliver_valid");

        quote.nonce = 5;
        quote.deadline += WINDOW;
        quote.validUntil += WINDOW;
        jobId = create(quote);
        vm.warp(quote.deadline + 1);
        escrow.expire(jobId);
        vm.snapshotGasLastCall("ResourceEscrow", "expire");

        vm.prank(provider);
        escrow.withdraw(address(token), provider);
        vm.snapshotGasLastCall("ResourceEscrow", "withdraw");
        vm.prank(consumer);
        registry.claim(consumer);
        vm.snapshotGasLastCall("ResourceEscrow", "registry_claim");
    }

    function _deploy(
        address hub_,
        address registry_,
        address feeRecipient,
        uint16 feeBps,
        uint16 missedBps,
        uint64 minimum
    )
        private
        returns (ResourceEscrow)
    {
        return new ResourceEscrow(
            IAttestationHub(hub_), IResourceRegistry(registry_), feeRecipient, feeBps, missedBps, minimum
        );
    }

    function _expectBadParameter(string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.BadParameter.selector, name));
    }
}
