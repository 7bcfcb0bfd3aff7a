// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title IAttestationHub
/// @notice Where jobs are requested and where the committee's threshold signature settles them.
///
/// Jobs. `request` gives each job an index, counted from 1, and an id that commits to everything in it. The flat fee
/// stays here until somebody records the outcome and is credited with it, or until the requester takes it back after
/// the deadline.
///
/// Attestations. The committee signs, for each ledger height with outcomes for this hub, an accumulator over all
/// batches so far: acc = (ACC, previous acc, root, keccak256(packed), count). Two lanes follow that one chain, each
/// with its own position. `submit` records one lane of 32 bits for each job, which is all that lazy settlement needs.
/// `announce` only emits, for readers outside the chain. Neither calls anybody, and neither moves the other's position.
///
/// Details. A batch records verdicts and times. Code, value and evidence are under the batch's Merkle root and come in
/// by `claim`, when somebody needs them; `deliver` then calls the requester once.
///
/// Keys. The first group key becomes active when q = n - floor((n - 1) / 3) members of the pending committee of the
/// operator registry confirmed it. A later key needs the same confirmations of the incoming committee and `rotate`, signed
/// by the outgoing key, which is void from then on.
///
/// Assumptions. At most f of the committee's n members are faulty. The chain has the EIP-2537 precompiles; the
/// constructor checks. The committee signs only what is final on this chain: after a re-organisation deeper than
/// that, an index could name another job. Timestamps are the chain's.
interface IAttestationHub {
    /// @notice The outcomes of one ledger height.
    /// @param root Merkle root over the leaves, ascending by job index
    /// @param packed 27 bytes an outcome, strictly ascending: jobIndex u64, verdict u8, code u16, value u128, big-endian
    struct Batch {
        bytes32 root;
        bytes packed;
    }

    /// @notice One step of the accumulator: what a batch adds to the one before it.
    struct Link {
        bytes32 root;
        bytes32 packedHash;
        uint32 count;
    }

    /// @notice One outcome, as its Merkle leaf commits to it.
    struct Outcome {
        bytes32 jobId;
        uint8 verdict;
        uint16 code;
        uint128 value;
        bytes32 evidence;
    }

    /// @notice Where a leaf stands in the accumulated chain.
    /// @param position index of the leaf in its batch
    /// @param siblings Merkle path, from the leaf up
    /// @param previousAcc accumulator before the leaf's batch
    /// @param batch the leaf's batch
    /// @param later the batches after it, up to an accumulator that this hub knows
    struct Proof {
        uint32 position;
        bytes32[] siblings;
        bytes32 previousAcc;
        Link batch;
        Link[] later;
    }

    /// @notice What the hub knows of a job.
    /// @param recorded whether an outcome was recorded; everything below is 0 without it
    /// @param verdict 0 Valid, 1 Invalid, 2 Missed, 3 Inconclusive
    /// @param claimed whether code, value and evidence were claimed; they are 0 without it
    /// @param code the reason, 0 for none
    /// @param value what the kind measures
    /// @param evidence the outcome's evidence hash
    /// @param recordedAt unix seconds
    /// @param finalAt unix seconds, the end of the challenge window
    struct Report {
        bool recorded;
        uint8 verdict;
        bool claimed;
        uint16 code;
        uint128 value;
        bytes32 evidence;
        uint64 recordedAt;
        uint64 finalAt;
    }

    /// @notice A job was requested.
    event VerificationRequested(
        bytes32 indexed jobId,
        uint64 indexed jobIndex,
        address indexed provider,
        address escrow,
        bytes4 kind,
        uint64 deadline,
        bytes statement
    );

    /// @notice Operator `operator` confirmed a group key; `confirmations` of the `quorum` needed are in.
    event GroupKeyConfirmed(
        uint64 indexed epoch, address indexed operator, bytes32 keyHash, uint32 confirmations, uint32 quorum
    );

    /// @notice The key of `epoch` reached its quorum of confirmations and waits for the outgoing key's `rotate`.
    event GroupKeyReady(uint64 indexed epoch, uint32 committeeId, bytes key);

    /// @notice `key` is the group key from now on; the key of any earlier epoch is void.
    event GroupKeyActivated(uint64 indexed epoch, uint32 committeeId, bytes32 ledgerId, uint64 lastHeight, bytes key);

    /// @notice All batches up to ledger height `height` are recorded; `acc` is the accumulator after them. Their outcomes
    /// are in the transaction's calldata, less those that `OutcomeSkipped` names.
    event Attested(uint64 height, bytes32 acc);

    /// @notice An outcome was not recorded: its index was never issued, or its job already had an outcome.
    event OutcomeSkipped(uint64 indexed jobIndex, uint8 verdict);

    /// @notice A verified batch that `announce` only emits; `acc` is the accumulator after it.
    event OutcomesAnnounced(uint64 indexed height, bytes32 acc, bytes32 root, bytes packed);

    /// @notice Accumulator `acc` may end the proofs of claims for good.
    event Checkpointed(bytes32 indexed acc);

