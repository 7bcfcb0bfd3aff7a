// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title IResourceRegistry
/// @notice Who provides resources, where to find them, and the stake they answer with.
///
/// A provider's stake is in one of three places: *free*, *locked* under a job of an escrow, or *leaving* (its withdrawal
/// was requested). An escrow locks free stake when a job is created, and later releases or slashes exactly what it
/// locked. Slashed stake becomes claimable by the injured party and by the registry's slash recipient. Nothing is pushed.
///
/// Consent: stake can be locked only by an escrow that holds `ESCROW_ROLE` *and* that the provider itself has given a
/// limit with `setEscrowLimit`. So whoever administers the registry cannot reach a provider's stake through an escrow that
/// the provider never chose. Taking the role from an escrow, or lowering its limit, stops new locks only: what is locked
/// already stays releasable and slashable by that escrow, so that every job still ends.
///
/// Assumptions:
/// - The stake token is a plain ERC-20 whose balances change by transfers alone. What arrives is credited, so a fee on
///   transfer costs the sender and nobody else; a rebasing token must not be used. A transfer out that takes more from the
///   registry than was paid reverts.
/// - Every escrow given the role slashes only by a verdict that its provider's quote agreed to.
/// - Time is `block.timestamp`; the withdrawal delay is longer than the longest challenge window (each escrow checks it for
///   its hub).
interface IResourceRegistry {
    /// @notice A provider as the registry keeps it. Amounts are units of the stake token.
    /// @param free Stake that a job may lock and that its owner may ask back.
    /// @param locked Stake under open jobs.
    /// @param leaving Stake on its way out; no job can lock it.
    /// @param leavingAt Unix seconds from which `leaving` may be withdrawn.
    /// @param registered Whether the provider has registered; never unset.
    struct Provider {
        uint128 free;
        uint128 locked;
        uint128 leaving;
        uint64 leavingAt;
        bool registered;
    }

    /// @notice `provider` registered under the DID document or endpoint `uri`.
    event ProviderRegistered(address indexed provider, string uri);
    /// @notice `provider` is found at `uri` from now on.
    event ProviderUriChanged(address indexed provider, string uri);
    /// @notice `amount` arrived as free stake of `provider`.
    event StakeIncreased(address indexed provider, uint256 amount);
    /// @notice `provider` lets `escrow` hold at most `limit` of its stake locked at one time.
    event EscrowLimitChanged(address indexed provider, address indexed escrow, uint256 limit);
    /// @notice `amount` more of `provider`'s stake is leaving; all that is leaving may go from `leavingAt`.
    event WithdrawalRequested(address indexed provider, uint256 amount, uint64 leavingAt);
    /// @notice `amount` that was leaving is free stake again.
    event WithdrawalCancelled(address indexed provider, uint256 amount);
    /// @notice `amount` of `provider`'s stake went to `to`.
    event StakeWithdrawn(address indexed provider, address indexed to, uint256 amount);
    /// @notice `escrow` locked `amount` of `provider`'s stake.
    event StakeLocked(address indexed provider, address indexed escrow, uint256 amount);
    /// @notice `escrow` gave `amount` back to `provider`'s free stake.
    event StakeReleased(address indexed provider, address indexed escrow, uint256 amount);
    /// @notice `escrow` slashed `amount` of `provider`'s stake, of which `compensation` is owed to `injured`.
    event StakeSlashed(
        address indexed provider, address indexed escrow, address indexed injured, uint256 amount, uint256 compensation
    );
    /// @notice `account` took `amount` of what slashes owed it, to `to`.
    event SlashClaimed(address indexed account, address indexed to, uint256 amount);

