// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {MerkleTree} from "../src/libraries/MerkleTree.sol";
import {OperatorRegistryBase} from "./support/OperatorRegistryBase.sol";

/// @dev From the queue to a committee, out of it, and what becomes of the stake.
contract OperatorRegistryStakeTest is OperatorRegistryBase {
    function test_freezeCommittee_firstSeatsInOrder_pending() public {
        _registerMany(6);
        vm.assertEq(registry.committee().length, SEATS);
        registry.freezeCommittee();
        (uint64 generation, uint32 size) = registry.pending();
        vm.assertEq(generation, 1);
        vm.assertEq(size, SEATS);
        vm.assertTrue(registry.isPendingMember(_operator(3)));
        vm.assertFalse(registry.isPendingMember(_operator(4)));
        vm.assertFalse(registry.isMember(_operator(3)));
        IOperatorRegistry.Operator[] memory members = registry.committee();
        bytes32[] memory leaves = new bytes32[](SEATS);
        for (uint256 i = 0; i < SEATS; ++i) {
            vm.assertEq(members[i].operator, _operator(i));
            leaves[i] = registry.memberHash(_operator(i));
        }
        vm.assertEq(registry.committeeRoot(), MerkleTree.rootOf(leaves));
        vm.assertEq(registry.nextCommitteeRoot(), registry.committeeRoot());
    }

    function test_committeeRoot_nobody_isZero() public view {
        vm.assertEq(registry.committeeRoot(), 0);
        vm.assertEq(registry.committee().length, 0);
    }

    function test_freezeCommittee_tooFew_reverts() public {
        _registerMany(3);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.CommitteeTooSmall.selector, 3, SEATS));
        registry.freezeCommittee();
    }

    function test_freezeCommittee_again_waitsForInterval() public {
        _registerMany(4);
        registry.freezeCommittee();
        uint64 retryAt = uint64(block.timestamp) + 1 days;
        vm.warp(retryAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.FrozenRecently.selector, retryAt));
        registry.freezeCommittee();
        vm.warp(retryAt);
        vm.assertEq(registry.freezeCommittee(), 1, "the same members stay pending");
        _leave(0);
        _register(4);
        vm.assertEq(registry.freezeCommittee(), 2);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.FrozenRecently.selector, retryAt + 1 days));
        registry.freezeCommittee();
    }

    function test_freezeCommittee_tooFewToReplace_dropsAndReleases() public {
        _registerMany(4);
        registry.freezeCommittee();
        _leave(0);
        vm.warp(block.timestamp + 1 days);
        vm.expectEmit();
        emit IOperatorRegistry.CommitteeDropped(1);
        vm.assertEq(registry.freezeCommittee(), 0);
        (uint64 generation, uint32 size) = registry.pending();
        vm.assertEq(generation + size, 0);
        vm.prank(_ownerOf(0));
        registry.withdrawStake(_operator(0), address(0xbeef));
        vm.assertEq(token.balanceOf(address(0xbeef)), STAKE);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.CommitteeTooSmall.selector, 3, SEATS));
        registry.freezeCommittee();
        _register(4);
        vm.assertEq(registry.freezeCommittee(), 2);
    }

    function test_freezeCommittee_ineligible_leftOut() public {
        _registerMany(7);
        vm.prank(_ownerOf(0));
        registry.requestExit(_operator(0));
        vm.startPrank(_SLASHER);
        registry.jail(_operator(1));
        registry.slash(_operator(2), 1, address(0));
        registry.jail(_operator(3));
        registry.unjail(_operator(3));
        vm.stopPrank();
        registry.freezeCommittee();
        IOperatorRegistry.Operator[] memory members = registry.nextCommittee();
        vm.assertEq(members.length, 4);
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertEq(members[i].operator, _operator(i + 3));
        }
    }

    function test_activateCommittee_notHub_reverts() public {
        vm.expectRevert(_unauthorized(address(this)));
        registry.activateCommittee();
    }

    function test_activateCommittee_nothingPending_reverts() public {
        vm.expectRevert(IOperatorRegistry.NothingPending.selector);
        vm.prank(address(hub));
        registry.activateCommittee();
    }

    function test_activateCommittee_membersChange_leaversUnbond() public {
        _registerMany(4);
        _activate();
        vm.assertEq(uint8(_status(0)), uint8(IOperatorRegistry.Status.Active));
        _register(4);
        vm.prank(_ownerOf(1));
        registry.requestExit(_operator(1));
        vm.assertTrue(registry.isMember(_operator(1)), "a member until the boundary");
        _activate();
        vm.assertFalse(registry.isMember(_operator(1)));
        vm.assertTrue(registry.isMember(_operator(4)));
        vm.assertEq(uint8(_status(1)), uint8(IOperatorRegistry.Status.Unbonding));
        vm.assertEq(registry.operatorOf(_operator(1)).withdrawableAt, block.timestamp + UNBONDING);
        IOperatorRegistry.Operator[] memory members = registry.committee();
        vm.assertEq(members[0].operator, _operator(0));
        vm.assertEq(members[1].operator, _operator(2));
        vm.assertEq(members[3].operator, _operator(4));
    }

    function test_activateCommittee_jailedMember_unbonds() public {
        _registerMany(5);
        _activate();
        vm.prank(_SLASHER);
        registry.jail(_operator(2));
        vm.assertTrue(registry.isMember(_operator(2)), "a member until the boundary");
        _activate();
        vm.assertEq(uint8(_status(2)), uint8(IOperatorRegistry.Status.Unbonding));
    }

    function test_withdrawStake_queuedNeverFrozen_atOnce() public {
        _register(0);
        vm.startPrank(_ownerOf(0));
        registry.requestExit(_operator(0));
        registry.withdrawStake(_operator(0), address(0xbeef));
        vm.stopPrank();
        vm.assertEq(token.balanceOf(address(0xbeef)), STAKE);
        vm.assertEq(uint8(_status(0)), uint8(IOperatorRegistry.Status.Exited));
        vm.assertEq(registry.committee().length, 0);
    }

    function test_withdrawStake_afterUnbonding_paysOnce() public {
        _registerMany(5);
        _activate();
        vm.prank(_ownerOf(0));
        registry.requestExit(_operator(0));
        _activate();
        uint64 withdrawableAt = uint64(block.timestamp) + UNBONDING;
        vm.warp(withdrawableAt - 1);
        vm.startPrank(_ownerOf(0));
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.NotWithdrawable.selector, _operator(0), withdrawableAt)
        );
        registry.withdrawStake(_operator(0), address(0xbeef));
        vm.warp(withdrawableAt);
        registry.withdrawStake(_operator(0), address(0xbeef));
        vm.assertEq(token.balanceOf(address(0xbeef)), STAKE);
        vm.expectRevert(_wrongStatus(_operator(0), IOperatorRegistry.Status.Exited));
        registry.withdrawStake(_operator(0), address(0xbeef));
    }

    function test_withdrawStake_notYet_reverts() public {
        _registerMany(4);
        vm.startPrank(_ownerOf(0));
        vm.expectRevert(_wrongStatus(_operator(0), IOperatorRegistry.Status.Queued));
        registry.withdrawStake(_operator(0), address(0xbeef));
        registry.requestExit(_operator(0));
        vm.expectRevert(IOperatorRegistry.ZeroAddress.selector);
        registry.withdrawStake(_operator(0), address(0));
        vm.stopPrank();
        vm.expectRevert(_unauthorized(address(this)));
        registry.withdrawStake(_operator(0), address(0xbeef));
    }

    function test_withdrawStake_pendingMember_reverts() public {
        _registerMany(4);
        registry.freezeCommittee();
        vm.startPrank(_ownerOf(0));
        registry.requestExit(_operator(0));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.MemberOfPending.selector, _operator(0)));
        registry.withdrawStake(_operator(0), address(0xbeef));
    }

    function test_withdrawStake_activeMember_reverts() public {
        _registerMany(4);
        _activate();
        vm.startPrank(_ownerOf(0));
        registry.requestExit(_operator(0));
        vm.expectRevert(_wrongStatus(_operator(0), IOperatorRegistry.Status.Active));
        registry.withdrawStake(_operator(0), address(0xbeef));
    }

    function test_requestExit_twiceStrangerOrExited_reverts() public {
        _register(0);
        vm.expectRevert(_unauthorized(address(this)));
        registry.requestExit(_operator(0));
        vm.startPrank(_ownerOf(0));
        registry.requestExit(_operator(0));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.AlreadyLeaving.selector, _operator(0)));
        registry.requestExit(_operator(0));
        registry.withdrawStake(_operator(0), address(0xbeef));
        vm.expectRevert(_wrongStatus(_operator(0), IOperatorRegistry.Status.Exited));
        registry.requestExit(_operator(0));
    }

    function test_register_keysOfAnExited_reverts() public {
        _register(0);
        vm.startPrank(_ownerOf(0));
        registry.requestExit(_operator(0));
        registry.withdrawStake(_operator(0), _ownerOf(0));
        vm.stopPrank();
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        _expectRefused(0, r, a, b, _used(bytes32(uint256(uint160(r.operator)))));
    }

    function test_slash_stake_halfToReporterRestLocked() public {
        _register(0);
        vm.prank(_SLASHER);
        registry.slash(_operator(0), 101, _REPORTER);
        vm.assertEq(registry.operatorOf(_operator(0)).stake, STAKE - 101);
        vm.assertEq(registry.rewardOf(_REPORTER), 50);
        vm.assertEq(registry.burnt(), 51);
        vm.prank(_REPORTER);
        registry.withdrawReward(address(0xbeef));
        vm.assertEq(token.balanceOf(address(0xbeef)), 50);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.AmountInvalid.selector, 0));
        vm.prank(_REPORTER);
        registry.withdrawReward(address(0xbeef));
    }

    function test_slash_withoutReporter_locksAll() public {
        _register(0);
        vm.prank(_SLASHER);
        registry.slash(_operator(0), STAKE, address(0));
        vm.assertEq(registry.burnt(), STAKE);
        vm.assertEq(registry.rewardOf(address(0)), 0);
    }

    function test_slash_whileUnbonding_takes() public {
        _registerMany(5);
        _activate();
        vm.prank(_ownerOf(0));
        registry.requestExit(_operator(0));
        _activate();
        vm.prank(_SLASHER);
        registry.slash(_operator(0), STAKE / 2, _REPORTER);
        vm.warp(block.timestamp + UNBONDING);
        vm.prank(_ownerOf(0));
        registry.withdrawStake(_operator(0), address(0xbeef));
        vm.assertEq(token.balanceOf(address(0xbeef)), STAKE / 2);
    }

    function test_slash_amountOutOfRange_reverts() public {
        _register(0);
        vm.startPrank(_SLASHER);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.AmountInvalid.selector, 0));
        registry.slash(_operator(0), 0, _REPORTER);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.AmountInvalid.selector, STAKE + 1));
        registry.slash(_operator(0), STAKE + 1, _REPORTER);
    }

    function test_slasherFunctions_stranger_revert() public {
        _register(0);
        vm.expectRevert(_unauthorized(address(this)));
        registry.slash(_operator(0), 1, _REPORTER);
        vm.expectRevert(_unauthorized(address(this)));
        registry.jail(_operator(0));
        vm.expectRevert(_unauthorized(address(this)));
        registry.unjail(_operator(0));
    }

    function test_jail_unknown_reverts() public {
        vm.startPrank(_SLASHER);
        vm.expectRevert(_wrongStatus(_operator(0), IOperatorRegistry.Status.None));
        registry.jail(_operator(0));
        vm.expectRevert(_wrongStatus(_operator(0), IOperatorRegistry.Status.None));
        registry.unjail(_operator(0));
    }

    function test_addStake_afterSlash_makesEligible() public {
        _registerMany(4);
        vm.prank(_SLASHER);
        registry.slash(_operator(0), 100, address(0));
        vm.assertEq(registry.nextCommittee().length, 3);
        token.mint(_ownerOf(0), 101);
        vm.startPrank(_ownerOf(0));
        token.approve(address(registry), 101);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.AmountInvalid.selector, 101));
        registry.addStake(_operator(0), 101);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.AmountInvalid.selector, 0));
        registry.addStake(_operator(0), 0);
        registry.addStake(_operator(0), 100);
        vm.assertEq(registry.nextCommittee().length, 4);
    }

    function test_withdrawReward_toNobody_reverts() public {
        vm.expectRevert(IOperatorRegistry.ZeroAddress.selector);
        registry.withdrawReward(address(0));
    }
}
