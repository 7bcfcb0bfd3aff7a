// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AttestationHub} from "../src/AttestationHub.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {Bls12381} from "./AnySignature.sol";
import {Symbolic} from "./Symbolic.sol";

/// @dev A registry of one pending committee of four, all of whom confirm.
contract Committee {
    function pending() external pure returns (uint64 generation, uint32 size) {
        return (1, 4);
    }

    function isPendingMember(address) external pure returns (bool) {
        return true;
    }

    function activateCommittee() external {}

    function members() external pure returns (address[] memory) {
        return new address[](0);
    }
}

/// @dev The hub's fees: three jobs, whatever a committee signs, for every time, value and caller.
contract AttestationHubSymbolicTest is Symbolic {
    address private constant _CONSUMER = address(0xc0);
    address private constant _SUBMITTER = address(0x50b);
    uint256 private constant _FEE = 1000;
    uint64 private constant _DEADLINE = uint64(START + 1 days);

    AttestationHub private _hub;
    bytes32[] private _jobIds;
    uint64 private _height;

    function setUp() public {
        vm.warp(START);
        // in the hub too: this build is the one whose signatures always hold
        assert(Bls12381.missingPrecompile() == address(0));
        _hub = new AttestationHub(IOperatorRegistry(address(new Committee())), _FEE, 1 hours);
        bytes memory key = bytes.concat(bytes32(uint256(1)), new bytes(224));
        for (uint160 i = 1; i < 4; ++i) {
            vm.prank(address(i));
            _hub.confirmGroupKey(keccak256("ledger"), 0, 1, key, new bytes(128));
        }
        vm.deal(_CONSUMER, 10 * _FEE);
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(_CONSUMER);
            (bytes32 jobId,) = _hub.request{value: _FEE}(address(9), 0x01020304, abi.encode(i), _DEADLINE);
            _jobIds.push(jobId);
        }
    }

    /// @dev A request takes the fee and credits the rest; the deadline lies ahead.
    function check_request_takesTheFee(uint96 value, uint64 deadline, uint64 time, address caller) public {
        vm.assume(caller != address(_hub));
        vm.warp(time);
        vm.deal(caller, value);
        bytes memory call =
            abi.encodeCall(IAttestationHub.request, (address(9), 0x01020304, bytes("statement"), deadline));
        vm.assume(_call(caller, address(_hub), value, call));
        assert(value >= _FEE && deadline > time);
        assert(_hub.creditOf(caller) == value - _FEE);
        assert(address(_hub).balance == 3 * _FEE + value);
    }

    /// @dev Whatever a committee signs, twice, in whatever order: each fee is credited once, and no outcome changes.
    function check_submit_creditsEachFeeOnce(uint8 first, uint8 second, uint8 verdict) public {
        vm.assume(first >= 1 && first <= 4 && second >= 1 && second <= 4 && verdict <= 3);
        (first, second) = (_concrete(first), _concrete(second));
        _submit(first, 0);
        uint8 status = _hub.statusOf(first);
        assert(status == (first <= 3 ? 1 : 0));
        assert(_hub.creditOf(_SUBMITTER) == (first <= 3 ? _FEE : 0));
        _submit(second, verdict);
        assert(_hub.statusOf(first) == status);
        uint256 recorded = (first <= 3 ? 1 : 0) + (second <= 3 && second != first ? 1 : 0);
        assert(_hub.creditOf(_SUBMITTER) == recorded * _FEE);
    }

    /// @dev A fee goes back only to who paid it, after the deadline, and only if no outcome took it.
    function check_refundFee_orSubmit(bool refundFirst, uint64 time, address caller) public {
        vm.warp(time);
        bytes memory call = abi.encodeCall(IAttestationHub.refundFee, (_jobIds[0]));
        if (!refundFirst) _submit(1, 0);
        bool refunded = _call(caller, address(_hub), 0, call);
        if (refundFirst) _submit(1, 0);
        if (refunded) assert(caller == _CONSUMER && time > _DEADLINE && refundFirst);
        assert(_hub.creditOf(_CONSUMER) + _hub.creditOf(_SUBMITTER) == _FEE);
        assert(!_call(caller, address(_hub), 0, call));
    }

    /// @dev A credit goes to its owner's choice, once, and leaves the others' alone.
    function check_withdraw_ownCreditOnce(address caller, address other) public {
        _submit(2, 0);
        vm.warp(_DEADLINE + 1);
        vm.prank(_CONSUMER);
        _hub.refundFee(_jobIds[0]);
        vm.assume(other != caller);
        uint256 mine = _hub.creditOf(caller);
        uint256 others = _hub.creditOf(other);
        bytes memory call = abi.encodeCall(IAttestationHub.withdraw, (payable(address(0x70))));
        vm.assume(_call(caller, address(_hub), 0, call));
        assert(mine == _FEE && (caller == _CONSUMER || caller == _SUBMITTER));
        assert(address(0x70).balance == mine && _hub.creditOf(other) == others);
        assert(!_call(caller, address(_hub), 0, call));
        assert(address(_hub).balance == 2 * _FEE);
    }

    /// @dev The same number, one path for each: a slot that is computed from it must be known.
    function _concrete(uint8 index) private pure returns (uint8) {
        for (uint8 i = 1; i < 4; ++i) {
            if (index == i) return i;
        }
        return 4;
    }

    /// @dev A batch of one outcome by the submitter.
    function _submit(uint256 index, uint8 verdict) private {
        IAttestationHub.Batch[] memory batches = new IAttestationHub.Batch[](1);
        batches[0] =
            IAttestationHub.Batch(bytes32("root"), abi.encodePacked(uint64(index), verdict, uint16(0), uint128(1)));
        vm.prank(_SUBMITTER);
        _hub.submit(1, ++_height, bytes32("block"), batches, new bytes(128));
    }
}