    /// @notice The caller has registered already.
    error AlreadyRegistered(address provider);
    /// @notice `provider` has not registered.
    error NotRegistered(address provider);
    /// @notice The URI is empty or longer than `MAX_URI_BYTES`.
    error UriLength(uint256 length);
    /// @notice An amount of zero.
    error ZeroAmount();
    /// @notice The zero address, or this contract itself, where an outside account is needed.
    error BadRecipient(address account);
    /// @notice `provider` has only `free` of free stake where `amount` is needed.
    error InsufficientStake(address provider, uint256 free, uint256 amount);
    /// @notice `escrow` would hold `locked` of `provider`'s stake, above the `limit` that the provider set.
    error EscrowLimitExceeded(address provider, address escrow, uint256 locked, uint256 limit);
    /// @notice `escrow` has only `locked` of `provider`'s stake locked where `amount` is needed.
    error InsufficientLock(address provider, address escrow, uint256 locked, uint256 amount);
    /// @notice Nothing is leaving.
    error NothingLeaving(address provider);
    /// @notice What is leaving may go from `leavingAt`, later than now.
    error StillLeaving(address provider, uint64 leavingAt);
    /// @notice Slashes owe `account` nothing.
    error NothingToClaim(address account);
    /// @notice A transfer out of `amount` took `taken` from the registry.
    error TransferTookMore(uint256 amount, uint256 taken);
    /// @notice A constructor argument out of its range.
    error BadParameter(string name);

    /// @notice Longest URI in bytes.
    function MAX_URI_BYTES() external view returns (uint256);

    /// @notice The role that lets a contract lock stake. Its admin is `DEFAULT_ADMIN_ROLE`, the registry's owner.
    function ESCROW_ROLE() external view returns (bytes32);

    /// @notice Most that an injured party may get of a slash, in ten-thousandths.
    function MAX_COMPENSATION_BPS() external view returns (uint256);

    /// @notice The ERC-20 in which providers stake.
    function stakeToken() external view returns (address);

    /// @notice Seconds between a withdrawal's request and the withdrawal.
    function withdrawalDelay() external view returns (uint64);

    /// @notice What the injured party gets of a slash, in ten-thousandths.
    function compensationBps() external view returns (uint16);

    /// @notice Who is owed the rest of a slash: a treasury, or an address that nobody can spend from.
    function slashRecipient() external view returns (address);

    /// @notice All that is known of `provider`'s stake.
    function providerOf(address provider) external view returns (Provider memory);

    /// @notice Where `provider` is found: the URI of its DID document, or its endpoint.
    function uriOf(address provider) external view returns (string memory);

    /// @notice How much of `provider`'s stake `escrow` holds locked.
    function lockedBy(address provider, address escrow) external view returns (uint256);

    /// @notice Most of `provider`'s stake that `escrow` may hold locked at one time.
    function escrowLimit(address provider, address escrow) external view returns (uint256);

    /// @notice What slashes owe `account`.
    function claimable(address account) external view returns (uint256);

    /// @notice Registers the caller as a provider.
    /// @param uri The URI of its DID document, or its endpoint.
    /// @param amount Stake to pull from the caller now; may be zero.
    function register(string calldata uri, uint256 amount) external;

    /// @notice Changes the caller's URI.
    function setUri(string calldata uri) external;

    /// @notice Sets the most of the caller's stake that `escrow` may hold locked at one time.
    function setEscrowLimit(address escrow, uint256 limit) external;

    /// @notice Pulls `amount` of the stake token from the caller; what arrives is free stake of the caller.
    function increaseStake(uint256 amount) external;

    /// @notice Starts to take `amount` of free stake out. A later request adds to what is leaving, and starts the delay for
    /// all of it again.
    function requestWithdrawal(uint256 amount) external;

    /// @notice Makes all that is leaving free stake again.
    function cancelWithdrawal() external;

    /// @notice Sends all that is leaving to `to`, once the delay has passed.
    function withdraw(address to) external returns (uint256 amount);

    /// @notice Sends what slashes owe the caller to `to`.
    function claim(address to) external returns (uint256 amount);

    /// @notice Locks `amount` of `provider`'s free stake for the calling escrow. Reverts unless the provider is registered,
    /// also for an amount of zero.
    function lock(address provider, uint256 amount) external;

    /// @notice Gives `amount` that the caller had locked back to `provider`'s free stake.
    function release(address provider, uint256 amount) external;

    /// @notice Takes `amount` that the caller had locked: `compensationBps` of it is owed to `injured`, the rest to
    /// `slashRecipient`. When the injured party is the provider itself, all of it goes to `slashRecipient`.
    function slash(address provider, uint256 amount, address injured) external;
}
