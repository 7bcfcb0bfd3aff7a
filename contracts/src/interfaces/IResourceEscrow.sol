// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title IResourceEscrow
/// @notice Holds a consumer's payment for one job until the network's verdict is final, then owes it to whom the verdict
/// names. Immutable; there is no owner, no pause and no upgrade.
///
/// A job starts from a *quote* that its provider signed (EIP-712): without one no stake is at risk. Its life:
///
///     None → Requested → Verifying → Completed | Failed | Inconclusive
///                  └──────────────→ Expired
///
/// - `Requested`: paid for, and the hub has no verdict.
/// - `Verifying`: the hub recorded a verdict, and its challenge window is still open. Read from the hub, not stored.
/// - `Completed`: final `Valid`. The provider is owed the price less the protocol fee; its stake is released.
/// - `Failed`: final `Invalid` or `Missed`. The consumer is owed the price; the stake at risk is slashed, all of it for
///   `Invalid`, `missedSlashBps` of it for `Missed`.
/// - `Inconclusive`: the consumer is owed the price; the stake is released.
/// - `Expired`: the deadline passed and the hub had no verdict. The consumer is owed the price; the stake is released. A
///   verdict that comes later changes nothing.
/// - `Disputed`: reserved for a dispute that holds a job back; no path here leads to it. A verdict that is overturned inside
///   its window already counts, since the hub is read only once the window is over.
///
/// Stake is locked in the `ResourceRegistry` when the job is created, and stays there until the job ends, so through the
/// whole challenge window; only then is it released or slashed. The registry splits a slash between consumer and slash
/// recipient.
///
/// The hub's fee, in the chain's native currency, goes to the hub with the request. The hub keeps it for whoever records the
/// verdict, and gives it back for a job without one: `expire` takes it back and owes it to the consumer. Native currency is
/// on the books under the token `address(0)`.
///
/// Nothing is pushed: what the escrow owes is taken with `withdraw`. Anyone may call `settle` and `expire`.
///
/// Assumptions:
/// - Any ERC-20 may be a job's token, at the risk of that job's own parties. What arrives is credited, so a fee on transfer
///   is paid by the consumer, who sends more than the price. A token whose balances change otherwise than by transfers
///   (rebasing) must not be used: those who hold claims in it would share the loss. A transfer out that takes more from the
///   escrow than was paid reverts. No token can touch what is owed in another.
/// - The hub records at most one verdict a job, never changes it once `finalAt` has passed, and answers reads.
/// - The provider is an externally owned account: the key that signs quotes also signs responses.
/// - Time is `block.timestamp`; `minimumDuration` covers the chain's finality, every phase of the protocol, and an hour.
interface IResourceEscrow {
    /// @notice Where a job is in its life; see above.
    enum State {
        None,
        Requested,
        Verifying,
        Completed,
        Failed,
        Inconclusive,
        Expired,
        Disputed
    }

    /// @notice What a provider offers, signed over the domain ("Assay ResourceEscrow", "1", chain id, this contract).
    /// @param provider Who provides and signs.
    /// @param consumer Who may take the offer; zero for anyone.
    /// @param kind Selector of the proof kind.
    /// @param statementHash keccak256 of the statement that the proof must show.
    /// @param token The ERC-20 in which the price is paid.
    /// @param price What the consumer pays, in the token's units, at most 2^128 - 1.
    /// @param stakeAtRisk The provider's stake locked for the job, in the stake token's units, at most 2^128 - 1.
    /// @param validUntil Last second, in unix time, at which the offer may be taken.
    /// @param deadline Unix seconds after which the job may expire; the hub's deadline.
    /// @param nonce Used at most once by this provider, in any order.
    struct Quote {
        address provider;
        address consumer;
        bytes4 kind;
        bytes32 statementHash;
        address token;
        uint256 price;
        uint256 stakeAtRisk;
        uint64 validUntil;
        uint64 deadline;
        uint256 nonce;
    }

    /// @notice A job as the escrow keeps it. `state` is as stored: `Requested` until the job ends.
    struct Job {
        address provider;
        uint64 deadline;
        State state;
        address consumer;
        uint64 jobIndex;
        address token;
        uint96 hubFee;
        uint128 price;
        uint128 stakeAtRisk;
    }

    /// @notice `consumer` took `provider`'s quote; `price` of `token` is held and `stakeAtRisk` is locked.
    event JobCreated(
        bytes32 indexed jobId,
        address indexed consumer,
        address indexed provider,
        uint64 jobIndex,
        address token,
        uint256 price,
        uint256 stakeAtRisk,
        uint64 deadline,
        uint256 nonce
    );
    /// @notice A final verdict ended the job: `toProvider`, `toConsumer` and `fee` add up to its price.
    event JobSettled(
        bytes32 indexed jobId,
        State state,
        uint8 verdict,
        uint256 toProvider,
        uint256 toConsumer,
        uint256 fee,
        uint256 slashed
    );
    /// @notice The job ended without a verdict; `refund` of its token and `feeRefund` in native currency are owed to its
    /// consumer.
    event JobExpired(bytes32 indexed jobId, uint256 refund, uint256 feeRefund);
    /// @notice `provider` withdrew its quotes with `nonce`.
    event QuoteCancelled(address indexed provider, uint256 nonce);
    /// @notice `account` took `amount` of `token` (zero address: native currency), to `to`.
    event Withdrawn(address indexed account, address indexed token, address indexed to, uint256 amount);

