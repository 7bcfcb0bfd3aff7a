// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {OperatorRegistry} from "../src/OperatorRegistry.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {Symbolic, SymbolicToken} from "./Symbolic.sol";

/// @dev As much of a hub as the registry asks for.
contract WindowHub {
    uint64 public constant challengeWindow = 1 hours;
}

/// @dev Operators' stake, for every amount, time and caller: five operators, the first of which moves.
contract OperatorRegistrySymbolicTest is Symbolic {
    address private constant _OWNER = address(0xdada);
    address private constant _SLASHER = address(0x51a54e8);
    uint128 private constant _SEAT = 1000;
    uint64 private constant _UNBONDING = 7 days;

    SymbolicToken private _token;
    OperatorRegistry private _registry;
    address private _hub;

    function setUp() public {
        vm.warp(START);
        _token = new SymbolicToken();
        _registry = new OperatorRegistry(_OWNER, IERC20(address(_token)), _SEAT, 4, _UNBONDING);
        _hub = address(new WindowHub());
        vm.prank(_OWNER);
        _registry.setHub(_hub);
        vm.prank(_OWNER);
        _registry.setSlasher(_SLASHER);
        for (uint256 i = 0; i < 5; ++i) {
            _register(i);
        }
    }

    /// @dev Only the slasher slashes, at most the stake; at most half goes to the reporter, and nothing is lost.
    function check_slash_atMostTheStake(uint128 amount, address reporter, address caller) public {
        bytes memory call = abi.encodeCall(IOperatorRegistry.slash, (_operator(0), amount, reporter));
        vm.assume(_call(caller, address(_registry), 0, call));
        assert(caller == _SLASHER && amount <= _SEAT);
        uint256 stake = _registry.operatorOf(_operator(0)).stake;
        uint256 reward = _registry.rewardOf(reporter);
        assert(stake + reward + _registry.burnt() == _SEAT && reward <= amount / 2);
        assert(_registry.operatorOf(_operator(1)).stake == _SEAT);
    }

    /// @dev A reward is the reporter's, once.
    function check_withdrawReward_paysTheReporterOnce(uint128 amount, address caller, address to) public {
        bytes memory slash = abi.encodeCall(IOperatorRegistry.slash, (_operator(0), amount, address(0x8e9)));
        vm.assume(_call(_SLASHER, address(_registry), 0, slash));
        bytes memory call = abi.encodeCall(IOperatorRegistry.withdrawReward, (to));
        vm.assume(to != address(_registry) && _call(caller, address(_registry), 0, call));
        assert(caller == address(0x8e9));
        assert(_token.balanceOf(to) == amount / 2);
        assert(!_call(caller, address(_registry), 0, call));
    }

    /// @dev Who waits in the queue takes its stake back only by its owner, only after it said it leaves, and once.
    function check_withdrawStake_queuedByItsOwnerOnce(uint128 slashed, address caller, address to) public {
        if (slashed > 0) {
            bytes memory slash = abi.encodeCall(IOperatorRegistry.slash, (_operator(0), slashed, address(0)));
            vm.assume(_call(_SLASHER, address(_registry), 0, slash));
        }
        bytes memory call = abi.encodeCall(IOperatorRegistry.withdrawStake, (_operator(0), to));
        assert(!_call(caller, address(_registry), 0, call));
        vm.prank(_ownerOf(0));
        _registry.requestExit(_operator(0));
        vm.assume(to != address(_registry) && _call(caller, address(_registry), 0, call));
        assert(caller == _ownerOf(0) && to != address(0));
        assert(_token.balanceOf(to) == _SEAT - slashed);
        assert(!_call(caller, address(_registry), 0, call));
    }

    /// @dev No member of a frozen or active committee takes its stake, at any time, whoever asks.
    function check_withdrawStake_neverAMember(bool active, uint64 time, address caller, address to) public {
        _registry.freezeCommittee();
        if (active) _activate();
        vm.prank(_ownerOf(0));
        _registry.requestExit(_operator(0));
        vm.warp(time);
        assert(
            !_call(caller, address(_registry), 0, abi.encodeCall(IOperatorRegistry.withdrawStake, (_operator(0), to)))
        );
    }

    /// @dev Who left a committee takes its stake after the unbonding period that began with the hub's activation, less what
    /// was slashed meanwhile.
    function check_withdrawStake_afterUnbonding(uint128 slashed, uint64 time, address caller, address to) public {
        _registry.freezeCommittee();
        _activate();
        vm.prank(_ownerOf(0));
        _registry.requestExit(_operator(0));
        vm.warp(START + 2 days);
        _registry.freezeCommittee();
        _activate();
        if (slashed > 0) {
            bytes memory slash = abi.encodeCall(IOperatorRegistry.slash, (_operator(0), slashed, address(0)));
            vm.assume(_call(_SLASHER, address(_registry), 0, slash));
        }
        vm.warp(time);
        bytes memory call = abi.encodeCall(IOperatorRegistry.withdrawStake, (_operator(0), to));
        vm.assume(to != address(_registry) && _call(caller, address(_registry), 0, call));
        assert(caller == _ownerOf(0) && time >= START + 2 days + _UNBONDING);
        assert(_token.balanceOf(to) == _SEAT - slashed);
        assert(!_call(caller, address(_registry), 0, call));
    }

    /// @dev Only the hub ends memberships.
    function check_activateCommittee_onlyTheHub(address caller) public {
        _registry.freezeCommittee();
        vm.assume(_call(caller, address(_registry), 0, abi.encodeCall(IOperatorRegistry.activateCommittee, ())));
        assert(caller == _hub);
    }

    function _activate() private {
        vm.prank(_hub);
        _registry.activateCommittee();
    }

    function _operator(uint256 index) private pure returns (address) {
        return address(uint160(0x0b000000 + index));
    }

    function _ownerOf(uint256 index) private pure returns (address) {
        return address(uint160(0x0e000000 + index));
    }

    /// @dev `ecrecover` is a function that halmos knows nothing of: what follows holds where it gave these addresses.
    function _register(uint256 index) private {
        IOperatorRegistry.Registration memory registration = IOperatorRegistry.Registration({
            operator: _operator(index),
            consensusKey: bytes.concat(bytes32(index + 1), keccak256("second half")),
            networkKey: keccak256(abi.encode("network", index)),
            encryptionKey: keccak256(abi.encode("encryption", index)),
            endpoint: "/ip4/127.0.0.1/tcp/7000"
        });
        address owner = _ownerOf(index);
        _token.mint(owner, _SEAT);
        vm.prank(owner);
        _token.approve(address(_registry), _SEAT);
        bytes memory byOperator = abi.encodePacked(bytes32("r"), bytes32(uint256(1)), uint8(27));
        bytes memory byConsensus = abi.encodePacked(bytes32("R"), bytes32(uint256(2)), uint8(28));
        vm.prank(owner);
        _registry.register(registration, byOperator, byConsensus);
    }
}
