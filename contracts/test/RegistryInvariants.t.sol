// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AttestationHub} from "../src/AttestationHub.sol";
import {OperatorRegistry} from "../src/OperatorRegistry.sol";
import {DevToken} from "../src/dev/DevToken.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {HubBase} from "./support/HubBase.sol";
import {Reached, Reporting} from "./support/Reached.sol";

/// @dev Random calls to a registry; those that it refuses change nothing.
contract RegistryHandler is HubBase, Reached {
    address public constant SLASHER = address(0x51a54e8);
    address public constant REPORTER = address(0x8e9);

    uint256 public registered;

    constructor(DevToken token_, OperatorRegistry registry_, AttestationHub hub_) {
        (token, registry, hub) = (token_, registry_, hub_);
    }

    function register() external {
        if (registered == 12) return;
        _register(registered++);
        _did("register");
    }

    function requestExit(uint256 seed) external {
        _try("requestExit", _ownerOf(_pick(seed)), abi.encodeCall(registry.requestExit, (_operator(_pick(seed)))));
    }

    function withdrawStake(uint256 seed) external {
        address owner = _ownerOf(_pick(seed));
        _try("withdrawStake", owner, abi.encodeCall(registry.withdrawStake, (_operator(_pick(seed)), owner)));
    }

    function addStake(uint256 seed, uint128 amount) external {
        address owner = _ownerOf(_pick(seed));
        amount = uint128(_bound(amount, 0, STAKE));
        token.mint(owner, amount);
        vm.prank(owner);
        token.approve(address(registry), amount);
        _try("addStake", owner, abi.encodeCall(registry.addStake, (_operator(_pick(seed)), amount)));
    }

    function slash(uint256 seed, uint128 amount) external {
        amount = uint128(_bound(amount, 0, STAKE));
        address reporter = seed & 1 == 0 ? REPORTER : address(0);
        _try("slash", SLASHER, abi.encodeCall(registry.slash, (_operator(_pick(seed)), amount, reporter)));
    }

    function jail(uint256 seed) external {
        _try("jail", SLASHER, abi.encodeCall(registry.jail, (_operator(_pick(seed)))));
    }

    function unjail(uint256 seed) external {
        _try("unjail", SLASHER, abi.encodeCall(registry.unjail, (_operator(_pick(seed)))));
    }

    function withdrawReward() external {
        _try("withdrawReward", REPORTER, abi.encodeCall(registry.withdrawReward, (REPORTER)));
    }

    function freezeAndActivate() external {
        _try("freeze", address(this), abi.encodeCall(registry.freezeCommittee, ()));
        _try("activate", address(hub), abi.encodeCall(registry.activateCommittee, ()));
    }

    function freeze() external {
        _try("freeze", address(this), abi.encodeCall(registry.freezeCommittee, ()));
    }

    function pass(uint256 seed) external {
        vm.warp(block.timestamp + seed % 5 days);
    }

    function operatorAt(uint256 index) external pure returns (address) {
        return _operator(index);
    }

    function _pick(uint256 seed) private view returns (uint256) {
        return registered == 0 ? 0 : seed % registered;
    }

    function _try(bytes32 action, address sender, bytes memory call) private {
        vm.prank(sender);
        (bool ok,) = address(registry).call(call);
        if (ok) _did(action);
    }
}

/// @dev Every unit of stake is owed to one owner, one reporter, or is locked for ever; members are always accountable.
contract RegistryInvariantsTest is HubBase, Reporting {
    RegistryHandler private _handler;

    function setUp() public {
        _deploy();
        _handler = new RegistryHandler(token, registry, hub);
        address slasher = _handler.SLASHER();
        vm.prank(OWNER);
        registry.setSlasher(slasher);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_registry_stakeAndMembers() public view {
        _checkStake();
        _checkMembers();
        _checkPending();
        _checkOrder();
    }

    function afterInvariant() public {
        _report("Registry", _handler);
    }

    /// @dev The balance is stakes, rewards and what is locked for ever.
    function _checkStake() private view {
        uint256 stakes;
        for (uint256 i = 0; i < _handler.registered(); ++i) {
            stakes += registry.operatorOf(_handler.operatorAt(i)).stake;
        }
        vm.assertEq(
            token.balanceOf(address(registry)), stakes + registry.rewardOf(_handler.REPORTER()) + registry.burnt()
        );
    }

    /// @dev Exactly the current members are active.
    function _checkMembers() private view {
        (, uint32 size) = registry.current();
        uint256 members;
        for (uint256 i = 0; i < _handler.registered(); ++i) {
            IOperatorRegistry.Operator memory operator = registry.operatorOf(_handler.operatorAt(i));
            bool active = operator.status == IOperatorRegistry.Status.Active;
            vm.assertEq(registry.isMember(operator.operator), active);
            if (active) ++members;
        }
        vm.assertEq(members, size);
    }

    /// @dev A pending committee is whole: none of its members took its stake back.
    function _checkPending() private view {
        (uint64 generation, uint32 size) = registry.pending();
        uint256 members;
        for (uint256 i = 0; i < _handler.registered(); ++i) {
            address operator = _handler.operatorAt(i);
            if (!registry.isPendingMember(operator)) continue;
            ++members;
            IOperatorRegistry.Status status = registry.operatorOf(operator).status;
            vm.assertTrue(status == IOperatorRegistry.Status.Queued || status == IOperatorRegistry.Status.Active);
        }
        vm.assertEq(members, size);
        vm.assertTrue(generation == 0 ? size == 0 : size >= registry.MIN_COMMITTEE());
    }

    /// @dev The next committee is in order of joining.
    function _checkOrder() private view {
        IOperatorRegistry.Operator[] memory members = registry.nextCommittee();
        for (uint256 i = 1; i < members.length; ++i) {
            vm.assertTrue(members[i - 1].joinNumber < members[i].joinNumber, "order");
        }
    }
}
