// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IAttestationConsumer} from "./interfaces/IAttestationConsumer.sol";
import {IAttestationHub} from "./interfaces/IAttestationHub.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {Bls12381} from "./libraries/Bls12381.sol";
import {CodeStore} from "./libraries/CodeStore.sol";
import {FastMessages} from "./libraries/FastMessages.sol";
import {Lanes} from "./libraries/Lanes.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {Messages} from "./libraries/Messages.sol";
import {OutcomeRecorder} from "./libraries/OutcomeRecorder.sol";
import {PackedOutcomes} from "./libraries/PackedOutcomes.sol";

/// @title AttestationHub
/// @notice See `IAttestationHub`, the contract's manual.
contract AttestationHub is IAttestationHub, ReentrancyGuardTransient {
    /// @dev One slot a job.
    struct Job {
        address escrow;
        uint48 jobIndex;
        uint40 deadline;
        bool claimed;
    }

    /// @dev What a claim adds to a job's lane.
    struct Details {
        uint128 value;
        uint16 code;
        bool delivered;
        bytes32 evidence;
    }

    /// @inheritdoc IAttestationHub
    uint256 public constant DELIVERY_GAS = 300_000;

    /// @dev The domain separation tag, ASSAY-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_, in two words.
    bytes32 private constant _DOMAIN_HEAD = "ASSAY-V1-BLS12381G1_XMD:SHA-256_";
    bytes32 private constant _DOMAIN_TAIL = "SSWU_RO_NUL_";
    uint256 private constant _DOMAIN_BYTES = 44;
    bytes32 private constant _INFINITY_KEY_HASH = keccak256(new bytes(_KEY_BYTES));
    uint256 private constant _KEY_BYTES = 256;
    uint256 private constant _STATEMENT_BYTES_MAX = 32_768;
    uint8 private constant _VERDICT_MAX = 3;
    uint256 private constant _HEIGHT_SHIFT = 160;
    uint256 private constant _JOB_COUNT_SHIFT = 208;
    uint256 private constant _HEIGHT_MASK = uint256(type(uint48).max) << _HEIGHT_SHIFT;
    uint64 private constant _WINDOW_MAX = 365 days;
    /// @dev Kept back from a delivery for what follows the call.
    uint256 private constant _DELIVERY_RESERVE = 10_000;

    IOperatorRegistry private immutable _REGISTRY;
    uint256 private immutable _FEE;
    uint64 private immutable _WINDOW;
    /// @dev Lanes count time from the second before deployment, so that it is never 0.
    uint256 private immutable _TIME_ORIGIN;

    /// @dev jobCount u48 ‖ lastHeight u48 ‖ keyPointer u160: all that a settlement reads and writes beside accumulator,
    /// lanes and credit, in one slot.
    uint256 private _head;
    /// @dev Complements of the accumulators: the first accumulator is 0, and a slot that is never 0 is cheaper to change.
    bytes32 private _lastAccComplement = ~bytes32(0);
    bytes32 private _announcedAccComplement = ~bytes32(0);

    /// @dev Lanes of all jobs, one slot for eight. An array, so that a page costs no hash; it spans every u64 index.
    uint256[1 << 61] private _pages;
    mapping(bytes32 jobId => Job) private _jobs;
    mapping(bytes32 jobId => Details) private _details;
    mapping(bytes32 acc => bool) private _checkpoints;
    /// @dev Credit + 1 for accounts that ever had any or may soon: 0 and 1 both mean none.
    mapping(address account => uint256) private _credits;

    mapping(uint64 generation => mapping(address operator => bytes32 candidate)) private _confirmed;
    mapping(bytes32 candidate => uint32) private _confirmations;
    mapping(bytes32 candidate => bool) private _ready;

    /// @param registry_ the operator registry, whose owner must then name this hub
    /// @param fee_ native units a job costs
    /// @param challengeWindow_ seconds from recording to finality
    constructor(IOperatorRegistry registry_, uint256 fee_, uint64 challengeWindow_) {
        address missing = Bls12381.missingPrecompile();
        if (missing != address(0)) revert PrecompileMissing(missing);
        if (challengeWindow_ > _WINDOW_MAX) revert ChallengeWindowTooLong(challengeWindow_);
        _REGISTRY = registry_;
        _FEE = fee_;
        _WINDOW = challengeWindow_;
        _TIME_ORIGIN = block.timestamp - 1;
    }

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
        if (msg.value < _FEE) revert FeeTooLow(msg.value, _FEE);
        if (deadline <= block.timestamp || deadline > type(uint40).max) revert DeadlineOutOfRange(deadline);
        if (statement.length > _STATEMENT_BYTES_MAX) revert StatementTooLong(statement.length);

        uint256 head = _head + (1 << _JOB_COUNT_SHIFT);
        _head = head;
        // forge-lint: disable-next-line(unsafe-typecast)
        jobIndex = uint64(head >> _JOB_COUNT_SHIFT);
        jobId = Messages.job(block.chainid, msg.sender, jobIndex, provider, kind, keccak256(statement), deadline);
        // forge-lint: disable-next-line(unsafe-typecast)
        _jobs[jobId] = Job(msg.sender, uint48(jobIndex), uint40(deadline), false);
        if (Lanes.opensPage(jobIndex)) _pages[Lanes.pageOf(jobIndex)] = Lanes.OPEN_PAGE;
        if (msg.value > _FEE) _credit(msg.sender, msg.value - _FEE);

        emit VerificationRequested(jobId, jobIndex, provider, msg.sender, kind, deadline, statement);
    }

    /// @inheritdoc IAttestationHub
    function confirmGroupKey(
        bytes32 ledgerId_,
        uint32 committeeId_,
        uint64 epoch_,
        bytes calldata key,
        bytes calldata pop
    )
        external
    {
        bytes32 keyHash = keccak256(key);
        if (key.length != _KEY_BYTES || keyHash == _INFINITY_KEY_HASH) revert GroupKeyInvalid();
        bool first = _keyPointer() == address(0);
        if (!first) {
            (, bytes32 ledger, uint32 committee, uint64 current) = _keyAt(_keyPointer());
            if (epoch_ != current + 1) revert WrongEpoch(epoch_, current + 1);
            if (ledgerId_ != ledger || committeeId_ != committee) revert WrongLedger(ledgerId_, committeeId_);
        }

        (uint64 generation, uint32 size) = _REGISTRY.pending();
        if (generation == 0) {
            _REGISTRY.freezeCommittee();
            (generation, size) = _REGISTRY.pending();
        }
        if (!_REGISTRY.isPendingMember(msg.sender)) revert NotPendingMember(msg.sender);

        bytes32 candidate = _candidate(generation, ledgerId_, committeeId_, epoch_, keyHash);
        bytes32 former = _confirmed[generation][msg.sender];
        if (former == candidate) return;
        if (former != 0) --_confirmations[former];
        _confirmed[generation][msg.sender] = candidate;
        uint32 confirmations = ++_confirmations[candidate];
        uint32 quorum = size - (size - 1) / 3;
        emit GroupKeyConfirmed(epoch_, msg.sender, keyHash, confirmations, quorum);
        if (confirmations != quorum || _ready[candidate]) return;

        _ready[candidate] = true;
        bytes32 message = Messages.keyPossession(ledgerId_, block.chainid, address(this), committeeId_, epoch_, keyHash);
        _requireSignature(key, message, pop);
        if (first) _activate(ledgerId_, committeeId_, epoch_, 0, key);
        else emit GroupKeyReady(epoch_, committeeId_, key);
    }

    /// @inheritdoc IAttestationHub
    function rotate(uint64 nextEpoch, bytes calldata newKey, uint64 lastHeight_, bytes calldata signature) external {
        (bytes memory stored, bytes32 ledger, uint32 committee, uint64 current) = _keyAt(_keyPointer());
        if (nextEpoch != current + 1) revert WrongEpoch(nextEpoch, current + 1);
        if (lastHeight_ < lastHeight()) revert StaleHeight(lastHeight_, lastHeight());

        bytes32 keyHash = keccak256(newKey);
        (uint64 generation,) = _REGISTRY.pending();
        if (!_ready[_candidate(generation, ledger, committee, nextEpoch, keyHash)]) {
            revert GroupKeyNotConfirmed(keyHash);
        }
        bytes32 message =
            Messages.rotate(ledger, block.chainid, address(this), committee, nextEpoch, keyHash, lastHeight_);
        _requireSignature(stored, message, signature);
        _activate(ledger, committee, nextEpoch, lastHeight_, newKey);
    }

    /// @inheritdoc IAttestationHub
    function submit(
        uint64 epoch_,
        uint64 height,
        bytes32 blockId,
        Batch[] calldata batches,
        bytes calldata signature
    )
        external
    {
        uint256 head = _head;
        uint256 issued = head >> _JOB_COUNT_SHIFT;
        // forge-lint: disable-next-line(unsafe-typecast)
        if (height <= uint48(head >> _HEIGHT_SHIFT)) revert StaleHeight(height, uint48(head >> _HEIGHT_SHIFT));
        if (height > type(uint48).max) revert HeightOutOfRange(height);

        // one pass over calldata: what is written before the signature is checked is undone if the check fails
        bytes32 acc = ~_lastAccComplement;
        uint256 stamp = Lanes.encode(_now(), 0);
        uint256 paying;
        for (uint256 i = 0; i < batches.length; ++i) {
            bytes calldata packed;
            (acc, packed) = _accumulate(acc, batches[i]);
            unchecked {
                paying += OutcomeRecorder.record(_pages, packed, issued, stamp);
            }
        }
        _lastAccComplement = ~acc;
        _head = (head & ~_HEIGHT_MASK) | uint256(height) << _HEIGHT_SHIFT;
        unchecked {
            // each of these jobs brought its fee, so the product is less than all native units there are
            if (paying != 0) _credit(msg.sender, paying * _FEE);
        }
        emit Attested(height, acc);
        // forge-lint: disable-next-line(unsafe-typecast)
        _verifyAttestation(address(uint160(head)), epoch_, height, blockId, acc, signature);
    }

    /// @inheritdoc IAttestationHub
    function announce(
        uint64 epoch_,
        uint64 height,
        bytes32 blockId,
        Batch[] calldata batches,
        bytes calldata signature
    )
        external
    {
        bytes32 acc = ~_announcedAccComplement;
        for (uint256 i = 0; i < batches.length; ++i) {
            bytes calldata packed;
            (acc, packed) = _accumulate(acc, batches[i]);
            emit OutcomesAnnounced(height, acc, batches[i].root, packed);
        }
        _announcedAccComplement = ~acc;
        _verifyAttestation(_keyPointer(), epoch_, height, blockId, acc, signature);
    }

    /// @inheritdoc IAttestationHub
    function checkpoint() external {
        _keep(~_lastAccComplement);
        _keep(~_announcedAccComplement);
    }

    /// @inheritdoc IAttestationHub
    function claim(Outcome calldata outcome, Proof calldata proof) external {
        Job memory job = _job(outcome.jobId);
        if (job.claimed) revert AlreadyClaimed(outcome.jobId);
        if (!_isAttested(outcome, proof)) revert ProofInvalid();

        uint256 page = _pages[Lanes.pageOf(job.jobIndex)];
        uint256 lane = Lanes.get(page, job.jobIndex);
        if (Lanes.isRecorded(lane)) {
            (, uint8 verdict) = Lanes.decode(lane);
            if (verdict != outcome.verdict) revert OutcomeMismatch(outcome.jobId);
        } else {
            if (outcome.verdict > _VERDICT_MAX) revert OutcomeMismatch(outcome.jobId);
            _pages[Lanes.pageOf(job.jobIndex)] = Lanes.set(page, job.jobIndex, Lanes.encode(_now(), outcome.verdict));
            if (lane == Lanes.OPEN) _credit(msg.sender, _FEE);
        }

        _jobs[outcome.jobId].claimed = true;
        _details[outcome.jobId] = Details(outcome.value, outcome.code, false, outcome.evidence);
        emit OutcomeClaimed(outcome.jobId, job.jobIndex, outcome.verdict, outcome.code, outcome.value, outcome.evidence);
    }

    /// @inheritdoc IAttestationHub
    function deliver(bytes32 jobId) external nonReentrant {
        Job memory job = _job(jobId);
        if (!job.claimed) revert NotClaimed(jobId);
        Details storage details = _details[jobId];
        if (details.delivered) revert AlreadyDelivered(jobId);
        (uint8 status, uint64 finalAt) = settlementOf(job.jobIndex);
        if (block.timestamp < finalAt) revert NotFinal(jobId, finalAt);
        if (job.escrow.code.length == 0) revert ConsumerHasNoCode(job.escrow);

        details.delivered = true;
        emit Delivered(jobId, job.escrow);
        bytes memory call =
            abi.encodeCall(IAttestationConsumer.onAttested, (jobId, status - 1, details.value, details.evidence));
        // EIP-150 lets a call have 63/64 of what is left; less than the promised amount would be no fair try
        uint256 required = (DELIVERY_GAS + _DELIVERY_RESERVE) * 64 / 63;
        if (gasleft() < required) revert InsufficientGas(gasleft(), required);
        if (!_callWithoutReturn(job.escrow, DELIVERY_GAS, call)) revert DeliveryFailed(jobId);
    }

    /// @inheritdoc IAttestationHub
    function refundFee(bytes32 jobId) external {
        Job memory job = _job(jobId);
        if (job.escrow != msg.sender) revert NotRequester(jobId, msg.sender);
        if (block.timestamp <= job.deadline) revert DeadlineNotPassed(job.deadline);
        uint256 page = _pages[Lanes.pageOf(job.jobIndex)];
        if (Lanes.get(page, job.jobIndex) != Lanes.OPEN) revert FeeSpent(jobId);

        _pages[Lanes.pageOf(job.jobIndex)] = Lanes.set(page, job.jobIndex, Lanes.REFUNDED);
        _credit(msg.sender, _FEE);
        emit FeeRefunded(jobId, msg.sender, _FEE);
    }

    /// @inheritdoc IAttestationHub
    function withdraw(address payable to) external {
        uint256 amount = creditOf(msg.sender);
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        _credits[msg.sender] = 1;
        emit Withdrawn(msg.sender, to, amount);
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert TransferFailed(to);
    }

    /// @inheritdoc IAttestationHub
    function statusOf(uint64 jobIndex) external view returns (uint8 status) {
        (status,) = settlementOf(jobIndex);
    }

    /// @inheritdoc IAttestationHub
    function settlementOf(uint64 jobIndex) public view returns (uint8 status, uint64 finalAt) {
        uint256 lane = Lanes.get(_pages[Lanes.pageOf(jobIndex)], jobIndex);
        if (jobIndex > jobCount() || !Lanes.isRecorded(lane)) return (0, 0);
        (uint256 time, uint8 verdict) = Lanes.decode(lane);
        // forge-lint: disable-next-line(unsafe-typecast)
        return (verdict + 1, uint64(_TIME_ORIGIN + time) + _WINDOW);
    }

    /// @inheritdoc IAttestationHub
    function outcomeOf(bytes32 jobId) external view returns (Report memory report) {
        Job memory job = _job(jobId);
        (uint8 status, uint64 finalAt) = settlementOf(job.jobIndex);
        if (status == 0) return report;
        Details memory details = _details[jobId];
        return Report({
            recorded: true,
            verdict: status - 1,
            claimed: job.claimed,
            code: details.code,
            value: details.value,
            evidence: details.evidence,
            recordedAt: finalAt - _WINDOW,
            finalAt: finalAt
        });
    }

    /// @inheritdoc IAttestationHub
    function jobOf(bytes32 jobId)
        external
        view
        returns (address escrow, uint64 jobIndex, uint64 deadline, bool delivered)
    {
        Job memory job = _jobs[jobId];
        return (job.escrow, job.jobIndex, job.deadline, _details[jobId].delivered);
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
        external
        view
        returns (bytes32)
    {
        return Messages.job(block.chainid, escrow, jobIndex, provider, kind, statementHash, deadline);
    }

    /// @inheritdoc IAttestationHub
    function jobCount() public view returns (uint64) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(_head >> _JOB_COUNT_SHIFT);
    }

    /// @inheritdoc IAttestationHub
    function lastAcc() external view returns (bytes32) {
        return ~_lastAccComplement;
    }

    /// @inheritdoc IAttestationHub
    function lastHeight() public view returns (uint64) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint48(_head >> _HEIGHT_SHIFT);
    }

    /// @inheritdoc IAttestationHub
    function announcedAcc() external view returns (bytes32) {
        return ~_announcedAccComplement;
    }

    /// @inheritdoc IAttestationHub
    function ledgerId() external view returns (bytes32 ledger) {
        if (_keyPointer() != address(0)) (, ledger,,) = _keyAt(_keyPointer());
    }

    /// @inheritdoc IAttestationHub
    function committeeId() external view returns (uint32 committee) {
        if (_keyPointer() != address(0)) (,, committee,) = _keyAt(_keyPointer());
    }

    /// @inheritdoc IAttestationHub
    function epoch() external view returns (uint64 current) {
        if (_keyPointer() != address(0)) (,,, current) = _keyAt(_keyPointer());
    }

    /// @inheritdoc IAttestationHub
    function groupKey() external view returns (bytes memory key) {
        if (_keyPointer() != address(0)) key = CodeStore.read(_keyPointer(), 0, _KEY_BYTES);
    }

    /// @inheritdoc IAttestationHub
    function fee() external view returns (uint256) {
        return _FEE;
    }

    /// @inheritdoc IAttestationHub
    function challengeWindow() external view returns (uint64) {
        return _WINDOW;
    }

    /// @inheritdoc IAttestationHub
    function registry() external view returns (address) {
        return address(_REGISTRY);
    }

    /// @inheritdoc IAttestationHub
    function creditOf(address account) public view returns (uint256) {
        uint256 stored = _credits[account];
        return stored == 0 ? 0 : stored - 1;
    }

    /// @dev Makes `key` the active one and tells the registry, whose pending committee becomes the current one.
    function _activate(
        bytes32 ledger,
        uint32 committee,
        uint64 epoch_,
        uint64 lastHeight_,
        bytes calldata key
    )
        private
    {
        bytes memory domain = abi.encode(ledger, uint256(committee) << 64 | epoch_);
        address pointer = CodeStore.write(bytes.concat(key, domain));
        _head = (_head >> _HEIGHT_SHIFT) << _HEIGHT_SHIFT | uint160(pointer);
        emit GroupKeyActivated(epoch_, committee, ledger, lastHeight_, key);
        _REGISTRY.activateCommittee();
        // a credit slot that is no longer zero makes a member's first settlement as cheap as any later one
        address[] memory members = _REGISTRY.members();
        for (uint256 i = 0; i < members.length; ++i) {
            if (_credits[members[i]] == 0) _credits[members[i]] = 1;
        }
    }

    /// @dev Adds to what `account` may withdraw.
    function _credit(address account, uint256 amount) private {
        uint256 stored = _credits[account];
        unchecked {
            // all credits together are native units that came in
            _credits[account] = (stored == 0 ? 1 : stored) + amount;
        }
    }

    /// @dev Makes `acc` a lasting end of proofs.
    function _keep(bytes32 acc) private {
        if (acc == 0 || _checkpoints[acc]) return;
        _checkpoints[acc] = true;
        emit Checkpointed(acc);
    }

    /// @dev Calls `to` with exactly `gasAmount` gas and copies nothing of what it returns.
    function _callWithoutReturn(address to, uint256 gasAmount, bytes memory data) private returns (bool ok) {
        assembly ("memory-safe") {
            ok := call(gasAmount, to, 0, add(data, 32), mload(data), 0, 0)
        }
    }

    /// @dev Accumulator after `batch`, and the batch's packed outcomes.
    function _accumulate(bytes32 acc, Batch calldata batch) private pure returns (bytes32, bytes calldata) {
        bytes calldata packed = batch.packed;
        uint256 count = PackedOutcomes.count(packed);
        if (count == 0) revert PackedMalformed();
        return (FastMessages.accumulate(acc, batch.root, packed, count), packed);
    }

    /// @dev Reverts unless the active key signed the attestation.
    function _verifyAttestation(
        address keyPointer,
        uint64 epoch_,
        uint64 height,
        bytes32 blockId,
        bytes32 acc,
        bytes calldata signature
    )
        private
        view
    {
        (bytes memory stored, bytes32 ledger, uint32 committee, uint64 current) = _keyAt(keyPointer);
        if (epoch_ != current) revert WrongEpoch(epoch_, current);
        bytes32 message = FastMessages.attest(ledger, committee, epoch_, height, blockId, acc);
        _requireSignature(stored, message, signature);
    }

    /// @dev Reverts unless `signature` is over `message`, by the key that `stored` begins with.
    function _requireSignature(bytes memory stored, bytes32 message, bytes calldata signature) private view {
        if (!Bls12381.verify(stored, message, _DOMAIN_HEAD, _DOMAIN_TAIL, _DOMAIN_BYTES, signature)) {
            revert SignatureInvalid();
        }
    }

    /// @dev Whether the outcome is a leaf of a batch that leads to an accumulator known here.
    function _isAttested(Outcome calldata outcome, Proof calldata proof) private view returns (bool) {
        bytes32 leaf = Messages.leaf(outcome.jobId, outcome.verdict, outcome.code, outcome.value, outcome.evidence);
        Link calldata batch = proof.batch;
        if (!MerkleTree.contains(batch.root, batch.count, leaf, proof.position, proof.siblings)) return false;
        bytes32 acc = Messages.accumulate(proof.previousAcc, batch.root, batch.packedHash, batch.count);
        for (uint256 i = 0; i < proof.later.length; ++i) {
            Link calldata link = proof.later[i];
            acc = Messages.accumulate(acc, link.root, link.packedHash, link.count);
        }
        return _isKnown(acc);
    }

    /// @dev Whether proofs may end at `acc`.
    function _isKnown(bytes32 acc) private view returns (bool) {
        return acc == ~_lastAccComplement || acc == ~_announcedAccComplement || _checkpoints[acc];
    }

    /// @dev The job, which must exist.
    function _job(bytes32 jobId) private view returns (Job memory job) {
        job = _jobs[jobId];
        if (job.escrow == address(0)) revert UnknownJob(jobId);
    }

    /// @dev The contract whose code is the active key; zero before the first.
    function _keyPointer() private view returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return address(uint160(_head));
    }

    /// @dev The key stored at `pointer`, which must exist: 256 bytes, then ledger, committee and epoch.
    function _keyAt(address pointer)
        private
        view
        returns (bytes memory stored, bytes32 ledger, uint32 committee, uint64 epoch_)
    {
        if (pointer == address(0)) revert NoGroupKey();
        stored = CodeStore.read(pointer, 0, _KEY_BYTES + 64);
        ledger = CodeStore.word(stored, _KEY_BYTES);
        uint256 numbers = uint256(CodeStore.word(stored, _KEY_BYTES + 32));
        // forge-lint: disable-next-line(unsafe-typecast)
        return (stored, ledger, uint32(numbers >> 64), uint64(numbers));
    }

    /// @dev Time as lanes count it.
    function _now() private view returns (uint256 time) {
        unchecked {
            // time does not run backwards
            time = block.timestamp - _TIME_ORIGIN;
        }
        if (time > Lanes.TIME_MAX) revert ClockExhausted();
    }

    /// @dev What operators confirm: a key, for whom, by which pending committee.
    function _candidate(
        uint64 generation,
        bytes32 ledger,
        uint32 committee,
        uint64 epoch_,
        bytes32 keyHash
    )
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(generation, ledger, committee, epoch_, keyHash));
    }
}