    /// @notice The quote's time to be taken ended at `validUntil`.
    error QuoteExpired(uint64 validUntil);
    /// @notice The quote is for `consumer`, not for the caller.
    error QuoteNotForCaller(address consumer, address caller);
    /// @notice The statement's hash is `actual`, not the quote's.
    error StatementMismatch(bytes32 expected, bytes32 actual);
    /// @notice `signer` signed the quote, not its provider.
    error BadQuoteSignature(address signer, address provider);
    /// @notice The provider's `nonce` was used or cancelled.
    error NonceUsed(address provider, uint256 nonce);
    /// @notice The deadline comes before `earliest`, now plus `minimumDuration`.
    error DeadlineTooSoon(uint64 deadline, uint256 earliest);
    /// @notice A price of zero.
    error ZeroPrice();
    /// @notice Only `arrived` reached the escrow where the price is `price`.
    error InsufficientDeposit(uint256 arrived, uint256 price);
    /// @notice The native currency sent is `sent`, not the hub's `fee`.
    error WrongFee(uint256 sent, uint256 fee);
    /// @notice The hub named a job that exists.
    error JobExists(bytes32 jobId);
    /// @notice No such job.
    error UnknownJob(bytes32 jobId);
    /// @notice The job has ended.
    error JobEnded(bytes32 jobId, State state);
    /// @notice The hub has no verdict for the job.
    error NoVerdict(bytes32 jobId);
    /// @notice The hub has a verdict for the job: settle it.
    error VerdictRecorded(bytes32 jobId);
    /// @notice The verdict is final only at `finalAt`, unix seconds.
    error NotFinal(bytes32 jobId, uint64 finalAt);
    /// @notice The deadline has not passed.
    error NotExpired(bytes32 jobId, uint64 deadline);
    /// @notice The caller is not the hub.
    error NotHub(address caller);
    /// @notice The escrow owes `account` nothing in `token`.
    error NothingOwed(address account, address token);
    /// @notice The zero address, or this contract itself, where an outside account is needed.
    error BadRecipient(address account);
    /// @notice A transfer out of `amount` took `taken` from the escrow.
    error TransferTookMore(uint256 amount, uint256 taken);
    /// @notice A constructor argument out of its range.
    error BadParameter(string name);

    /// @notice Highest protocol fee that an escrow can be deployed with, in ten-thousandths.
    function MAX_FEE_BPS() external view returns (uint256);

    /// @notice The EIP-712 type hash of `Quote`.
    function QUOTE_TYPEHASH() external view returns (bytes32);

    /// @notice The hub that verifies jobs.
    function hub() external view returns (address);

    /// @notice The registry that holds providers' stake.
    function registry() external view returns (address);

    /// @notice Who is owed protocol fees.
    function feeRecipient() external view returns (address);

    /// @notice The protocol's part of the price of a completed job, in ten-thousandths.
    function feeBps() external view returns (uint16);

    /// @notice The part of the stake at risk that a `Missed` job costs, in ten-thousandths.
    function missedSlashBps() external view returns (uint16);

    /// @notice Least seconds between a job's creation and its deadline: finality, all phases, and an hour of grace.
    function minimumDuration() external view returns (uint64);

    /// @notice What the escrow owes `account` in `token`, or in native currency for the zero address.
    function owed(address token, address account) external view returns (uint256);

    /// @notice The job as stored; `hubFee` is the native currency that went to the hub for it.
    function jobOf(bytes32 jobId) external view returns (Job memory);

    /// @notice The job's state now, with `Verifying` read from the hub.
    function stateOf(bytes32 jobId) external view returns (State);

    /// @notice Whether the provider's `nonce` was used or cancelled.
    function isNonceUsed(address provider, uint256 nonce) external view returns (bool);

    /// @notice The digest that a provider signs for `quote`.
    function quoteDigest(Quote calldata quote) external view returns (bytes32);

    /// @notice Takes a quote: pulls the price, locks the stake, and asks the hub for a verification.
    /// @param quote The provider's offer.
    /// @param signature 65 bytes r ‖ s ‖ v over `quoteDigest`, low s.
    /// @param statement The statement itself; its hash is in the quote.
    /// @param amount What to pull from the caller: the price, or more for a token that takes a fee. What arrives above the
    /// price is owed back to the caller.
    /// @return jobId The hub's id of the job. `msg.value` must be the hub's fee exactly.
    function createJob(
        Quote calldata quote,
        bytes calldata signature,
        bytes calldata statement,
        uint256 amount
    )
        external
        payable
        returns (bytes32 jobId);

    /// @notice Makes `nonce` of the caller unusable.
    function cancelQuote(uint256 nonce) external;

    /// @notice Ends a job by its final verdict.
    function settle(bytes32 jobId) external;

    /// @notice Ends a job whose deadline has passed without a verdict, and takes the hub's fee back for its consumer.
    function expire(bytes32 jobId) external;

    /// @notice Sends all that the escrow owes the caller in `token` (zero address: native currency) to `to`.
    function withdraw(address token, address to) external returns (uint256 amount);
}