    /// @notice Code, value and evidence of a job are stored.
    event OutcomeClaimed(
        bytes32 indexed jobId, uint64 indexed jobIndex, uint8 verdict, uint16 code, uint128 value, bytes32 evidence
    );

    /// @notice The requester of the job took its outcome.
    event Delivered(bytes32 indexed jobId, address indexed consumer);

    /// @notice The requester took back the fee of a job that had no outcome by its deadline.
    event FeeRefunded(bytes32 indexed jobId, address indexed escrow, uint256 amount);

    /// @notice `account` moved its credit to `to`.
    event Withdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice The chain has no working EIP-2537 precompile at `precompile`.
    error PrecompileMissing(address precompile);
    /// @notice The challenge window is longer than a year.
    error ChallengeWindowTooLong(uint64 window);
    /// @notice The native value sent is below the fee.
    error FeeTooLow(uint256 sent, uint256 fee);
    /// @notice The deadline has passed, or lies beyond what fits 40 bits.
    error DeadlineOutOfRange(uint64 deadline);
    /// @notice The statement is longer than 32,768 bytes.
    error StatementTooLong(uint256 length);
    /// @notice No group key is active yet.
    error NoGroupKey();
    /// @notice The epoch is not the one expected here; an ended epoch's key is void.
    error WrongEpoch(uint64 given, uint64 expected);
    /// @notice The ledger or committee id differs from the active key's.
    error WrongLedger(bytes32 ledgerId, uint32 committeeId);
    /// @notice The sender is not a member of the pending committee.
    error NotPendingMember(address sender);
    /// @notice The key is not 256 bytes, or is the point at infinity.
    error GroupKeyInvalid();
    /// @notice The key has no quorum of confirmations.
    error GroupKeyNotConfirmed(bytes32 keyHash);
    /// @notice The signature does not verify, or a point is malformed, off curve or outside the subgroup.
    error SignatureInvalid();
    /// @notice This height, or a later one, is already settled.
    error StaleHeight(uint64 given, uint64 last);
    /// @notice The height lies beyond what fits 48 bits.
    error HeightOutOfRange(uint64 height);
    /// @notice The 34 years that recording times can count are over.
    error ClockExhausted();
    /// @notice Packed outcomes are empty, not a multiple of 27 bytes, not strictly ascending, or name a verdict above 3.
    error PackedMalformed();
    /// @notice No job with this id was requested here.
    error UnknownJob(bytes32 jobId);
    /// @notice The outcome given contradicts the recorded verdict.
    error OutcomeMismatch(bytes32 jobId);
    /// @notice The Merkle path or the chain of accumulators leads to nothing this hub knows.
    error ProofInvalid();
    /// @notice Code, value and evidence of the job are already stored.
    error AlreadyClaimed(bytes32 jobId);
    /// @notice Code, value and evidence of the job are not stored yet.
    error NotClaimed(bytes32 jobId);
    /// @notice The challenge window is still open.
    error NotFinal(bytes32 jobId, uint64 finalAt);
    /// @notice The requester already took the outcome.
    error AlreadyDelivered(bytes32 jobId);
    /// @notice The requester is not a contract.
    error ConsumerHasNoCode(address consumer);
    /// @notice Too little gas is left to give the consumer its full amount.
    error InsufficientGas(uint256 available, uint256 required);
    /// @notice The requester's `onAttested` failed.
    error DeliveryFailed(bytes32 jobId);
    /// @notice The sender did not request this job.
    error NotRequester(bytes32 jobId, address sender);
    /// @notice The deadline has not passed yet.
    error DeadlineNotPassed(uint64 deadline);
    /// @notice The fee was already credited or taken back.
    error FeeSpent(bytes32 jobId);
    /// @notice The sender has no credit.
    error NothingToWithdraw(address account);
    /// @notice The recipient refused the transfer.
    error TransferFailed(address to);

    /// @notice Requests a verification. The sender is the job's escrow: it is part of the job's id, and `deliver` calls it.
    /// @param provider who must answer
    /// @param kind selector of the proof kind, `bytes4(keccak256("groth16-bn254"))` for example
    /// @param statement what is to be proven, in the kind's encoding, at most 32,768 bytes
    /// @param deadline unix seconds after which the escrow may expire the job
    /// @return jobId commits to chain, escrow, index, provider, kind, statement and deadline
    /// @return jobIndex this hub's own counter, from 1
    /// @dev At least `fee` must be sent; what is above is credited to the sender.
    function request(
        address provider,
        bytes4 kind,
        bytes calldata statement,
        uint64 deadline
    )
        external
        payable
        returns (bytes32 jobId, uint64 jobIndex);

    /// @notice Confirms a group key, from an operator address of the pending committee.
    /// @param ledgerId the ledger; the first key fixes it for good
    /// @param committeeId the committee
    /// @param epoch the key's epoch; the first key may start at any, later ones follow one by one
    /// @param key EIP-2537 G2, 256 bytes
    /// @param pop signature by the key itself over KEYPOP, EIP-2537 G1, 128 bytes
    /// @dev Freezes the registry's pending committee if there is none. An operator stands behind one key at a time; its last
    /// confirmation counts. The confirmation that makes the quorum pays for checking `pop`; the first key is active at
    /// once, a later one waits for `rotate`.
    function confirmGroupKey(
        bytes32 ledgerId,
        uint32 committeeId,
        uint64 epoch,
        bytes calldata key,
        bytes calldata pop
    )
        external;

