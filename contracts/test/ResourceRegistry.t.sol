// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ResourceRegistry} from "../src/ResourceRegistry.sol";
import {IResourceRegistry} from "../src/interfaces/IResourceRegistry.sol";
import {FalseToken, FeeToken, GreedyToken, MockToken, ReentrantToken, SilentToken} from "./mocks/Tokens.sol";
import {CheatTest} from "./support/Cheats.sol";

contract ResourceRegistryTest is CheatTest {
    uint64 private constant DELAY = 7 days;
    uint256 private constant STAKE = 1000 ether;

    address private admin = address(0xad);
    address private provider = address(0xb0);
    address private escrow = address(0xe5);
    address private injured = address(0xc0);
    address private burner = address(0xdead);
    address private to = address(0x70);

    MockToken private token;
    ResourceRegistry private registry;

    event StakeSlashed(
        address indexed provider, address indexed escrow, address indexed injured, uint256 amount, uint256 compensation
    );

    function setUp() public {
        vm.warp(1_800_000_000);
        token = new MockToken();
        registry = _deploy(address(token));
        _registerWith(registry, token, STAKE);
        vm.prank(provider);
        registry.setEscrowLimit(escrow, type(uint256).max);
    }

    // constructor

    function test_constructor_zeroAdmin_reverts() public {
        _expectBadParameter("admin");
        new ResourceRegistry(address(0), IERC20(address(token)), DELAY, 5000, burner);
    }

    function test_constructor_tokenWithoutCode_reverts() public {
        _expectBadParameter("token");
        new ResourceRegistry(admin, IERC20(address(0x1234)), DELAY, 5000, burner);
    }

    function test_constructor_zeroDelay_reverts() public {
        _expectBadParameter("withdrawalDelay");
        new ResourceRegistry(admin, IERC20(address(token)), 0, 5000, burner);
    }

    function test_constructor_delayOverAYear_reverts() public {
        _expectBadParameter("withdrawalDelay");
        new ResourceRegistry(admin, IERC20(address(token)), 365 days + 1, 5000, burner);
    }

    function test_constructor_compensationOverHalf_reverts() public {
        _expectBadParameter("compensationBps");
        new ResourceRegistry(admin, IERC20(address(token)), DELAY, 5001, burner);
    }

    function test_constructor_zeroSlashRecipient_reverts() public {
        _expectBadParameter("slashRecipient");
        new ResourceRegistry(admin, IERC20(address(token)), DELAY, 5000, address(0));
    }

    // register, uri

    function test_register_withStake_creditsIt() public view {
        IResourceRegistry.Provider memory state = registry.providerOf(provider);
        vm.assertTrue(state.registered, "registered");
        vm.assertEq(state.free, STAKE);
        vm.assertEq(registry.uriOf(provider), "did:web:p.example");
        vm.assertEq(registry.stakeToken(), address(token));
    }

    function test_register_withoutStake_needsNoToken() public {
        vm.prank(to);
        registry.register("https://p.example", 0);
        vm.assertTrue(registry.providerOf(to).registered, "registered");
    }

    function test_register_twice_reverts() public {
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.AlreadyRegistered.selector, provider));
        registry.register("https://p.example", 0);
    }

    function test_register_emptyUri_reverts() public {
        vm.prank(to);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.UriLength.selector, 0));
        registry.register("", 0);
    }

    function test_register_uriTooLong_reverts() public {
        string memory uri = string(new bytes(513));
        vm.prank(to);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.UriLength.selector, 513));
        registry.register(uri, 0);
    }

    function test_setUri_registered_changesIt() public {
        vm.prank(provider);
        registry.setUri("https://new.example");
        vm.assertEq(registry.uriOf(provider), "https://new.example");
    }

    function test_setUri_notRegistered_reverts() public {
        vm.prank(to);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.NotRegistered.selector, to));
        registry.setUri("https://new.example");
    }

    // stake in

    function test_increaseStake_zero_reverts() public {
        vm.prank(provider);
        vm.expectRevert(IResourceRegistry.ZeroAmount.selector);
        registry.increaseStake(0);
    }

    function test_increaseStake_notRegistered_reverts() public {
        vm.prank(to);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.NotRegistered.selector, to));
        registry.increaseStake(1);
    }

    function testFuzz_increaseStake_feeOnTransfer_creditsWhatArrived(uint256 amount, uint256 feeBps) public {
        amount = bound(amount, 1, type(uint96).max);
        FeeToken feeToken = new FeeToken(bound(feeBps, 0, 10_000));
        ResourceRegistry other = _deploy(address(feeToken));
        _registerWith(other, feeToken, amount);
        vm.assertEq(other.providerOf(provider).free, feeToken.balanceOf(address(other)));
    }

    function test_increaseStake_tokenReturnsNothing_isTaken() public {
        SilentToken silent = new SilentToken();
        ResourceRegistry other = _deploy(address(silent));
        silent.mint(provider, 5);
        vm.startPrank(provider);
        silent.approve(address(other), 5);
        other.register("x", 5);
        other.requestWithdrawal(5);
        vm.warp(block.timestamp + DELAY);
        other.withdraw(to);
        vm.stopPrank();
        vm.assertEq(silent.balanceOf(to), 5);
    }

    function test_increaseStake_tokenReturnsFalse_reverts() public {
        FalseToken refusing = new FalseToken();
        ResourceRegistry other = _deploy(address(refusing));
        refusing.setRefusing(true);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(refusing)));
        other.register("x", 5);
    }

    function test_increaseStake_tokenReenters_findsGuardClosed() public {
        ReentrantToken reentrant = new ReentrantToken();
        ResourceRegistry other = _deploy(address(reentrant));
        reentrant.setCallback(address(other), abi.encodeCall(IResourceRegistry.register, ("y", 0)));
        _registerWith(other, reentrant, 5);
        vm.assertFalse(reentrant.lastSuccess(), "reentered");
        vm.assertEq(
            bytes32(bytes4(reentrant.lastResult())),
            bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
    }

    function test_increaseStake_wholeStakeBeyondType_reverts() public {
        uint256 amount = type(uint128).max - STAKE + 1;
        token.mint(provider, amount);
        vm.prank(escrow);
        registry.lock(provider, STAKE);
        vm.startPrank(provider);
        token.approve(address(registry), amount);
        vm.expectRevert(
            abi.encodeWithSelector(
                SafeCast.SafeCastOverflowedUintDowncast.selector, 128, uint256(type(uint128).max) + 1
            )
        );
        registry.increaseStake(amount);
        vm.stopPrank();
    }

    // withdrawal

    function test_requestWithdrawal_zero_reverts() public {
        vm.prank(provider);
        vm.expectRevert(IResourceRegistry.ZeroAmount.selector);
        registry.requestWithdrawal(0);
    }

    function test_requestWithdrawal_notRegistered_reverts() public {
        vm.prank(to);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.NotRegistered.selector, to));
        registry.requestWithdrawal(1);
    }

    function test_requestWithdrawal_ofLockedStake_reverts() public {
        vm.prank(escrow);
        registry.lock(provider, STAKE - 10);
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.InsufficientStake.selector, provider, 10, 11));
        registry.requestWithdrawal(11);
    }

    function test_requestWithdrawal_again_startsTheDelayAgain() public {
        vm.startPrank(provider);
        registry.requestWithdrawal(1);
        vm.warp(block.timestamp + DELAY - 1);
        registry.requestWithdrawal(2);
        vm.stopPrank();
        IResourceRegistry.Provider memory state = registry.providerOf(provider);
        vm.assertEq(state.leaving, 3);
        vm.assertEq(state.leavingAt, block.timestamp + DELAY);
    }

    function test_cancelWithdrawal_whileLeaving_freesIt() public {
        vm.startPrank(provider);
        registry.requestWithdrawal(7);
        registry.cancelWithdrawal();
        vm.stopPrank();
        IResourceRegistry.Provider memory state = registry.providerOf(provider);
        vm.assertEq(state.free, STAKE);
        vm.assertEq(state.leaving, 0);
    }

    function test_cancelWithdrawal_nothingLeaving_reverts() public {
        vm.prank(provider);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.NothingLeaving.selector, provider));
        registry.cancelWithdrawal();
    }

    function test_withdraw_afterDelay_paysRecipient() public {
        vm.startPrank(provider);
        registry.requestWithdrawal(STAKE);
        vm.warp(block.timestamp + DELAY);
        uint256 amount = registry.withdraw(to);
        vm.stopPrank();
        vm.assertEq(amount, STAKE);
        vm.assertEq(token.balanceOf(to), STAKE);
        vm.assertEq(token.balanceOf(address(registry)), 0);
    }

    function test_withdraw_twice_reverts() public {
        vm.startPrank(provider);
        registry.requestWithdrawal(1);
        vm.warp(block.timestamp + DELAY);
        registry.withdraw(to);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.NothingLeaving.selector, provider));
        registry.withdraw(to);
        vm.stopPrank();
    }

    function test_withdraw_beforeDelay_reverts() public {
        vm.startPrank(provider);
        registry.requestWithdrawal(1);
        uint64 leavingAt = uint64(block.timestamp + DELAY);
        vm.warp(leavingAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.StillLeaving.selector, provider, leavingAt));
        registry.withdraw(to);
        vm.stopPrank();
    }

    function test_withdraw_toZeroOrRegistry_reverts() public {
        vm.startPrank(provider);
        registry.requestWithdrawal(1);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.BadRecipient.selector, address(0)));
        registry.withdraw(address(0));
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.BadRecipient.selector, address(registry)));
        registry.withdraw(address(registry));
        vm.stopPrank();
    }

    function test_withdraw_tokenTakesMore_reverts() public {
        GreedyToken greedy = new GreedyToken();
        ResourceRegistry other = _deploy(address(greedy));
        _registerWith(other, greedy, 10);
        greedy.setVictim(address(other));
        vm.startPrank(provider);
        other.requestWithdrawal(5);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.TransferTookMore.selector, 5, 6));
        other.withdraw(to);
        vm.stopPrank();
    }

    // lock, release, slash

    function test_lock_withoutRole_reverts() public {
        bytes32 role = registry.ESCROW_ROLE();
        vm.prank(to);
        vm.expectRevert(abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, to, role));
        registry.lock(provider, 1);
    }

    function test_lock_notRegistered_reverts() public {
        vm.prank(escrow);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.NotRegistered.selector, to));
        registry.lock(to, 0);
    }

    function test_lock_moreThanFree_reverts() public {
        vm.prank(escrow);
        vm.expectRevert(
            abi.encodeWithSelector(IResourceRegistry.InsufficientStake.selector, provider, STAKE, STAKE + 1)
        );
        registry.lock(provider, STAKE + 1);
    }

    function test_lock_leavingStake_reverts() public {
        vm.prank(provider);
        registry.requestWithdrawal(STAKE);
        vm.prank(escrow);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.InsufficientStake.selector, provider, 0, 1));
        registry.lock(provider, 1);
    }

    function test_lock_escrowWithoutProvidersLimit_reverts() public {
        address other = address(0xe6);
        bytes32 role = registry.ESCROW_ROLE();
        vm.prank(admin);
        registry.grantRole(role, other);
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.EscrowLimitExceeded.selector, provider, other, 1, 0));
        registry.lock(provider, 1);
    }

    function test_lock_aboveProvidersLimit_reverts() public {
        vm.prank(provider);
        registry.setEscrowLimit(escrow, 10);
        vm.startPrank(escrow);
        registry.lock(provider, 6);
        vm.expectRevert(
            abi.encodeWithSelector(IResourceRegistry.EscrowLimitExceeded.selector, provider, escrow, 11, 10)
        );
        registry.lock(provider, 5);
        vm.stopPrank();
    }

    function test_release_moreThanLocked_reverts() public {
        vm.startPrank(escrow);
        registry.lock(provider, 5);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.InsufficientLock.selector, provider, escrow, 5, 6));
        registry.release(provider, 6);
        vm.stopPrank();
    }

    function test_release_ofAnothersLock_reverts() public {
        vm.prank(escrow);
        registry.lock(provider, 5);
        vm.prank(to);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.InsufficientLock.selector, provider, to, 0, 5));
        registry.release(provider, 5);
    }

    function test_slash_ofAnothersLock_reverts() public {
        vm.prank(escrow);
        registry.lock(provider, 5);
        vm.prank(to);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.InsufficientLock.selector, provider, to, 0, 5));
        registry.slash(provider, 5, to);
    }

    function test_releaseAndSlash_afterRoleAndLimitAreGone_stillWork() public {
        vm.prank(escrow);
        registry.lock(provider, 10);
        bytes32 role = registry.ESCROW_ROLE();
        vm.prank(admin);
        registry.revokeRole(role, escrow);
        vm.prank(provider);
        registry.setEscrowLimit(escrow, 0);
        vm.startPrank(escrow);
        registry.slash(provider, 4, injured);
        registry.release(provider, 6);
        vm.stopPrank();
        vm.assertEq(registry.lockedBy(provider, escrow), 0);
        vm.assertEq(registry.providerOf(provider).free, STAKE - 4);
    }

    function testFuzz_slash_anyAmount_isSplitWhole(uint256 amount, uint16 bps) public {
        bps = uint16(bound(bps, 0, 5000));
        amount = bound(amount, 1, STAKE);
        ResourceRegistry other = new ResourceRegistry(admin, IERC20(address(token)), DELAY, bps, burner);
        _authorise(other);
        _registerWith(other, token, STAKE);
        vm.prank(provider);
        other.setEscrowLimit(escrow, STAKE);
        vm.startPrank(escrow);
        other.lock(provider, STAKE);
        vm.expectEmit();
        emit StakeSlashed(provider, escrow, injured, amount, amount * bps / 10_000);
        other.slash(provider, amount, injured);
        vm.stopPrank();
        vm.assertEq(other.claimable(injured), amount * bps / 10_000);
        vm.assertEq(other.claimable(injured) + other.claimable(burner), amount);
        vm.assertEq(other.providerOf(provider).locked, STAKE - amount);
    }

    function test_slash_injuredIsProvider_getsNothingBack() public {
        vm.startPrank(escrow);
        registry.lock(provider, 10);
        registry.slash(provider, 10, provider);
        vm.stopPrank();
        vm.assertEq(registry.claimable(provider), 0);
        vm.assertEq(registry.claimable(burner), 10);
    }

    function test_slash_injuredIsSlashRecipient_isOwedAll() public {
        vm.startPrank(escrow);
        registry.lock(provider, 10);
        registry.slash(provider, 10, burner);
        vm.stopPrank();
        vm.assertEq(registry.claimable(burner), 10);
    }

    function test_lockReleaseSlash_zero_doNothing() public {
        vm.startPrank(escrow);
        registry.lock(provider, 0);
        registry.release(provider, 0);
        registry.slash(provider, 0, injured);
        vm.stopPrank();
        vm.assertEq(registry.providerOf(provider).free, STAKE);
    }

    // claim

    function test_claim_afterSlash_paysOnce() public {
        vm.startPrank(escrow);
        registry.lock(provider, 10);
        registry.slash(provider, 10, injured);
        vm.stopPrank();
        vm.startPrank(injured);
        vm.assertEq(registry.claim(to), 5);
        vm.assertEq(token.balanceOf(to), 5);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.NothingToClaim.selector, injured));
        registry.claim(to);
        vm.stopPrank();
    }

    function test_claim_toRegistry_reverts() public {
        vm.startPrank(escrow);
        registry.lock(provider, 10);
        registry.slash(provider, 10, injured);
        vm.stopPrank();
        vm.prank(injured);
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.BadRecipient.selector, address(registry)));
        registry.claim(address(registry));
    }

    // gas

    /// @dev Whole transactions.
    /// forge-config: default.isolate = true
    function test_gas_registry() public {
        token.mint(to, 2 ether);
        vm.startPrank(to);
        token.approve(address(registry), 2 ether);
        registry.register("did:web:other.example", 1 ether);
        vm.snapshotGasLastCall("ResourceRegistry", "register");
        registry.increaseStake(1 ether);
        vm.snapshotGasLastCall("ResourceRegistry", "increaseStake");
        registry.requestWithdrawal(1 ether);
        vm.snapshotGasLastCall("ResourceRegistry", "requestWithdrawal");
        vm.warp(block.timestamp + DELAY);
        registry.withdraw(to);
        vm.snapshotGasLastCall("ResourceRegistry", "withdraw");
        vm.stopPrank();
    }

    function _deploy(address stakeToken) private returns (ResourceRegistry deployed) {
        deployed = new ResourceRegistry(admin, IERC20(stakeToken), DELAY, 5000, burner);
        _authorise(deployed);
    }

    function _authorise(ResourceRegistry target) private {
        bytes32 role = target.ESCROW_ROLE();
        vm.prank(admin);
        target.grantRole(role, escrow);
    }

    function _registerWith(ResourceRegistry target, MockToken stakeToken, uint256 amount) private {
        stakeToken.mint(provider, amount);
        vm.startPrank(provider);
        stakeToken.approve(address(target), amount);
        target.register("did:web:p.example", amount);
        vm.stopPrank();
    }

    function _expectBadParameter(string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IResourceRegistry.BadParameter.selector, name));
    }
}
