// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationConsumer} from "../../src/interfaces/IAttestationConsumer.sol";
import {IAttestationHub} from "../../src/interfaces/IAttestationHub.sol";

/// @dev The part of a hub that a requester sees, with verdicts recorded by whoever asks. Its functions have the selectors of
/// `IAttestationHub`, which a test checks.
contract MockHub {
    struct Entry {
        address escrow;
        uint64 deadline;
        uint8 status;
        uint64 recordedAt;
        bool feeSpent;
        bool delivered;
        uint128 value;
    }

    uint256 public fee;
    uint64 public challengeWindow;
    uint64 public jobCount;
    mapping(uint64 jobIndex => Entry) public entries;
    mapping(bytes32 jobId => uint64) public indexOf;
    mapping(address account => uint256) public creditOf;
    /// @dev When set, the id of every job from now on.
    bytes32 public forcedJobId;

    event VerificationRequested(
        bytes32 indexed jobId,
        uint64 indexed jobIndex,
        address indexed provider,
        address escrow,
        bytes4 kind,
        uint64 deadline,
        bytes statement
    );

    error Refused(string reason);

    constructor(uint256 fee_, uint64 challengeWindow_) {
        fee = fee_;
        challengeWindow = challengeWindow_;
    }

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
        if (msg.value < fee) revert Refused("fee");
        if (deadline <= block.timestamp || deadline > type(uint40).max) {
            revert Refused("deadline");
        }
        jobIndex = ++jobCount;
        jobId = keccak256(
            abi.encode(
                keccak256("assay/v1/JOB"),
                block.chainid,
                msg.sender,
                jobIndex,
                provider,
                kind,
                keccak256(statement),
                deadline
            )
        );
        if (forcedJobId != 0) jobId = forcedJobId;
        indexOf[jobId] = jobIndex;
        entries[jobIndex].escrow = msg.sender;
        entries[jobIndex].deadline = deadline;
        creditOf[msg.sender] += msg.value - fee;
        emit VerificationRequested(jobId, jobIndex, provider, msg.sender, kind, deadline, statement);
    }

    function refundFee(bytes32 jobId) external {
        Entry storage entry = entries[indexOf[jobId]];
        if (entry.escrow != msg.sender) revert Refused("requester");
        if (block.timestamp <= entry.deadline) revert Refused("deadline not passed");
        if (entry.feeSpent) revert Refused("fee spent");
        entry.feeSpent = true;
        creditOf[msg.sender] += fee;
    }

    function withdraw(address payable to) external {
        uint256 amount = creditOf[msg.sender];
        if (amount == 0) revert Refused("no credit");
        creditOf[msg.sender] = 0;
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert Refused("transfer");
    }

    function statusOf(uint64 jobIndex) external view returns (uint8) {
        return entries[jobIndex].status;
    }

    function settlementOf(uint64 jobIndex) external view returns (uint8 status, uint64 finalAt) {
        Entry storage entry = entries[jobIndex];
        if (entry.status == 0) return (0, 0);
        return (entry.status, entry.recordedAt + challengeWindow);
    }

    function outcomeOf(bytes32 jobId) external view returns (IAttestationHub.Report memory report) {
        Entry storage entry = entries[indexOf[jobId]];
        if (entry.escrow == address(0)) revert Refused("unknown job");
        if (entry.status == 0) return report;
        report.recorded = true;
        report.verdict = entry.status - 1;
        report.claimed = true;
        report.value = entry.value;
        report.recordedAt = entry.recordedAt;
        report.finalAt = entry.recordedAt + challengeWindow;
    }

    function deliver(bytes32 jobId) external {
        Entry storage entry = entries[indexOf[jobId]];
        if (entry.status == 0) revert Refused("no verdict");
        if (block.timestamp < entry.recordedAt + challengeWindow) {
            revert Refused("not final");
        }
        if (entry.delivered) revert Refused("delivered");
        entry.delivered = true;
        IAttestationConsumer(entry.escrow).onAttested(jobId, entry.status - 1, entry.value, bytes32(0));
    }

    /// @dev Records a verdict, once, and credits the caller with the fee as a submitter would be.
    function record(bytes32 jobId, uint8 verdict) external {
        Entry storage entry = entries[indexOf[jobId]];
        if (entry.escrow == address(0)) revert Refused("unknown job");
        if (entry.status != 0) return;
        entry.status = verdict + 1;
        entry.recordedAt = uint64(block.timestamp);
        entry.value = verdict == 0 ? 1 : 0;
        if (!entry.feeSpent) {
            entry.feeSpent = true;
            creditOf[msg.sender] += fee;
        }
    }

    /// @dev Calls `onAttested` whatever the state is, as a hub that misbehaves would.
    function push(address consumer, bytes32 jobId, uint8 verdict) external {
        IAttestationConsumer(consumer).onAttested(jobId, verdict, 0, bytes32(0));
    }

    function setForcedJobId(bytes32 jobId) external {
        forcedJobId = jobId;
    }
}
