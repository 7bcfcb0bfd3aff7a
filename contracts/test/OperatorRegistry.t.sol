// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {AttestationHub} from "../src/AttestationHub.sol";
import {OperatorRegistry} from "../src/OperatorRegistry.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {MerkleTree} from "../src/libraries/MerkleTree.sol";
import {HubBase} from "./support/HubBase.sol";

/// @dev A token that keeps one unit of every transfer.
contract SkimmingToken is ERC20 {
    constructor() ERC20("Skimming", "SKM") {
        _mint(msg.sender, 1e30);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), 1);
    }
}

contract OperatorRegistryTest is HubBase {
    address private constant _SLASHER = address(0x51a54e8);
    address private constant _REPORTER = address(0x8e9);
    uint256 private constant _ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function setUp() public {
        _deploy();
        vm.prank(OWNER);
        registry.setSlasher(_SLASHER);
    }

    function test_constructor_settingsOutOfRange_reverts() public {
        IERC20 erc20 = IERC20(address(token));
        vm.expectRevert(IOperatorRegistry.ZeroAddress.selector);
        new OperatorRegistry(OWNER, IERC20(address(0)), STAKE, SEATS, UNBONDING);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        new OperatorRegistry(OWNER, erc20, 0, SEATS, UNBONDING);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        new OperatorRegistry(OWNER, erc20, STAKE, 3, UNBONDING);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        new OperatorRegistry(OWNER, erc20, STAKE, 101, UNBONDING);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        new OperatorRegistry(OWNER, erc20, STAKE, SEATS, 0);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        new OperatorRegistry(OWNER, erc20, STAKE, SEATS, 3651 days);
    }

    function test_register_valid_queuesAndTakesStake() public {
        IOperatorRegistry.Registration memory expected = _registration(0);
        _register(0);
        IOperatorRegistry.Operator memory operator = registry.operatorOf(_operator(0));
        vm.assertEq(operator.operator, _operator(0));
        vm.assertEq(operator.owner, _ownerOf(0));
        vm.assertEq(operator.consensusKey, expected.consensusKey);
        vm.assertEq(operator.networkKey, expected.networkKey);
        vm.assertEq(operator.encryptionKey, expected.encryptionKey);
        vm.assertEq(operator.endpoint, expected.endpoint);
        vm.assertEq(operator.stake, STAKE);
        vm.assertEq(uint8(operator.status), uint8(IOperatorRegistry.Status.Queued));
        vm.assertEq(operator.joinNumber, 1);
        vm.assertEq(token.balanceOf(address(registry)), STAKE);
    }

    function test_register_signatureOfAnother_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        bytes32 digest = registry.registrationDigest(_ownerOf(0), r);
        bytes memory stranger = _sign(0xbad, digest);
        _expectRefused(0, r, stranger, b, _notPossessed(r.operator));
        _expectRefused(0, r, a, stranger, _notPossessed(_consensusAddress(r)));
        _expectRefused(0, r, b, a, _notPossessed(r.operator));
        _expectRefused(0, r, "", b, _notPossessed(r.operator));
    }

    function test_register_signedForAnotherOwner_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(1));
        _expectRefused(0, r, a, b, _notPossessed(r.operator));
    }

    function test_register_changedField_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        r.endpoint = "/ip4/10.0.0.1/tcp/1";
        _expectRefused(0, r, a, b, _notPossessed(r.operator));
    }

    function test_register_highS_reverts() public {
        (IOperatorRegistry.Registration memory r,, bytes memory b) = _signed(0, _ownerOf(0));
        (uint8 v, bytes32 x, bytes32 s) = vm.sign(_operatorKey(0), registry.registrationDigest(_ownerOf(0), r));
        bytes memory twin = abi.encodePacked(x, bytes32(_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _expectRefused(0, r, twin, b, _notPossessed(r.operator));
    }

    function test_register_consensusKeyWrongLength_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        r.consensusKey = bytes.concat(hex"04", r.consensusKey);
        _expectRefused(0, r, a, b, abi.encodeWithSelector(IOperatorRegistry.ConsensusKeyInvalid.selector));
    }

    function test_register_missingKey_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        bytes memory missing = abi.encodeWithSelector(IOperatorRegistry.KeyMissing.selector);
        bytes32 network = r.networkKey;
        r.networkKey = 0;
        _expectRefused(0, r, a, b, missing);
        (r.networkKey, r.encryptionKey) = (network, 0);
        _expectRefused(0, r, a, b, missing);
        r.operator = address(0);
        _expectRefused(0, r, a, b, missing);
    }

    function test_register_keyUsedBefore_reverts() public {
        _register(0);
        IOperatorRegistry.Registration memory first = _registration(0);
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(1, _ownerOf(1));
        r.operator = first.operator;
        _expectRefused(1, r, a, b, _used(bytes32(uint256(uint160(first.operator)))));
        r = _registration(1);
        r.consensusKey = first.consensusKey;
        _expectRefused(1, r, a, b, _used(bytes32(uint256(uint160(_consensusAddress(first))))));
        r = _registration(1);
        r.networkKey = first.networkKey;
        _expectRefused(1, r, a, b, _used(first.networkKey));
        r = _registration(1);
        r.encryptionKey = first.encryptionKey;
        _expectRefused(1, r, a, b, _used(first.encryptionKey));
    }

    function test_register_wordTakenByAnotherKind_registers() public {
        IOperatorRegistry.Registration memory squatter = _registration(0);
        squatter.networkKey = bytes32(uint256(uint160(_operator(1))));
        squatter.encryptionKey = _registration(1).networkKey;
        bytes32 digest = registry.registrationDigest(_ownerOf(0), squatter);
        _fund(_ownerOf(0));
        vm.prank(_ownerOf(0));
        registry.register(squatter, _sign(_operatorKey(0), digest), _sign(0xc0de0000, digest));
        _register(1);
        vm.assertEq(uint8(_status(1)), uint8(IOperatorRegistry.Status.Queued));
    }

    function test_register_consensusKeyOfTheOperatorAddress_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        r.operator = _consensusAddress(r);
        _expectRefused(0, r, a, b, _used(bytes32(uint256(uint160(r.operator)))));
    }

    function test_register_endpointEmptyOrTooLong_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        bytes memory invalid = abi.encodeWithSelector(IOperatorRegistry.EndpointInvalid.selector);
        r.endpoint = "";
        _expectRefused(0, r, a, b, invalid);
        r.endpoint = string(new bytes(257));
        _expectRefused(0, r, a, b, invalid);
    }

    function test_register_tokenBringsLess_reverts() public {
        SkimmingToken skimming = new SkimmingToken();
        registry = new OperatorRegistry(OWNER, IERC20(address(skimming)), STAKE, SEATS, UNBONDING);
        skimming.transfer(_ownerOf(0), STAKE + 1);
        vm.prank(_ownerOf(0));
        skimming.approve(address(registry), STAKE);
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.DepositMismatch.selector, STAKE - 1, STAKE));
        vm.prank(_ownerOf(0));
        registry.register(r, a, b);
    }

    function test_register_rosterFull_reverts() public {
        for (uint256 i = 0; i < 256; ++i) {
            _register(i);
        }
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(256, _ownerOf(256));
        _expectRefused(256, r, a, b, abi.encodeWithSelector(IOperatorRegistry.RosterFull.selector));
    }

    function test_setEndpoint_ownerOrOperator_changes() public {
        _register(0);
        bytes32 root = registry.committeeRoot();
        vm.prank(_ownerOf(0));
        registry.setEndpoint(_operator(0), "a");
        vm.assertEq(registry.operatorOf(_operator(0)).endpoint, "a");
        vm.prank(_operator(0));
        registry.setEndpoint(_operator(0), "b");
        vm.assertEq(registry.operatorOf(_operator(0)).endpoint, "b");
        vm.assertEq(registry.committeeRoot(), root, "the root is of keys");
    }

    function test_setEndpoint_strangerEmptyOrUnknown_reverts() public {
        _register(0);
        vm.expectRevert(_unauthorized(address(this)));
        registry.setEndpoint(_operator(0), "a");
        vm.expectRevert(IOperatorRegistry.EndpointInvalid.selector);
        vm.prank(_operator(0));
        registry.setEndpoint(_operator(0), "");
        vm.expectRevert(_wrongStatus(_operator(1), IOperatorRegistry.Status.None));
        vm.prank(_operator(1));
        registry.setEndpoint(_operator(1), "a");
    }

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

    function test_setHub_wrongCases_revert() public {
        OperatorRegistry fresh = new OperatorRegistry(OWNER, IERC20(address(token)), STAKE, SEATS, WINDOW);
        AttestationHub other = new AttestationHub(fresh, FEE, WINDOW);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        fresh.setHub(address(other));
        vm.startPrank(OWNER);
        vm.expectRevert(IOperatorRegistry.ZeroAddress.selector);
        fresh.setHub(address(0));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.UnbondingTooShort.selector, WINDOW, WINDOW));
        fresh.setHub(address(other));
        vm.expectRevert(IOperatorRegistry.HubAlreadySet.selector);
        registry.setHub(address(other));
    }

    function test_ownerFunctions_stranger_revert() public {
        bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this));
        vm.expectRevert(refused);
        registry.setSlasher(address(this));
        vm.expectRevert(refused);
        registry.setSeats(5);
    }

    function test_setSeats_outOfRange_reverts() public {
        vm.startPrank(OWNER);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        registry.setSeats(3);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        registry.setSeats(101);
        registry.setSeats(7);
        vm.assertEq(registry.seats(), 7);
    }

    function _registerMany(uint256 count) private {
        for (uint256 i = 0; i < count; ++i) {
            _register(i);
        }
    }

    function _activate() private {
        registry.freezeCommittee();
        vm.prank(address(hub));
        registry.activateCommittee();
    }

    function _leave(uint256 index) private {
        vm.prank(_ownerOf(index));
        registry.requestExit(_operator(index));
    }

    function _status(uint256 index) private view returns (IOperatorRegistry.Status) {
        return registry.operatorOf(_operator(index)).status;
    }

    function _signed(
        uint256 index,
        address owner
    )
        private
        returns (IOperatorRegistry.Registration memory registration, bytes memory a, bytes memory b)
    {
        registration = _registration(index);
        bytes32 digest = registry.registrationDigest(owner, registration);
        return (registration, _sign(_operatorKey(index), digest), _sign(0xc0de0000 + index, digest));
    }

    function _expectRefused(
        uint256 index,
        IOperatorRegistry.Registration memory registration,
        bytes memory a,
        bytes memory b,
        bytes memory reason
    )
        private
    {
        _fund(_ownerOf(index));
        vm.expectRevert(reason);
        vm.prank(_ownerOf(index));
        registry.register(registration, a, b);
    }

    function _consensusAddress(IOperatorRegistry.Registration memory registration) private pure returns (address) {
        return address(uint160(uint256(keccak256(registration.consensusKey))));
    }

    function _notPossessed(address expected) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IOperatorRegistry.ProofOfPossessionInvalid.selector, expected);
    }

    function _used(bytes32 key) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IOperatorRegistry.KeyUsed.selector, key);
    }

    function _unauthorized(address sender) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IOperatorRegistry.Unauthorized.selector, sender);
    }

    function _wrongStatus(address operator, IOperatorRegistry.Status status) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IOperatorRegistry.WrongStatus.selector, operator, status);
    }
}
