// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ResourceEscrow} from "../src/ResourceEscrow.sol";
import {ResourceRegistry} from "../src/ResourceRegistry.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {IResourceEscrow} from "../src/interfaces/IResourceEscrow.sol";
import {IResourceRegistry} from "../src/interfaces/IResourceRegistry.sol";
import {MockHub} from "./mocks/MockHub.sol";
import {FeeToken} from "./mocks/Tokens.sol";
import {CheatTest} from "./support/Cheats.sol";
import {MoneyHandler} from "./support/MoneyHandler.sol";
import {Reporting} from "./support/Reached.sol";

/// @dev INV-MONEY and INV-EXPIRE: after any sequence of calls, every unit of every token, of stake and of native currency
/// is owed to exactly one party, as an independent ledger says.
contract MoneyInvariantsTest is CheatTest, Reporting {
    MockHub private _hub;
    ResourceEscrow private _escrow;
    ResourceRegistry private _registry;
    FeeToken private _stakeToken;
    MoneyHandler private _handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        _hub = new MockHub(0.01 ether, 12 hours);
        _stakeToken = new FeeToken(100);
        _registry = new ResourceRegistry(address(this), IERC20(address(_stakeToken)), 2 days, 5000, address(0xdead));
        _escrow = new ResourceEscrow(
            IAttestationHub(address(_hub)), IResourceRegistry(address(_registry)), address(0x77), 250, 2000, 2 hours
        );
        _registry.grantRole(_registry.ESCROW_ROLE(), address(_escrow));
        uint256[] memory keys = new uint256[](2);
        (keys[0], keys[1]) = (0xa11ce, 0xb0b);
        _handler = new MoneyHandler(_hub, _escrow, _registry, _stakeToken, keys);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_money_everyUnitIsOwedToOneParty() public view {
        _checkEscrow();
        _checkStake();
        _checkJobs();
    }

    function afterInvariant() public {
        _report("Money", _handler);
    }

    /// @dev A fixed walk through every action, so that a handler that stopped reaching one is noticed.
    function test_handler_eachAction_isReached() public {
        _handler.moveStake(0, 0, 1e20);
        for (uint256 verdict = 0; verdict < 4; ++verdict) {
            _handler.createJob(verdict, 0, verdict, 1e18, 4, 1e18);
            _handler.recordVerdict(verdict, uint8(verdict));
        }
        _handler.createJob(0, 0, 4, 1e18, 4, 1e18);
        _handler.warp(12 hours);
        _handler.settle(0);
        _handler.settle(1);
        _handler.settle(3);
        _handler.deliver(2);
        _handler.expire(4);
        _handler.withdraw(0, 0);
        _handler.withdraw(2, 5);
        _handler.claim(3);
        _handler.moveStake(0, 1, 1e18);
        _handler.moveStake(0, 2, 0);
        _handler.moveStake(0, 1, 1e18);
        _handler.warp(1 days);
        _handler.warp(1 days);
        _handler.moveStake(0, 3, 0);
        invariant_money_everyUnitIsOwedToOneParty();

        bytes32[12] memory actions = [
            bytes32("createJob"),
            "recordVerdict",
            "settle",
            "deliver",
            "expire",
            "withdraw",
            "slash",
            "claim",
            "increaseStake",
            "requestWithdrawal",
            "cancelWithdrawal",
            "withdrawStake"
        ];
        for (uint256 i = 0; i < actions.length; ++i) {
            vm.assertTrue(_handler.done(actions[i]) > 0, string(bytes.concat(actions[i])));
        }
    }

    function _checkEscrow() private view {
        address[] memory tokens = _handler.allTokens();
        address[] memory parties = _handler.allParties();
        for (uint256 i = 0; i <= tokens.length; ++i) {
            address token = i == tokens.length ? address(0) : tokens[i];
            uint256 owed = _handler.ghostHeld(token) + _handler.ghostDonated(token);
            uint256[] memory ghosts = _handler.ghostOwedIn(token);
            for (uint256 k = 0; k < parties.length; ++k) {
                uint256 amount = _escrow.owed(token, parties[k]);
                if (amount != ghosts[k]) vm.assertEq(amount, ghosts[k], "a party is owed another amount");
                owed += amount;
            }
            uint256 held = token == address(0) ? address(_escrow).balance : IERC20(token).balanceOf(address(_escrow));
            vm.assertEq(held, owed, "the escrow holds another amount than it owes");
        }
        vm.assertEq(_hub.creditOf(address(_escrow)), 0, "native currency is left at the hub");
    }

    function _checkStake() private view {
        address[] memory parties = _handler.allParties();
        address[] memory providers = _handler.allProviders();
        uint256 owed = _handler.ghostStakeDonated();
        for (uint256 i = 0; i < providers.length; ++i) {
            address provider = providers[i];
            IResourceRegistry.Provider memory stake = _registry.providerOf(provider);
            vm.assertEq(stake.free, _handler.ghostFree(provider), "free stake");
            vm.assertEq(stake.locked, _handler.ghostLocked(provider), "locked stake");
            vm.assertEq(stake.leaving, _handler.ghostLeaving(provider), "leaving stake");
            vm.assertEq(_registry.lockedBy(provider, address(_escrow)), stake.locked, "the escrow's locks");
            owed += uint256(stake.free) + stake.locked + stake.leaving;
        }
        for (uint256 i = 0; i < parties.length; ++i) {
            uint256 claimable = _registry.claimable(parties[i]);
            vm.assertEq(claimable, _handler.ghostClaimable(parties[i]), "claimable");
            owed += claimable;
        }
        vm.assertEq(_stakeToken.balanceOf(address(_registry)), owed, "the registry holds another amount than it owes");
    }

    /// @dev A job ends once, as the rules say: the ghost's state never leaves an end, so equality shows the same here.
    function _checkJobs() private view {
        MoneyHandler.GhostJob[] memory jobs = _handler.jobs();
        uint256 locked;
        for (uint256 i = 0; i < jobs.length; ++i) {
            vm.assertEq(uint256(_escrow.jobOf(jobs[i].id).state), uint256(jobs[i].state), "state");
            if (jobs[i].state == IResourceEscrow.State.Requested) locked += jobs[i].atRisk;
        }
        uint256 ghost = _handler.ghostLocked(_handler.providers(0)) + _handler.ghostLocked(_handler.providers(1));
        vm.assertEq(locked, ghost, "stake is locked without an open job");
    }
}
