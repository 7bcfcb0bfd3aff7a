// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

import {IAttestationConsumer} from "./interfaces/IAttestationConsumer.sol";
import {IAttestationHub} from "./interfaces/IAttestationHub.sol";
import {IResourceEscrow} from "./interfaces/IResourceEscrow.sol";
import {IResourceRegistry} from "./interfaces/IResourceRegistry.sol";

/// @title ResourceEscrow
/// @notice One-off paid jobs, settled by the network's verdict. See `IResourceEscrow` for the manual.
contract ResourceEscrow is IResourceEscrow, IAttestationConsumer, EIP712, ReentrancyGuardTransient {
    using BitMaps for BitMaps.BitMap;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @inheritdoc IResourceEscrow
    uint256 public constant MAX_FEE_BPS = 1000;
    /// @inheritdoc IResourceEscrow
    bytes32 public constant QUOTE_TYPEHASH = keccak256(
        "Quote(address provider,address consumer,bytes4 kind,bytes32 statementHash,address token,uint256 price,"
        "uint256 stakeAtRisk,uint64 validUntil,uint64 deadline,uint256 nonce)"
    );
    uint256 private constant BPS = 10_000;
    /// @dev Stands for the native currency in `owed`.
    address private constant NATIVE = address(0);
    /// @dev The hour of grace that every minimum duration contains.
    uint64 private constant GRACE = 1 hours;

    uint8 private constant VALID = 0;
    uint8 private constant INVALID = 1;
    uint8 private constant MISSED = 2;

    IAttestationHub private immutable _hub;
    IResourceRegistry private immutable _registry;
    /// @inheritdoc IResourceEscrow
    address public immutable feeRecipient;
    /// @inheritdoc IResourceEscrow
    uint16 public immutable feeBps;
    /// @inheritdoc IResourceEscrow
    uint16 public immutable missedSlashBps;
    /// @inheritdoc IResourceEscrow
    uint64 public immutable minimumDuration;

    mapping(bytes32 jobId => Job) private _jobs;
    mapping(address provider => BitMaps.BitMap) private _nonces;
    /// @inheritdoc IResourceEscrow
    mapping(address token => mapping(address account => uint256)) public owed;

    /// @param hub_ The hub that verifies jobs and alone may push outcomes.
    /// @param registry_ The registry that holds providers' stake; its withdrawal delay exceeds the hub's challenge window.
    /// @param feeRecipient_ Who is owed protocol fees.
    /// @param feeBps_ The protocol's part of a completed job's price, at most `MAX_FEE_BPS`.
    /// @param missedSlashBps_ The part of the stake at risk that a `Missed` job costs.
    /// @param minimumDuration_ Least seconds from creation to deadline: the chain's finality, the longest time that all
    /// phases may take, and an hour of grace.
    constructor(
        IAttestationHub hub_,
        IResourceRegistry registry_,
        address feeRecipient_,
        uint16 feeBps_,
        uint16 missedSlashBps_,
        uint64 minimumDuration_
    )
        EIP712("Assay ResourceEscrow", "1")
    {
        if (address(hub_).code.length == 0) revert BadParameter("hub");
        if (feeRecipient_ == address(0) || feeRecipient_ == address(this)) revert BadParameter("feeRecipient");
        if (feeBps_ > MAX_FEE_BPS) revert BadParameter("feeBps");
        if (missedSlashBps_ > BPS) revert BadParameter("missedSlashBps");
        if (minimumDuration_ <= GRACE) revert BadParameter("minimumDuration");
        if (registry_.withdrawalDelay() <= hub_.challengeWindow()) revert BadParameter("registry");
        _hub = hub_;
        _registry = registry_;
        feeRecipient = feeRecipient_;
        feeBps = feeBps_;
        missedSlashBps = missedSlashBps_;
        minimumDuration = minimumDuration_;
    }

    /// @inheritdoc IResourceEscrow
    function createJob(
        Quote calldata quote,
        bytes calldata signature,
        bytes calldata statement,
        uint256 amount
    )
        external
        payable
        nonReentrant
        returns (bytes32 jobId)
    {
        _checkQuote(quote, signature, keccak256(statement));
        _useNonce(quote.provider, quote.nonce);
        _registry.lock(quote.provider, quote.stakeAtRisk);

        uint256 hubFee = _hub.fee();
        if (msg.value != hubFee) revert WrongFee(msg.value, hubFee);
        uint64 jobIndex;
        (jobId, jobIndex) = _hub.request{value: hubFee}(quote.provider, quote.kind, statement, quote.deadline);
        Job storage job = _jobs[jobId];
        if (job.state != State.None) revert JobExists(jobId);
        job.provider = quote.provider;
        job.deadline = quote.deadline;
        job.state = State.Requested;
        job.consumer = msg.sender;
        job.jobIndex = jobIndex;
        job.token = quote.token;
        job.hubFee = hubFee.toUint96();
        job.price = quote.price.toUint128();
        job.stakeAtRisk = quote.stakeAtRisk.toUint128();
        emit JobCreated(
            jobId,
            msg.sender,
            quote.provider,
            jobIndex,
            quote.token,
            quote.price,
            quote.stakeAtRisk,
            quote.deadline,
            quote.nonce
        );

        _deposit(quote.token, quote.price, amount);
    }

    /// @inheritdoc IResourceEscrow
    function cancelQuote(uint256 nonce) external {
        _useNonce(msg.sender, nonce);
        emit QuoteCancelled(msg.sender, nonce);
    }

    /// @inheritdoc IResourceEscrow
    function settle(bytes32 jobId) external nonReentrant {
        Job storage job = _openJob(jobId);
        _settle(jobId, job);
    }

    /// @notice A push from the hub settles the job as `settle` does, reading the verdict from the hub and nothing from the
    /// arguments. Reverts while the verdict is not final, so that the hub doesn't count it as delivered; does nothing for a
    /// job that has ended.
    /// @inheritdoc IAttestationConsumer
    function onAttested(bytes32 jobId, uint8, uint128, bytes32) external nonReentrant {
        if (msg.sender != address(_hub)) revert NotHub(msg.sender);
        Job storage job = _jobs[jobId];
        if (job.state == State.None) revert UnknownJob(jobId);
        if (job.state == State.Requested) _settle(jobId, job);
    }

    /// @inheritdoc IResourceEscrow
    function expire(bytes32 jobId) external nonReentrant {
        Job storage job = _openJob(jobId);
        uint64 deadline = job.deadline;
        if (block.timestamp <= deadline) revert NotExpired(jobId, deadline);
        if (_isRecorded(job.jobIndex)) revert VerdictRecorded(jobId);

        job.state = State.Expired;
        address consumer = job.consumer;
        uint256 refund = job.price;
        owed[job.token][consumer] += refund;
        uint256 stakeAtRisk = job.stakeAtRisk;
        if (stakeAtRisk > 0) _registry.release(job.provider, stakeAtRisk);
        uint256 feeRefund = job.hubFee > 0 ? _takeFeeBack(jobId) : 0;
        if (feeRefund > 0) owed[NATIVE][consumer] += feeRefund;
        emit JobExpired(jobId, refund, feeRefund);
    }

    /// @inheritdoc IResourceEscrow
    function withdraw(address token, address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0) || to == address(this)) revert BadRecipient(to);
        amount = owed[token][msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender, token);
        owed[token][msg.sender] = 0;
        emit Withdrawn(msg.sender, token, to, amount);

        if (token == NATIVE) Address.sendValue(payable(to), amount);
        else _sendToken(token, to, amount);
    }

    /// @notice Takes the hub's refunds of fees, and nothing from anyone else.
    receive() external payable {
        if (msg.sender != address(_hub)) revert NotHub(msg.sender);
    }

    /// @inheritdoc IResourceEscrow
    function hub() external view returns (address) {
        return address(_hub);
    }

    /// @inheritdoc IResourceEscrow
    function registry() external view returns (address) {
        return address(_registry);
    }

    /// @inheritdoc IResourceEscrow
    function jobOf(bytes32 jobId) external view returns (Job memory) {
        return _jobs[jobId];
    }

    /// @inheritdoc IResourceEscrow
    function stateOf(bytes32 jobId) external view returns (State state) {
        Job storage job = _jobs[jobId];
        state = job.state;
        if (state != State.Requested) return state;
        if (_isRecorded(job.jobIndex)) state = State.Verifying;
    }

    /// @inheritdoc IResourceEscrow
    function isNonceUsed(address provider, uint256 nonce) external view returns (bool) {
        return _nonces[provider].get(nonce);
    }

    /// @inheritdoc IResourceEscrow
    function quoteDigest(Quote calldata quote) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(QUOTE_TYPEHASH, quote)));
    }

    function _checkQuote(Quote calldata quote, bytes calldata signature, bytes32 statementHash) private view {
        if (block.timestamp > quote.validUntil) revert QuoteExpired(quote.validUntil);
        if (quote.consumer != address(0) && quote.consumer != msg.sender) {
            revert QuoteNotForCaller(quote.consumer, msg.sender);
        }
        if (statementHash != quote.statementHash) revert StatementMismatch(quote.statementHash, statementHash);
        uint256 earliest = block.timestamp + minimumDuration;
        if (quote.deadline < earliest) revert DeadlineTooSoon(quote.deadline, earliest);
        if (quote.price == 0) revert ZeroPrice();
        address signer = ECDSA.recoverCalldata(quoteDigest(quote), signature);
        if (signer != quote.provider) revert BadQuoteSignature(signer, quote.provider);
    }

    function _useNonce(address provider, uint256 nonce) private {
        BitMaps.BitMap storage nonces = _nonces[provider];
        if (nonces.get(nonce)) revert NonceUsed(provider, nonce);
        nonces.set(nonce);
    }

    /// @dev The one way in for a token. The job is on the books already: a token that calls back finds the guard closed.
    function _deposit(address token, uint256 price, uint256 amount) private {
        uint256 balance = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 arrived = IERC20(token).balanceOf(address(this)) - balance;
        if (arrived < price) revert InsufficientDeposit(arrived, price);
        if (arrived > price) owed[token][msg.sender] += arrived - price;
    }

    function _openJob(bytes32 jobId) private view returns (Job storage job) {
        job = _jobs[jobId];
        State state = job.state;
        if (state == State.None) revert UnknownJob(jobId);
        if (state != State.Requested) revert JobEnded(jobId, state);
    }

    /// @dev The one way in for native currency: the hub's refund of the job's fee, credited by balance difference.
    function _takeFeeBack(bytes32 jobId) private returns (uint256 arrived) {
        uint256 balance = address(this).balance;
        _hub.refundFee(jobId);
        _hub.withdraw(payable(address(this)));
        arrived = address(this).balance - balance;
    }

    /// @dev The one way out for a token. The caller has already taken `amount` off the books.
    function _sendToken(address token, address to, uint256 amount) private {
        uint256 balance = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        uint256 taken = balance - IERC20(token).balanceOf(address(this));
        if (taken > amount) revert TransferTookMore(amount, taken);
    }

    function _isRecorded(uint64 jobIndex) private view returns (bool) {
        return _hub.statusOf(jobIndex) != 0;
    }

    function _settle(bytes32 jobId, Job storage job) private {
        (uint8 status, uint64 finalAt) = _hub.settlementOf(job.jobIndex);
        if (status == 0) revert NoVerdict(jobId);
        uint8 verdict = status - 1;
        if (block.timestamp < finalAt) revert NotFinal(jobId, finalAt);

        (State state, uint256 slashed) = _consequence(verdict, job.stakeAtRisk);
        job.state = state;
        uint256 price = job.price;
        uint256 fee;
        if (state == State.Completed) {
            fee = (price * feeBps) / BPS;
            if (fee > 0) owed[job.token][feeRecipient] += fee;
            owed[job.token][job.provider] += price - fee;
            emit JobSettled(jobId, state, verdict, price - fee, 0, fee, slashed);
        } else {
            owed[job.token][job.consumer] += price;
            emit JobSettled(jobId, state, verdict, 0, price, 0, slashed);
        }

        uint256 released = job.stakeAtRisk - slashed;
        if (slashed > 0) _registry.slash(job.provider, slashed, job.consumer);
        if (released > 0) _registry.release(job.provider, released);
    }

    /// @dev The state that a final verdict leads to, and how much of the stake at risk it costs.
    function _consequence(uint8 verdict, uint256 stakeAtRisk) private view returns (State state, uint256 slashed) {
        if (verdict == VALID) return (State.Completed, 0);
        if (verdict == INVALID) return (State.Failed, stakeAtRisk);
        if (verdict == MISSED) return (State.Failed, (stakeAtRisk * missedSlashBps) / BPS);
        return (State.Inconclusive, 0); // also for a verdict that this escrow doesn't know: every job ends
    }
}
