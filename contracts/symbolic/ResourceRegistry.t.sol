// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {ResourceRegistry} from "../src/ResourceRegistry.sol";
import {IResourceRegistry} from "../src/interfaces/IResourceRegistry.sol";
import {Symbolic, SymbolicToken} from "./Symbolic.sol";

/// @dev A provider's stake, for every amount, time and caller.
contract ResourceRegistrySymbolicTest is Symbolic {
    address private constant _PROVIDER = address(0x9);
    address private constant _ESCROW = address(0xe5c0);
    address private constant _BURNER = address(0xdead);
    uint64 private constant _DELAY = 7 days;

    SymbolicToken private _token;
    ResourceRegistry private _registry;

    function setUp() public {
        vm.warp(START);
        _token = new SymbolicToken();
        _registry = new ResourceRegistry(address(this), IERC20(address(_token)), _DELAY, 5000, _BURNER);
        _registry.grantRole(_registry.ESCROW_ROLE(), _ESCROW);
        vm.prank(_PROVIDER);
        _token.approve(address(_registry), type(uint256).max);
    }

    /// @dev Only an escrow with the role locks, within the limit that the provider gave it and the stake that is free.
    function check_lock_withinLimitAndStake(uint128 stake, uint256 limit, uint256 amount, address caller) public {
        _stakeIn(stake, limit);
        bytes memory call = abi.encodeCall(IResourceRegistry.lock, (_PROVIDER, amount));
        vm.assume(_call(caller, address(_registry), 0, call));
        assert(caller == _ESCROW);
        assert(amount <= limit && amount <= stake);
        _assertConserved(stake);
    }

    /// @dev A slash takes at most what the caller has locked, and what it takes is owed to the injured and the recipient.
    function check_slash_atMostWhatIsLocked(
        uint128 stake,
        uint128 locked,
        uint256 amount,
        address caller,
        address injured
    )
        public
    {
        _stakeIn(stake, type(uint256).max);
        _lock(locked);
        vm.assume(
            _call(caller, address(_registry), 0, abi.encodeCall(IResourceRegistry.slash, (_PROVIDER, amount, injured)))
        );
        assert(amount == 0 || (caller == _ESCROW && amount <= locked));
        assert(_registry.lockedBy(_PROVIDER, _ESCROW) == uint256(locked) - amount);
        assert(_registry.providerOf(_PROVIDER).free == uint256(stake) - locked);
        if (injured != _BURNER) {
            assert(_registry.claimable(injured) + _registry.claimable(_BURNER) == amount);
        }
    }

    /// @dev The injured party gets no more than half. Division is what a solver finds hardest, hence few bits.
    function check_slash_compensatesAtMostHalf(uint32 amount) public {
        _stakeIn(type(uint128).max, type(uint256).max);
        _lock(amount);
        bytes memory call = abi.encodeCall(IResourceRegistry.slash, (_PROVIDER, amount, address(0xc0)));
        vm.assume(_call(_ESCROW, address(_registry), 0, call));
        assert(_registry.claimable(address(0xc0)) * 2 <= amount);
        assert(_registry.claimable(address(0xc0)) * 2 + 1 >= amount);
    }

    /// @dev Locks are the escrow's own: what one locked, another caller neither releases nor slashes.
    function check_release_onlyByWhoLocked(uint128 stake, uint128 locked, uint256 amount, address caller) public {
        _stakeIn(stake, type(uint256).max);
        _lock(locked);
        vm.assume(_call(caller, address(_registry), 0, abi.encodeCall(IResourceRegistry.release, (_PROVIDER, amount))));
        assert(amount == 0 || (caller == _ESCROW && amount <= locked));
        _assertConserved(stake);
    }

    /// @dev Locked stake cannot leave, and what leaves stays until the delay is over and goes out once.
    function check_withdraw_onlyFreeStakeAfterTheDelay(
        uint128 stake,
        uint128 locked,
        uint128 amount,
        uint64 time,
        address caller,
        address to
    )
        public
    {
        _stakeIn(stake, type(uint256).max);
        _lock(locked);
        vm.assume(
            _call(_PROVIDER, address(_registry), 0, abi.encodeCall(IResourceRegistry.requestWithdrawal, (amount)))
        );
        assert(uint256(amount) + locked <= stake);
        vm.warp(time);
        bytes memory call = abi.encodeCall(IResourceRegistry.withdraw, (to));
        vm.assume(to != address(_registry) && _call(caller, address(_registry), 0, call));
        assert(caller == _PROVIDER && time >= START + _DELAY);
        assert(_token.balanceOf(address(_registry)) == uint256(stake) - amount);
        assert(_token.balanceOf(to) == amount);
        assert(!_call(_PROVIDER, address(_registry), 0, call));
        _assertConserved(uint256(stake) - amount);
    }

    /// @dev A claim pays what the caller is owed, once.
    function check_claim_paysOnce(uint128 stake, uint128 slashed, address caller, address to) public {
        _stakeIn(stake, type(uint256).max);
        _lock(slashed);
        vm.assume(
            _call(
                _ESCROW,
                address(_registry),
                0,
                abi.encodeCall(IResourceRegistry.slash, (_PROVIDER, slashed, address(0xc0)))
            )
        );
        uint256 owed = _registry.claimable(caller);
        bytes memory call = abi.encodeCall(IResourceRegistry.claim, (to));
        vm.assume(_call(caller, address(_registry), 0, call));
        assert(owed > 0 && (caller == _BURNER || caller == address(0xc0)));
        assert(_token.balanceOf(address(_registry)) == uint256(stake) - owed);
        assert(!_call(caller, address(_registry), 0, call));
    }

    function _stakeIn(uint128 stake, uint256 limit) private {
        _token.mint(_PROVIDER, stake);
        vm.prank(_PROVIDER);
        _registry.register("did:web:provider.example", stake);
        vm.prank(_PROVIDER);
        _registry.setEscrowLimit(_ESCROW, limit);
    }

    function _lock(uint128 amount) private {
        vm.assume(_call(_ESCROW, address(_registry), 0, abi.encodeCall(IResourceRegistry.lock, (_PROVIDER, amount))));
    }

    /// @dev The provider's stake, wherever it is, is what the registry holds.
    function _assertConserved(uint256 stake) private view {
        IResourceRegistry.Provider memory provider = _registry.providerOf(_PROVIDER);
        assert(uint256(provider.free) + provider.locked + provider.leaving == stake);
        assert(_token.balanceOf(address(_registry)) == stake);
    }
}
