// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IResourceRegistry} from "./interfaces/IResourceRegistry.sol";

/// @title ResourceRegistry
/// @notice Providers and their stake. See `IResourceRegistry` for the manual.
contract ResourceRegistry is IResourceRegistry, AccessControl, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @inheritdoc IResourceRegistry
    bytes32 public constant ESCROW_ROLE = keccak256("ESCROW_ROLE");
    /// @inheritdoc IResourceRegistry
    uint256 public constant MAX_COMPENSATION_BPS = 5000;
    /// @inheritdoc IResourceRegistry
    uint256 public constant MAX_URI_BYTES = 512;
    uint256 private constant BPS = 10_000;

    IERC20 private immutable _token;
    /// @inheritdoc IResourceRegistry
    uint64 public immutable withdrawalDelay;
    /// @inheritdoc IResourceRegistry
    uint16 public immutable compensationBps;
    /// @inheritdoc IResourceRegistry
    address public immutable slashRecipient;

    mapping(address provider => Provider) private _providers;
    mapping(address provider => string) private _uris;
    /// @inheritdoc IResourceRegistry
    mapping(address provider => mapping(address escrow => uint256)) public escrowLimit;
    /// @inheritdoc IResourceRegistry
    mapping(address provider => mapping(address escrow => uint256)) public lockedBy;
    /// @inheritdoc IResourceRegistry
    mapping(address account => uint256) public claimable;

    /// @param admin Owner of the registry, who gives and takes `ESCROW_ROLE`.
    /// @param token The stake token.
    /// @param withdrawalDelay_ Seconds between request and withdrawal; longer than every hub's challenge window.
    /// @param compensationBps_ Part of a slash owed to the injured party, at most `MAX_COMPENSATION_BPS`.
    /// @param slashRecipient_ Who is owed the rest of a slash.
    constructor(
        address admin,
        IERC20 token,
        uint64 withdrawalDelay_,
        uint16 compensationBps_,
        address slashRecipient_
    ) {
        if (admin == address(0)) revert BadParameter("admin");
        if (address(token).code.length == 0) revert BadParameter("token");
        if (withdrawalDelay_ == 0 || withdrawalDelay_ > 365 days) revert BadParameter("withdrawalDelay");
        if (compensationBps_ > MAX_COMPENSATION_BPS) revert BadParameter("compensationBps");
        if (slashRecipient_ == address(0) || slashRecipient_ == address(this)) revert BadParameter("slashRecipient");
        _token = token;
        withdrawalDelay = withdrawalDelay_;
        compensationBps = compensationBps_;
        slashRecipient = slashRecipient_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// @inheritdoc IResourceRegistry
    function register(string calldata uri, uint256 amount) external nonReentrant {
        Provider storage provider = _providers[msg.sender];
        if (provider.registered) revert AlreadyRegistered(msg.sender);
        provider.registered = true;
        _setUri(uri);
        emit ProviderRegistered(msg.sender, uri);
        if (amount > 0) _stakeIn(provider, amount);
    }

    /// @inheritdoc IResourceRegistry
    function setUri(string calldata uri) external {
        _registered(msg.sender);
        _setUri(uri);
        emit ProviderUriChanged(msg.sender, uri);
    }

    /// @inheritdoc IResourceRegistry
    function setEscrowLimit(address escrow, uint256 limit) external {
        escrowLimit[msg.sender][escrow] = limit;
        emit EscrowLimitChanged(msg.sender, escrow, limit);
    }

    /// @inheritdoc IResourceRegistry
    function increaseStake(uint256 amount) external nonReentrant {
        Provider storage provider = _registered(msg.sender);
        if (amount == 0) revert ZeroAmount();
        _stakeIn(provider, amount);
    }

    /// @inheritdoc IResourceRegistry
    function requestWithdrawal(uint256 amount) external nonReentrant {
        Provider storage provider = _registered(msg.sender);
        if (amount == 0) revert ZeroAmount();
        _takeFree(provider, msg.sender, amount);
        uint64 leavingAt = (block.timestamp + withdrawalDelay).toUint64();
        provider.leaving += amount.toUint128();
        provider.leavingAt = leavingAt;
        emit WithdrawalRequested(msg.sender, amount, leavingAt);
    }

    /// @inheritdoc IResourceRegistry
    function cancelWithdrawal() external nonReentrant {
        Provider storage provider = _providers[msg.sender];
        uint128 amount = _takeLeaving(provider);
        provider.free += amount;
        emit WithdrawalCancelled(msg.sender, amount);
    }

    /// @inheritdoc IResourceRegistry
    function withdraw(address to) external nonReentrant returns (uint256 amount) {
        Provider storage provider = _providers[msg.sender];
        uint64 leavingAt = provider.leavingAt;
        if (block.timestamp < leavingAt) revert StillLeaving(msg.sender, leavingAt);
        amount = _takeLeaving(provider);
        emit StakeWithdrawn(msg.sender, to, amount);
        _send(to, amount);
    }

    /// @inheritdoc IResourceRegistry
    function claim(address to) external nonReentrant returns (uint256 amount) {
        amount = claimable[msg.sender];
        if (amount == 0) revert NothingToClaim(msg.sender);
        claimable[msg.sender] = 0;
        emit SlashClaimed(msg.sender, to, amount);
        _send(to, amount);
    }

    /// @inheritdoc IResourceRegistry
    function lock(address provider, uint256 amount) external nonReentrant onlyRole(ESCROW_ROLE) {
        Provider storage account = _registered(provider);
        if (amount == 0) return;
        uint256 held = lockedBy[provider][msg.sender] + amount;
        uint256 limit = escrowLimit[provider][msg.sender];
        if (held > limit) revert EscrowLimitExceeded(provider, msg.sender, held, limit);
        _takeFree(account, provider, amount);
        lockedBy[provider][msg.sender] = held;
        account.locked += amount.toUint128();
        emit StakeLocked(provider, msg.sender, amount);
    }

    /// @inheritdoc IResourceRegistry
    function release(address provider, uint256 amount) external nonReentrant {
        if (amount == 0) return;
        Provider storage account = _providers[provider];
        _takeLocked(account, provider, amount);
        account.free += amount.toUint128();
        emit StakeReleased(provider, msg.sender, amount);
    }

    /// @inheritdoc IResourceRegistry
    function slash(address provider, uint256 amount, address injured) external nonReentrant {
        if (amount == 0) return;
        _takeLocked(_providers[provider], provider, amount);
        uint256 compensation = injured == provider ? 0 : (amount * compensationBps) / BPS;
        if (compensation > 0) claimable[injured] += compensation;
        claimable[slashRecipient] += amount - compensation;
        emit StakeSlashed(provider, msg.sender, injured, amount, compensation);
    }

    /// @inheritdoc IResourceRegistry
    function stakeToken() external view returns (address) {
        return address(_token);
    }

    /// @inheritdoc IResourceRegistry
    function providerOf(address provider) external view returns (Provider memory) {
        return _providers[provider];
    }

    /// @inheritdoc IResourceRegistry
    function uriOf(address provider) external view returns (string memory) {
        return _uris[provider];
    }

    function _registered(address provider) private view returns (Provider storage account) {
        account = _providers[provider];
        if (!account.registered) revert NotRegistered(provider);
    }

    function _setUri(string calldata uri) private {
        uint256 length = bytes(uri).length;
        if (length == 0 || length > MAX_URI_BYTES) revert UriLength(length);
        _uris[msg.sender] = uri;
    }

    /// @dev The one way in for stake: credits what arrived.
    function _stakeIn(Provider storage provider, uint256 amount) private {
        uint256 balance = _token.balanceOf(address(this));
        _token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 arrived = _token.balanceOf(address(this)) - balance;
        // The whole stake fits its type, so that no later move between its places can overflow and hold up a job.
        (uint256(provider.free) + provider.locked + provider.leaving + arrived).toUint128();
        provider.free += arrived.toUint128();
        emit StakeIncreased(msg.sender, arrived);
    }

    function _takeFree(Provider storage account, address provider, uint256 amount) private {
        uint256 free = account.free;
        if (free < amount) revert InsufficientStake(provider, free, amount);
        account.free = (free - amount).toUint128();
    }

    function _takeLocked(Provider storage account, address provider, uint256 amount) private {
        uint256 held = lockedBy[provider][msg.sender];
        if (held < amount) revert InsufficientLock(provider, msg.sender, held, amount);
        lockedBy[provider][msg.sender] = held - amount;
        account.locked -= amount.toUint128();
    }

    function _takeLeaving(Provider storage account) private returns (uint128 amount) {
        amount = account.leaving;
        if (amount == 0) revert NothingLeaving(msg.sender);
        account.leaving = 0;
        account.leavingAt = 0;
    }

    /// @dev The one way out for tokens. The caller has already taken `amount` off its books.
    function _send(address to, uint256 amount) private {
        if (to == address(0) || to == address(this)) revert BadRecipient(to);
        uint256 balance = _token.balanceOf(address(this));
        _token.safeTransfer(to, amount);
        uint256 taken = balance - _token.balanceOf(address(this));
        if (taken > amount) revert TransferTookMore(amount, taken);
    }
}