    /// @notice Ends the current epoch. Anyone may send it.
    /// @param nextEpoch current epoch + 1
    /// @param newKey the confirmed key of the incoming committee
    /// @param lastHeight last ledger height of the epoch that ends; heights not submitted are attested again by `newKey`
    /// @param signature by the outgoing key over ROTATE
    function rotate(uint64 nextEpoch, bytes calldata newKey, uint64 lastHeight, bytes calldata signature) external;

    /// @notice Verifies one signature over all batches since `lastAcc` and records their outcomes. Anyone may send it; the
    /// sender is credited with the fee of each job that got its outcome by it.
    /// @param epoch current epoch
    /// @param height ledger height of the last batch
    /// @param blockId ledger block at `height`
    /// @param batches every batch after `lastAcc`, in order
    /// @param signature by the group key over ATTEST, EIP-2537 G1, 128 bytes
    /// @dev An index that was never issued, or whose job has an outcome, is skipped with an event, so that nothing can
    /// block what follows. A malformed `packed` reverts: no honest committee signs one.
    function submit(
        uint64 epoch,
        uint64 height,
        bytes32 blockId,
        Batch[] calldata batches,
        bytes calldata signature
    )
        external;

    /// @notice Verifies one signature over all batches since `announcedAcc` and only emits them. Records nothing, pays
    /// nothing, and leaves `submit` as it was.
    function announce(
        uint64 epoch,
        uint64 height,
        bytes32 blockId,
        Batch[] calldata batches,
        bytes calldata signature
    )
        external;

    /// @notice Keeps the present accumulators for ever as ends of claims' proofs, so that `later` never grows long.
    function checkpoint() external;

    /// @notice Stores code, value and evidence of a job by Merkle proof. Records the verdict, and credits the sender with
    /// the job's fee, if `submit` did not bring it yet.
    function claim(Outcome calldata outcome, Proof calldata proof) external;

    /// @notice Calls `onAttested` of the job's requester, once, with `DELIVERY_GAS` gas. Anyone may send it, after
    /// `claim` and `finalAt`. Reverts if the call fails, and may then be tried again.
    function deliver(bytes32 jobId) external;

    /// @notice Credits the requester with the fee of a job that has no outcome after its deadline. Only the requester.
    function refundFee(bytes32 jobId) external;

    /// @notice Sends the sender's whole credit to `to`.
    function withdraw(address payable to) external;

    /// @notice 0 if the job has no recorded outcome, else 1 + verdict.
    function statusOf(uint64 jobIndex) external view returns (uint8);

    /// @notice Verdict and time of a job by its index: `status` as `statusOf`, `finalAt` in unix seconds (0 without outcome).
    function settlementOf(uint64 jobIndex) external view returns (uint8 status, uint64 finalAt);

    /// @notice All that is known of a job. Reverts for a job that was never requested here.
    function outcomeOf(bytes32 jobId) external view returns (Report memory);

    /// @notice Requester, index and deadline of a job, and whether its outcome was delivered. Zero for an unknown id.
    function jobOf(bytes32 jobId)
        external
        view
        returns (address escrow, uint64 jobIndex, uint64 deadline, bool delivered);

    /// @notice The id that a job has or would have.
    function jobIdOf(
        address escrow,
        uint64 jobIndex,
        address provider,
        bytes4 kind,
        bytes32 statementHash,
        uint64 deadline
    )
        external
        view
        returns (bytes32);

    /// @notice Jobs requested so far; the next gets index `jobCount() + 1`.
    function jobCount() external view returns (uint64);

    /// @notice Accumulator up to which outcomes are recorded.
    function lastAcc() external view returns (bytes32);

    /// @notice Ledger height up to which outcomes are recorded.
    function lastHeight() external view returns (uint64);

    /// @notice Accumulator up to which outcomes are announced.
    function announcedAcc() external view returns (bytes32);

    /// @notice The ledger whose committee signs here; 0 before the first key.
    function ledgerId() external view returns (bytes32);

    /// @notice The active committee; 0 before the first key.
    function committeeId() external view returns (uint32);

    /// @notice The active epoch; 0 before the first key.
    function epoch() external view returns (uint64);

    /// @notice The active group key, EIP-2537 G2, 256 bytes; empty before the first key.
    function groupKey() external view returns (bytes memory);

    /// @notice Native units a job costs.
    function fee() external view returns (uint256);

    /// @notice Seconds from recording to `finalAt`.
    function challengeWindow() external view returns (uint64);

    /// @notice The registry of operators.
    function registry() external view returns (address);

    /// @notice Native units owed to `account`.
    function creditOf(address account) external view returns (uint256);

    /// @notice Gas that a consumer's `onAttested` gets, no more and no less.
    function DELIVERY_GAS() external view returns (uint256);
}
