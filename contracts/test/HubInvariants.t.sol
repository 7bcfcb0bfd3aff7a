// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {HubBase} from "./support/HubBase.sol";
import {HubHandler} from "./support/HubHandler.sol";
import {Reporting} from "./support/Reached.sol";

/// @dev After any sequence of calls the hub owes exactly what it holds, and no outcome ever changes (INV-JOB-ONCE,
/// INV-MONEY).
contract HubInvariantsTest is HubBase, Reporting {
    HubHandler private _handler;

    function setUp() public {
        _launch();
        _handler = new HubHandler(hub, registry);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_hub_moneyOutcomesAndAccumulator() public view {
        _checkMoney();
        _checkOutcomes();
        vm.assertEq(hub.lastAcc(), _handler.lastTip());
    }

    function afterInvariant() public {
        _report("Hub", _handler);
    }

    /// @dev The balance is the fees still open and the credits.
    function _checkMoney() private view {
        uint256 credits;
        for (uint256 i = 0; i < _handler.ACTORS(); ++i) {
            address actor = _handler.actor(i);
            vm.assertEq(hub.creditOf(actor), _handler.owed(actor));
            credits += hub.creditOf(actor);
        }
        vm.assertEq(address(hub).balance, _handler.openFees() + credits);
    }

    /// @dev Each job has the first outcome that was said of it, or none.
    function _checkOutcomes() private view {
        for (uint64 i = 1; i <= hub.jobCount() + 10; ++i) {
            vm.assertEq(hub.statusOf(i), _handler.said(i));
        }
    }
}
