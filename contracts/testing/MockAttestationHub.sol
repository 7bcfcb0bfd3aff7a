// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IAttestationConsumer} from "../src/interfaces/IAttestationConsumer.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";

/// @title MockAttestationHub
/// @notice For tests of your own contracts: a hub that has no committee, and two functions with which a test says what a
/// committee would have. Everything else has the rules, errors and events of `AttestationHub`, and `test/HubConformance.t.sol`
/// holds one scenario against both.
///
/// `conclude` stands for `submit` and `claim`: verdict, code, value and evidence are there, and `deliver` may follow after
/// the challenge window. `record` stands for `submit` alone. What only a committee's signature can do reverts as it does on
/// a hub without a key.
///
/// Never deploy it where money is: anyone may say anything.
contract MockAttestationHub is IAttestationHub {
    struct Job {
        address escrow;
        uint64 jobIndex;
        uint64 deadline;
        bool claimed;
        bool delivered;
        uint16 code;
        uint128 value;
        bytes32 evidence;
    }

    struct Lane {
        uint8 status;
        uint64 recordedAt;
        bool feeSpent;
    }

    /// @notice `deliver` was called from within a delivery.
    error ReentrancyGuardReentrantCall();

    /// @inheritdoc IAttestationHub
    uint256 public constant DELIVERY_GAS = 300_000;
    uint256 private constant _DELIVERY_RESERVE = 10_000;
    uint256 private constant _STATEMENT_BYTES_MAX = 32_768;

    /// @inheritdoc IAttestationHub
    uint256 public immutable fee;
    /// @inheritdoc IAttestationHub
    uint64 public immutable challengeWindow;

    /// @inheritdoc IAttestationHub
    uint64 public jobCount;
    /// @inheritdoc IAttestationHub
    uint64 public lastHeight;
    /// @inheritdoc IAttestationHub
    bytes32 public lastAcc;
    /// @inheritdoc IAttestationHub
    mapping(address account => uint256) public creditOf;

    mapping(bytes32 jobId => Job) private _jobs;
    mapping(uint64 jobIndex => Lane) private _lanes;
    bool private _delivering;
    bytes32 private _kept;

    /// @param fee_ native units a job costs
    /// @param challengeWindow_ seconds from `conclude` or `record` to finality
    constructor(uint256 fee_, uint64 challengeWindow_) {
        if (challengeWindow_ > 365 days) revert ChallengeWindowTooLong(challengeWindow_);
        fee = fee_;
        challengeWindow = challengeWindow_;
    }

    // What a test says

    /// @notice Records the verdict now and stores the value, as `submit` and `claim` would. The caller is credited with the
    /// job's fee, as a submitter is.
    function conclude(bytes32 jobId, uint8 verdict, uint128 value) external {
        conclude(jobId, verdict, value, 0, 0);
    }

    /// @notice As above, with a reason code and an evidence hash. After `record` the verdict must be the recorded one.
    function conclude(bytes32 jobId, uint8 verdict, uint128 value, uint16 code, bytes32 evidence) public {
        Job storage job = _job(jobId);
        if (job.claimed) revert AlreadyClaimed(jobId);
        uint8 status = _lanes[job.jobIndex].status;
        if (verdict > 3 || (status != 0 && status != verdict + 1)) revert OutcomeMismatch(jobId);
        if (status == 0) _record(job.jobIndex, jobId, verdict);
        (job.claimed, job.code, job.value, job.evidence) = (true, code, value, evidence);
        emit OutcomeClaimed(jobId, job.jobIndex, verdict, code, value, evidence);
    }

    /// @notice Records the verdict now, and nothing else, as `submit` would: enough for who reads `settlementOf`.
    function record(bytes32 jobId, uint8 verdict) external {
        Job storage job = _job(jobId);
        if (verdict > 3) revert PackedMalformed();
        if (_lanes[job.jobIndex].status != 0) emit OutcomeSkipped(job.jobIndex, verdict);
        else _record(job.jobIndex, jobId, verdict);
    }

    // What a hub does

    /// @inheritdoc IAttestationHub
    function request(
        address provider,
        bytes4 kind,
        bytes calldata statement,
        uint64 deadline
    )
        external
        payable
        returns (bytes32 jobId, uint64 jobIndex)
    {
        if (msg.value < fee) revert FeeTooLow(msg.value, fee);
        if (deadline <= block.timestamp || deadline > type(uint40).max) revert DeadlineOutOfRange(deadline);
        if (statement.length > _STATEMENT_BYTES_MAX) revert StatementTooLong(statement.length);
        jobIndex = ++jobCount;
        jobId = jobIdOf(msg.sender, jobIndex, provider, kind, keccak256(statement), deadline);
        Job storage job = _jobs[jobId];
        (job.escrow, job.jobIndex, job.deadline) = (msg.sender, jobIndex, deadline);
        creditOf[msg.sender] += msg.value - fee;
        emit VerificationRequested(jobId, jobIndex, provider, msg.sender, kind, deadline, statement);
    }

    /// @inheritdoc IAttestationHub
    function deliver(bytes32 jobId) external {
        if (_delivering) revert ReentrancyGuardReentrantCall();
        Job storage job = _job(jobId);
        if (!job.claimed) revert NotClaimed(jobId);
        if (job.delivered) revert AlreadyDelivered(jobId);
        (uint8 status, uint64 finalAt) = settlementOf(job.jobIndex);
        if (block.timestamp < finalAt) revert NotFinal(jobId, finalAt);
        address consumer = job.escrow;
        if (consumer.code.length == 0) revert ConsumerHasNoCode(consumer);

        job.delivered = true;
        emit Delivered(jobId, consumer);
        bytes memory data =
            abi.encodeCall(IAttestationConsumer.onAttested, (jobId, status - 1, job.value, job.evidence));
        uint256 required = (DELIVERY_GAS + _DELIVERY_RESERVE) * 64 / 63;
        if (gasleft() < required) revert InsufficientGas(gasleft(), required);
        _delivering = true;
        bool ok;
        uint256 gasAmount = DELIVERY_GAS;
        assembly ("memory-safe") {
            ok := call(gasAmount, consumer, 0, add(data, 32), mload(data), 0, 0)
        }
        if (!ok) revert DeliveryFailed(jobId);
        _delivering = false;
    }

    /// @inheritdoc IAttestationHub
    function refundFee(bytes32 jobId) external {
        Job storage job = _job(jobId);
        if (job.escrow != msg.sender) revert NotRequester(jobId, msg.sender);
        if (block.timestamp <= job.deadline) revert DeadlineNotPassed(job.deadline);
        Lane storage lane = _lanes[job.jobIndex];
        if (lane.status != 0 || lane.feeSpent) revert FeeSpent(jobId);
        lane.feeSpent = true;
        creditOf[msg.sender] += fee;
        emit FeeRefunded(jobId, msg.sender, fee);
    }

    /// @inheritdoc IAttestationHub
    function withdraw(address payable to) external {
        uint256 amount = creditOf[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        creditOf[msg.sender] = 0;
        emit Withdrawn(msg.sender, to, amount);
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert TransferFailed(to);
    }

    /// @inheritdoc IAttestationHub
    function statusOf(uint64 jobIndex) external view returns (uint8) {
        return _lanes[jobIndex].status;
    }

    /// @inheritdoc IAttestationHub
    function settlementOf(uint64 jobIndex) public view returns (uint8 status, uint64 finalAt) {
        Lane storage lane = _lanes[jobIndex];
        if (lane.status == 0) return (0, 0);
        return (lane.status, lane.recordedAt + challengeWindow);
    }

    /// @inheritdoc IAttestationHub
    function outcomeOf(bytes32 jobId) external view returns (Report memory report) {
        Job storage job = _job(jobId);
        (uint8 status, uint64 finalAt) = settlementOf(job.jobIndex);
        if (status == 0) return report;
        return Report({
            recorded: true,
            verdict: status - 1,
            claimed: job.claimed,
            code: job.code,
            value: job.value,
            evidence: job.evidence,
            recordedAt: finalAt - challengeWindow,
            finalAt: finalAt
        });
    }

    /// @inheritdoc IAttestationHub
    function jobOf(bytes32 jobId)
        external
        view
        returns (address escrow, uint64 jobIndex, uint64 deadline, bool delivered)
    {
        Job storage job = _jobs[jobId];
        return (job.escrow, job.jobIndex, job.deadline, job.delivered);
    }

    /// @inheritdoc IAttestationHub
    function jobIdOf(
        address escrow,
        uint64 jobIndex,
        address provider,
        bytes4 kind,
        bytes32 statementHash,
        uint64 deadline
    )
        public
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(
                keccak256("assay/v1/JOB"), block.chainid, escrow, jobIndex, provider, kind, statementHash, deadline
            )
        );
    }

    // What needs a committee: here there is none, so that a hub without a key answers

    /// @inheritdoc IAttestationHub
    function confirmGroupKey(bytes32, uint32, uint64, bytes calldata, bytes calldata) external view {
        revert NotPendingMember(msg.sender);
    }

    /// @inheritdoc IAttestationHub
    function rotate(uint64, bytes calldata, uint64, bytes calldata) external pure {
        revert NoGroupKey();
    }

    /// @inheritdoc IAttestationHub
    function submit(uint64, uint64, bytes32, Batch[] calldata, bytes calldata) external pure {
        revert NoGroupKey();
    }

    /// @inheritdoc IAttestationHub
    function announce(uint64, uint64, bytes32, Batch[] calldata, bytes calldata) external pure {
        revert NoGroupKey();
    }

    /// @inheritdoc IAttestationHub
    function claim(Outcome calldata outcome, Proof calldata) external view {
        if (_job(outcome.jobId).claimed) revert AlreadyClaimed(outcome.jobId);
        revert ProofInvalid();
    }

    /// @inheritdoc IAttestationHub
    function checkpoint() external {
        if (lastAcc == _kept) return;
        _kept = lastAcc;
        emit Checkpointed(lastAcc);
    }

    /// @inheritdoc IAttestationHub
    function announcedAcc() external pure returns (bytes32) {
        return 0;
    }

    /// @inheritdoc IAttestationHub
    function ledgerId() external pure returns (bytes32) {
        return 0;
    }

    /// @inheritdoc IAttestationHub
    function committeeId() external pure returns (uint32) {
        return 0;
    }

    /// @inheritdoc IAttestationHub
    function epoch() external pure returns (uint64) {
        return 0;
    }

    /// @inheritdoc IAttestationHub
    function groupKey() external pure returns (bytes memory) {
        return "";
    }

    /// @inheritdoc IAttestationHub
    function registry() external pure returns (address) {
        return address(0);
    }

    /// @dev What a submitted batch of one does.
    function _record(uint64 jobIndex, bytes32 jobId, uint8 verdict) private {
        Lane storage lane = _lanes[jobIndex];
        (lane.status, lane.recordedAt) = (verdict + 1, uint64(block.timestamp));
        if (!lane.feeSpent) creditOf[msg.sender] += fee;
        lane.feeSpent = true;
        lastAcc = keccak256(abi.encode(lastAcc, jobId, verdict));
        emit Attested(++lastHeight, lastAcc);
    }

    function _job(bytes32 jobId) private view returns (Job storage job) {
        job = _jobs[jobId];
        if (job.escrow == address(0)) revert UnknownJob(jobId);
    }
}
