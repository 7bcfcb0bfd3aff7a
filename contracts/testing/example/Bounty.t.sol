// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationHub} from "../../src/interfaces/IAttestationHub.sol";
import {MockAttestationHub} from "../MockAttestationHub.sol";
import {Bounty} from "./Bounty.sol";

/// @dev The cheatcodes used here; with forge-std, derive from its `Test` instead.
interface Vm {
    function deal(address account, uint256 balance) external;
    function expectPartialRevert(bytes4 selector) external;
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
}

contract BountyTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    MockAttestationHub private _hub;
    Bounty private _bounty;
    address private _hunter = address(0x40);

    function setUp() public {
        _hub = new MockAttestationHub(1 gwei, 1 hours);
        _bounty = new Bounty{value: 1 ether}(_hub, keccak256("statement"));
    }

    function test_bounty_validProof_paysOnce() public {
        bytes32 first = _hunt();
        bytes32 second = _hunt();
        _hub.conclude(first, 0, 1); // 0 Valid, 1 Invalid, 2 Missed, 3 Inconclusive
        _hub.conclude(second, 0, 1);
        vm.warp(block.timestamp + _hub.challengeWindow());
        _hub.deliver(first);
        _hub.deliver(second);
        require(_bounty.earned(_hunter) == 1 ether, "not the prize");

        vm.prank(_hunter);
        _bounty.collect();
        require(_hunter.balance == 1 ether, "not paid");
    }

    function test_bounty_anyOtherVerdict_paysNobody() public {
        for (uint8 verdict = 1; verdict < 4; ++verdict) {
            bytes32 jobId = _hunt();
            _hub.conclude(jobId, verdict, 0);
            vm.warp(block.timestamp + _hub.challengeWindow());
            _hub.deliver(jobId);
        }
        require(_bounty.earned(_hunter) == 0 && _bounty.prize() == 1 ether, "paid");
    }

    function test_bounty_deliveredBeforeFinal_reverts() public {
        bytes32 jobId = _hunt();
        _hub.conclude(jobId, 0, 1);
        vm.expectPartialRevert(IAttestationHub.NotFinal.selector);
        _hub.deliver(jobId);
    }

    function test_bounty_noVerdict_feeComesBack() public {
        bytes32 jobId = _hunt();
        vm.warp(block.timestamp + 2 days);
        vm.prank(_hunter);
        _bounty.takeFeeBack(jobId, payable(address(0x70)));
        require(address(0x70).balance == 1 gwei, "no fee");
    }

    function _hunt() private returns (bytes32) {
        vm.deal(_hunter, 1 gwei);
        vm.prank(_hunter);
        return _bounty.hunt{value: 1 gwei}("statement", uint64(block.timestamp + 1 days));
    }
}
