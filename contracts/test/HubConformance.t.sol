// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationConsumer} from "../src/interfaces/IAttestationConsumer.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {ProofGate} from "../src/templates/ProofGate.sol";
import {MockAttestationHub} from "../testing/MockAttestationHub.sol";
// the example's own tests run with these
import {BountyTest} from "../testing/example/Bounty.t.sol";
import {HubBase} from "./support/HubBase.sol";
import {Vm} from "./support/Vm.sol";

/// @dev Emits what it is told, or refuses, or calls back.
contract Recorder is IAttestationConsumer {
    event Told(bytes32 jobId, uint8 verdict, uint128 value, bytes32 evidence, bool enoughGas);

    bool public refusing;

    function setRefusing(bool refusing_) external {
        refusing = refusing_;
    }

    function onAttested(bytes32 jobId, uint8 verdict, uint128 value, bytes32 evidence) external {
        // a delivery in a delivery fails on either hub
        (bool again,) = msg.sender.call(abi.encodeCall(IAttestationHub.deliver, (jobId)));
        require(!refusing && !again);
        emit Told(jobId, verdict, value, evidence, gasleft() > 200_000);
    }
}

/// @dev The mock hub of `testing/` beside the real one: the same calls by the same accounts have the same results, errors,
/// events and balances. Only a committee's part differs: a signature here, `record` or `conclude` there.
contract HubConformanceTest is HubBase {
    address private constant _ACCOUNT = address(0xacc);

    MockAttestationHub private _mock;
    Recorder private _recorder;
    bytes32[] private _jobIds;
    /// @dev Of jobs whose verdict the real hub has: the batch that brought it.
    mapping(bytes32 jobId => bytes32) private _previousAcc;
    mapping(bytes32 jobId => bytes) private _packedOf;
    mapping(bytes32 jobId => uint8) private _verdictOf;

    function setUp() public {
        _launch();
        _mock = new MockAttestationHub(FEE, WINDOW);
        _recorder = new Recorder();
    }

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_mock_anyCalls_behavesAsTheHub(uint256 seed) public {
        for (uint256 i = 0; i < 24; ++i) {
            seed = uint256(keccak256(abi.encode(seed, i)));
            uint256 action = (seed >> 8) % 9;
            if (action < 2) _requestBoth(seed);
            else if (action == 2) _warp(seed >> 16);
            else if (_jobIds.length > 0) _act(action, _jobIds[(seed >> 16) % _jobIds.length], seed >> 64);
            _compareMoney();
        }
        for (uint256 i = 0; i < _jobIds.length; ++i) {
            _compareJob(_jobIds[i]);
        }
    }

    function test_mock_wholeLifeOfAJob_behavesAsTheHub() public {
        _requestBoth(2);
        bytes32 jobId = _jobIds[0];
        _deliver(jobId, false); // not claimed
        _recordBoth(jobId, 0);
        _recordBoth(jobId, 0); // skipped
        _concludeBoth(jobId);
        _deliver(jobId, false); // not final
        _warp(WINDOW);
        _deliver(jobId, true);
        _deliver(jobId, false); // once
        _refund(jobId, false);
        _both(SUBMITTER, 0, abi.encodeCall(IAttestationHub.withdraw, (payable(address(0x70)))), true);
        _compareJob(jobId);
        _compareMoney();
    }

    function test_mock_refusedInput_failsAsTheHub() public {
        uint64 soon = uint64(block.timestamp + 1);
        _both(_ACCOUNT, FEE - 1, _requestCall("", soon), false);
        _both(_ACCOUNT, FEE, _requestCall("", uint64(block.timestamp)), false);
        _both(_ACCOUNT, FEE, _requestCall("", uint64(type(uint40).max) + 1), false);
        _both(_ACCOUNT, FEE, _requestCall(new bytes(32_769), soon), false);
        _both(_ACCOUNT, FEE, _requestCall(new bytes(32_768), soon), true);
        _both(_ACCOUNT, 0, abi.encodeCall(IAttestationHub.outcomeOf, (bytes32("none"))), false);
        _both(_ACCOUNT, 0, abi.encodeCall(IAttestationHub.deliver, (bytes32("none"))), false);
        _both(_ACCOUNT, 0, abi.encodeCall(IAttestationHub.refundFee, (bytes32("none"))), false);
        _both(_ACCOUNT, 0, abi.encodeCall(IAttestationHub.withdraw, (payable(_ACCOUNT))), false);
    }

    function test_mock_refusingOrPoorDelivery_failsAsTheHub() public {
        _requestBoth(2);
        bytes32 jobId = _jobIds[0];
        _concludeBoth(jobId);
        _warp(WINDOW);
        _recorder.setRefusing(true);
        _deliver(jobId, false);
        _recorder.setRefusing(false);
        bytes memory call = abi.encodeCall(IAttestationHub.deliver, (jobId));
        (bool real, bytes memory refusal) = address(hub).call{gas: 300_000}(call);
        (bool mock, bytes memory mockError) = address(_mock).call{gas: 300_000}(call);
        vm.assertTrue(!real && !mock && bytes4(refusal) == IAttestationHub.InsufficientGas.selector, "poor");
        vm.assertTrue(bytes4(refusal) == bytes4(mockError), "another error");
        _deliver(jobId, true);
    }

    /// @dev The consumer's side, template included: what a contract developer's test shows on the mock holds on the hub.
    function test_mock_proofGate_endsAsOnTheHub() public {
        for (uint8 verdict = 0; verdict < 4; ++verdict) {
            vm.assertEq(_admitted(hub, verdict), verdict == 0);
            vm.assertEq(_admitted(_mock, verdict), verdict == 0);
        }
    }

    function test_mock_withoutCommittee_refusesWhatNeedsOne() public {
        _requestBoth(2);
        IAttestationHub.Batch[] memory none;
        IAttestationHub.Proof memory proof;
        vm.expectRevert(IAttestationHub.NoGroupKey.selector);
        _mock.submit(1, 1, 0, none, "");
        vm.expectRevert(IAttestationHub.NoGroupKey.selector);
        _mock.announce(1, 1, 0, none, "");
        vm.expectRevert(IAttestationHub.NoGroupKey.selector);
        _mock.rotate(2, "", 1, "");
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.NotPendingMember.selector, address(this)));
        _mock.confirmGroupKey(0, 0, 1, "", "");
        vm.expectRevert(IAttestationHub.ProofInvalid.selector);
        _mock.claim(IAttestationHub.Outcome(_jobIds[0], 0, 0, 1, 0), proof);
        vm.assertEq(_mock.lastHeight(), 0);
    }

    function test_mock_contradictingVerdict_reverts() public {
        _requestBoth(2);
        _mock.record(_jobIds[0], 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.OutcomeMismatch.selector, _jobIds[0]));
        _mock.conclude(_jobIds[0], 0, 1);
        vm.expectRevert(IAttestationHub.PackedMalformed.selector);
        _mock.record(_jobIds[0], 4);
    }

    function _act(uint256 action, bytes32 jobId, uint256 random) private {
        if (action < 5) _recordBoth(jobId, uint8(random & 3));
        else if (action == 5) _concludeBoth(jobId);
        else if (action == 6) _both(_ACCOUNT, 0, abi.encodeCall(IAttestationHub.deliver, (jobId)));
        else if (action == 7) _both(_requester(random), 0, abi.encodeCall(IAttestationHub.refundFee, (jobId)));
        else _both(_requester(random), 0, abi.encodeCall(IAttestationHub.withdraw, (payable(address(0x70)))));
    }

    function _requester(uint256 random) private view returns (address) {
        return random & 1 == 0 ? address(_recorder) : random & 2 == 0 ? _ACCOUNT : SUBMITTER;
    }

    function _requestCall(bytes memory statement, uint64 deadline) private pure returns (bytes memory) {
        return abi.encodeCall(IAttestationHub.request, (PROVIDER, KIND, statement, deadline));
    }

    function _requestBoth(uint256 seed) private {
        address sender = seed & 1 == 0 ? address(_recorder) : _ACCOUNT;
        bytes memory call = _requestCall(abi.encode(seed), uint64(block.timestamp + 1 + (seed >> 128) % 3 hours));
        bytes memory result = _both(sender, FEE + (seed >> 64) % 3, call, true);
        (bytes32 jobId,) = abi.decode(result, (bytes32, uint64));
        _jobIds.push(jobId);
    }

    function _recordBoth(bytes32 jobId, uint8 verdict) private {
        _submitOutcome(jobId, verdict);
        vm.prank(SUBMITTER);
        _mock.record(jobId, verdict);
    }

    /// @dev A batch of this one outcome, kept by a checkpoint so that a claim can prove it at any time.
    function _submitOutcome(bytes32 jobId, uint8 verdict) private {
        (, uint64 index,,) = hub.jobOf(jobId);
        bytes memory packed = abi.encodePacked(index, verdict, uint16(9), uint128(7));
        if (_packedOf[jobId].length == 0) {
            (_previousAcc[jobId], _packedOf[jobId], _verdictOf[jobId]) = (tip, packed, verdict);
        }
        _submit(_one(_leaf(_outcome(jobId, verdict)), packed));
        hub.checkpoint();
    }

    /// @dev Claims the outcome that was recorded, or a Valid one.
    function _concludeBoth(bytes32 jobId) private {
        if (_packedOf[jobId].length == 0) _submitOutcome(jobId, 0);
        IAttestationHub.Outcome memory outcome = _outcome(jobId, _verdictOf[jobId]);
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = _leaf(outcome);
        IAttestationHub.Proof memory proof = _proof(_previousAcc[jobId], leaves, 0, _packedOf[jobId]);
        vm.recordLogs();
        vm.prank(SUBMITTER);
        (bool real, bytes memory refusal) = address(hub).call(abi.encodeCall(IAttestationHub.claim, (outcome, proof)));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.recordLogs();
        vm.prank(SUBMITTER);
        (bool mock, bytes memory mockError) = address(_mock)
            .call(
                abi.encodeWithSignature(
                    "conclude(bytes32,uint8,uint128,uint16,bytes32)", jobId, outcome.verdict, 7, 9, outcome.evidence
                )
            );
        Vm.Log[] memory mockLogs = vm.getRecordedLogs();
        vm.assertEq(real, mock);
        vm.assertEq(refusal, mockError);
        if (!real) return;
        // the mock may have recorded the verdict in the same call: its last event is the claim's
        _compareLog(logs[logs.length - 1], mockLogs[mockLogs.length - 1]);
    }

    function _outcome(bytes32 jobId, uint8 verdict) private pure returns (IAttestationHub.Outcome memory) {
        return IAttestationHub.Outcome(jobId, verdict, 9, 7, keccak256(abi.encode(jobId)));
    }

    function _deliver(bytes32 jobId, bool works) private {
        _both(_ACCOUNT, 0, abi.encodeCall(IAttestationHub.deliver, (jobId)), works);
    }

    function _refund(bytes32 jobId, bool works) private {
        _both(address(_recorder), 0, abi.encodeCall(IAttestationHub.refundFee, (jobId)), works);
    }

    function _warp(uint256 time) private {
        vm.warp(block.timestamp + time % 2 hours);
    }

    function _both(address sender, uint256 value, bytes memory call, bool works) private returns (bytes memory result) {
        bool ok;
        (ok, result) = _both(sender, value, call);
        vm.assertTrue(ok == works, works ? "refused" : "accepted");
    }

    /// @dev The same call to both hubs: the same success, the same return or revert data, the same events.
    function _both(address sender, uint256 value, bytes memory call) private returns (bool real, bytes memory result) {
        Vm.Log[] memory logs;
        (real, result, logs) = _call(address(hub), sender, value, call);
        (bool mock, bytes memory mockResult, Vm.Log[] memory mockLogs) = _call(address(_mock), sender, value, call);
        vm.assertEq(real, mock);
        vm.assertEq(result, mockResult);
        vm.assertEq(logs.length, mockLogs.length);
        for (uint256 i = 0; i < logs.length; ++i) {
            _compareLog(logs[i], mockLogs[i]);
        }
    }

    function _call(
        address to,
        address sender,
        uint256 value,
        bytes memory call
    )
        private
        returns (bool ok, bytes memory result, Vm.Log[] memory logs)
    {
        vm.deal(sender, value);
        vm.recordLogs();
        vm.prank(sender);
        (ok, result) = to.call{value: value}(call);
        logs = vm.getRecordedLogs();
    }

    function _compareLog(Vm.Log memory real, Vm.Log memory mock) private pure {
        vm.assertEq(abi.encode(real.topics, real.data), abi.encode(mock.topics, mock.data));
    }

    function _compareJob(bytes32 jobId) private view {
        (, uint64 index,,) = hub.jobOf(jobId);
        bytes[3] memory views = [
            abi.encodeCall(IAttestationHub.outcomeOf, (jobId)),
            abi.encodeCall(IAttestationHub.jobOf, (jobId)),
            abi.encodeCall(IAttestationHub.settlementOf, (index))
        ];
        for (uint256 i = 0; i < views.length; ++i) {
            (, bytes memory real) = address(hub).staticcall(views[i]);
            (, bytes memory mock) = address(_mock).staticcall(views[i]);
            vm.assertEq(real, mock);
        }
        vm.assertEq(hub.statusOf(index), _mock.statusOf(index));
    }

    function _compareMoney() private view {
        vm.assertEq(address(hub).balance, address(_mock).balance);
        vm.assertEq(hub.creditOf(_ACCOUNT), _mock.creditOf(_ACCOUNT));
        vm.assertEq(hub.creditOf(SUBMITTER), _mock.creditOf(SUBMITTER));
        vm.assertEq(hub.creditOf(address(_recorder)), _mock.creditOf(address(_recorder)));
    }

    function _admitted(IAttestationHub which, uint8 verdict) private returns (bool) {
        ProofGate gate = new ProofGate(which, keccak256("statement"));
        vm.deal(_ACCOUNT, FEE);
        vm.prank(_ACCOUNT);
        bytes32 jobId = gate.ask{value: FEE}(PROVIDER, "statement", uint64(block.timestamp + 1 days));
        if (address(which) == address(_mock)) {
            _mock.conclude(jobId, verdict, 7, 9, keccak256(abi.encode(jobId)));
        } else {
            _submitOutcome(jobId, verdict);
            bytes32[] memory leaves = new bytes32[](1);
            leaves[0] = _leaf(_outcome(jobId, verdict));
            hub.claim(_outcome(jobId, verdict), _proof(_previousAcc[jobId], leaves, 0, _packedOf[jobId]));
        }
        vm.warp(block.timestamp + WINDOW);
        which.deliver(jobId);
        return gate.isAdmitted(_ACCOUNT);
    }
}
