// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Errors} from "@openzeppelin/contracts/utils/Errors.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IResourceEscrow} from "../src/interfaces/IResourceEscrow.sol";
import {
    FalseToken,
    FeeToken,
    GreedyToken,
    LyingToken,
    MockToken,
    ReentrantToken,
    SilentToken
} from "./mocks/Tokens.sol";
import {EscrowFixture} from "./support/EscrowFixture.sol";

/// @dev Tokens that misbehave harm those who chose them, and nobody else.
contract ResourceEscrowTokensTest is EscrowFixture {
    function testFuzz_createJob_feeOnTransfer_creditsWhatArrived(uint256 feeBps, uint256 amount) public {
        FeeToken paid = new FeeToken(bound(feeBps, 0, 10_000));
        fund(paid, consumer, 1000 ether);
        amount = bound(amount, 0, 1000 ether);
        IResourceEscrow.Quote memory quote = _quoteIn(address(paid));
        uint256 arrives = amount - amount * paid.feeBps() / 10_000;
        if (arrives < PRICE) {
            bytes memory signature = sign(quote);
            vm.prank(consumer);
            vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.InsufficientDeposit.selector, arrives, PRICE));
            escrow.createJob{value: HUB_FEE}(quote, signature, STATEMENT, amount);
            return;
        }
        create(quote, amount);
        vm.assertEq(escrow.owed(address(paid), consumer), arrives - PRICE);
        vm.assertEq(paid.balanceOf(address(escrow)), arrives);
    }

    function test_job_tokenReturnsNothing_isPaid() public {
        SilentToken silent = new SilentToken();
        silent.mint(consumer, PRICE);
        vm.prank(consumer);
        silent.approve(address(escrow), PRICE);
        bytes32 jobId = create(_quoteIn(address(silent)));
        recordFinal(jobId, VALID);
        escrow.settle(jobId);
        vm.prank(provider);
        uint256 amount = escrow.withdraw(address(silent), provider);
        vm.assertEq(silent.balanceOf(provider), amount);
        vm.assertEq(amount, PRICE - PRICE * FEE_BPS / 10_000);
    }

    function test_createJob_tokenReturnsFalse_reverts() public {
        FalseToken refusing = new FalseToken();
        fund(refusing, consumer, PRICE);
        refusing.setRefusing(true);
        IResourceEscrow.Quote memory quote = _quoteIn(address(refusing));
        expectCreateReverts(
            quote, sign(quote), abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(refusing))
        );
    }

    function test_createJob_tokenMovesNothing_reverts() public {
        LyingToken lying = new LyingToken();
        IResourceEscrow.Quote memory quote = _quoteIn(address(lying));
        expectCreateReverts(
            quote, sign(quote), abi.encodeWithSelector(IResourceEscrow.InsufficientDeposit.selector, 0, PRICE)
        );
    }

    function test_createJob_tokenWithoutCode_reverts() public {
        IResourceEscrow.Quote memory quote = _quoteIn(address(0x1234));
        expectCreateReverts(quote, sign(quote), "");
    }

    function test_createJob_nativeCurrencyAsToken_reverts() public {
        IResourceEscrow.Quote memory quote = _quoteIn(address(0));
        expectCreateReverts(quote, sign(quote), "");
    }

    function test_settle_tokenRefusesEverything_stillEndsTheJob() public {
        FalseToken refusing = new FalseToken();
        fund(refusing, consumer, PRICE);
        bytes32 jobId = create(_quoteIn(address(refusing)));
        refusing.setRefusing(true);
        recordFinal(jobId, INVALID);
        escrow.settle(jobId);
        vm.assertEq(registry.claimable(consumer), AT_RISK / 2);
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(refusing)));
        escrow.withdraw(address(refusing), consumer);
        vm.assertEq(escrow.owed(address(refusing), consumer), PRICE);
    }

    function test_withdraw_tokenTakesMore_reverts() public {
        GreedyToken greedy = new GreedyToken();
        fund(greedy, consumer, 10 * PRICE);
        bytes32 jobId = create(_quoteIn(address(greedy)));
        IResourceEscrow.Quote memory other = _quoteIn(address(greedy));
        other.nonce = 2;
        create(other);
        recordFinal(jobId, INVALID);
        escrow.settle(jobId);
        greedy.setVictim(address(escrow));
        vm.prank(consumer);
        vm.expectRevert(abi.encodeWithSelector(IResourceEscrow.TransferTookMore.selector, PRICE, PRICE + 1));
        escrow.withdraw(address(greedy), consumer);
    }

    function test_createJob_tokenReenters_findsGuardClosed() public {
        (ReentrantToken reentrant,) =
            _reentrantJob(abi.encodeCall(IResourceEscrow.withdraw, (address(token), stranger)));
        _assertRefused(reentrant);
    }

    function test_createJob_tokenReentersCreate_findsGuardClosed() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes memory call = abi.encodeCall(IResourceEscrow.createJob, (quote, sign(quote), STATEMENT, PRICE));
        (ReentrantToken reentrant,) = _reentrantJob(call);
        _assertRefused(reentrant);
    }

    function test_createJob_tokenReentersSettleAndExpire_findsGuardClosed() public {
        bytes32 jobId = create();
        recordFinal(jobId, VALID);
        (ReentrantToken reentrant,) = _reentrantJob(abi.encodeCall(IResourceEscrow.settle, (jobId)));
        _assertRefused(reentrant);
        reentrant.setCallback(address(escrow), abi.encodeCall(IResourceEscrow.expire, (jobId)));
        vm.prank(consumer);
        reentrant.transfer(consumer, 0);
        vm.assertFalse(reentrant.lastSuccess(), "expired a job with a verdict");
    }

    function test_withdraw_tokenReenters_paysOnce() public {
        (ReentrantToken reentrant, bytes32 jobId) = _reentrantJob("");
        recordFinal(jobId, INVALID);
        escrow.settle(jobId);
        reentrant.setCallback(address(escrow), abi.encodeCall(IResourceEscrow.withdraw, (address(reentrant), stranger)));
        vm.prank(consumer);
        escrow.withdraw(address(reentrant), consumer);
        _assertRefused(reentrant);
        vm.assertEq(reentrant.balanceOf(consumer), PRICE);
        vm.assertEq(reentrant.balanceOf(address(escrow)), 0);
    }

    function test_withdraw_nativeRecipientReenters_paysOnce() public {
        NativeReenterer reenterer = new NativeReenterer();
        vm.deal(address(reenterer), HUB_FEE);
        consumer = address(reenterer);
        fund(token, consumer, PRICE);
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes32 jobId = create(quote);
        vm.warp(quote.deadline + 1);
        escrow.expire(jobId);
        reenterer.arm(escrow);
        uint256 before = address(reenterer).balance;
        vm.prank(consumer);
        escrow.withdraw(address(0), consumer);
        vm.assertEq(address(reenterer).balance, before + HUB_FEE);
        vm.assertFalse(reenterer.reentered(), "reentered");
    }

    function test_withdraw_nativeRecipientRefuses_revertsAndStaysOwed() public {
        IResourceEscrow.Quote memory quote = defaultQuote();
        bytes32 jobId = create(quote);
        vm.warp(quote.deadline + 1);
        escrow.expire(jobId);
        vm.prank(consumer);
        vm.expectRevert(Errors.FailedCall.selector);
        escrow.withdraw(address(0), address(token));
        vm.assertEq(escrow.owed(address(0), consumer), HUB_FEE);
    }

    function _quoteIn(address paid) private view returns (IResourceEscrow.Quote memory quote) {
        quote = defaultQuote();
        quote.token = paid;
        quote.nonce = 77;
        quote.validUntil += 7 days;
        quote.deadline += 7 days;
    }

    /// @dev A job in a token that calls the escrow with `payload` when it is paid.
    function _reentrantJob(bytes memory payload) private returns (ReentrantToken reentrant, bytes32 jobId) {
        reentrant = new ReentrantToken();
        fund(reentrant, consumer, PRICE);
        if (payload.length > 0) reentrant.setCallback(address(escrow), payload);
        jobId = create(_quoteIn(address(reentrant)));
    }

    function _assertRefused(ReentrantToken reentrant) private view {
        vm.assertTrue(reentrant.calls() > 0, "never called back");
        vm.assertFalse(reentrant.lastSuccess(), "reentered");
        vm.assertEq(
            bytes32(bytes4(reentrant.lastResult())),
            bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
    }
}

/// @dev Takes native currency and asks for it again while taking it.
contract NativeReenterer {
    IResourceEscrow private _escrow;
    bool public reentered;

    function arm(IResourceEscrow escrow) external {
        _escrow = escrow;
    }

    receive() external payable {
        if (address(_escrow) == address(0)) return;
        (reentered,) = address(_escrow).call(abi.encodeCall(IResourceEscrow.withdraw, (address(0), address(this))));
    }
}
