// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IAttestationHub} from "./interfaces/IAttestationHub.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {MerkleTree} from "./libraries/MerkleTree.sol";
import {Messages} from "./libraries/Messages.sol";

/// @title OperatorRegistry
/// @notice See `IOperatorRegistry`, the contract's manual.
contract OperatorRegistry is IOperatorRegistry, Ownable2Step, EIP712 {
    using SafeERC20 for IERC20;

    /// @dev Kinds of keys; each key may be registered once as one of its kind, so that no unproven word blocks another kind.
    enum KeyKind {
        Address,
        Network,
        Encryption
    }

    /// @dev What the registry keeps of an operator.
    struct Entry {
        address owner;
        uint64 joinNumber;
        Status status;
        bool leaving;
        bool jailed;
        uint64 withdrawableAt;
        uint128 stake;
        bytes32 memberHash;
        bytes32 networkKey;
        bytes32 encryptionKey;
        bytes consensusKey;
        string endpoint;
    }

    /// @inheritdoc IOperatorRegistry
    uint32 public constant MIN_COMMITTEE = 4;

    /// @inheritdoc IOperatorRegistry
    uint32 public constant MAX_COMMITTEE = 100;

    /// @inheritdoc IOperatorRegistry
    uint256 public constant MAX_OPERATORS = 256;

    /// @inheritdoc IOperatorRegistry
    uint256 public constant MAX_ENDPOINT_BYTES = 256;

    /// @inheritdoc IOperatorRegistry
    uint64 public constant FREEZE_INTERVAL = 1 days;

    bytes32 private constant _REGISTRATION_TYPEHASH = keccak256(
        "Registration(address owner,address operator,bytes consensusKey,bytes32 networkKey,bytes32 encryptionKey,string endpoint)"
    );

    IERC20 private immutable _TOKEN;
    uint128 private immutable _SEAT_STAKE;
    uint64 private immutable _UNBONDING;

    /// @inheritdoc IOperatorRegistry
    uint32 public seats;

    /// @inheritdoc IOperatorRegistry
    address public hub;

    /// @inheritdoc IOperatorRegistry
    address public slasher;

    /// @inheritdoc IOperatorRegistry
    uint256 public burnt;

    /// @inheritdoc IOperatorRegistry
    mapping(address reporter => uint256) public rewardOf;

    mapping(address operator => Entry) private _entries;
    mapping(KeyKind kind => mapping(bytes32 key => bool)) private _used;
    /// @dev Queued and active operators, in order of joining.
    address[] private _roster;
    uint64 private _joins;

    uint64 private _generations;
    uint64 private _currentGeneration;
    uint64 private _pendingGeneration;
    uint64 private _frozenAt;
    mapping(uint64 generation => address[]) private _members;
    mapping(uint64 generation => mapping(address operator => bool)) private _isMemberOf;

    /// @param owner_ governs: names hub (once), slasher and seats
    /// @param token_ ERC-20 that is staked
    /// @param seatStake_ stake of a seat
    /// @param seats_ members of the first committee
    /// @param unbondingPeriod_ seconds
    constructor(
        address owner_,
        IERC20 token_,
        uint128 seatStake_,
        uint32 seats_,
        uint64 unbondingPeriod_
    )
        Ownable(owner_)
        EIP712("Assay OperatorRegistry", "1")
    {
        if (address(token_) == address(0)) revert ZeroAddress();
        if (seatStake_ == 0 || unbondingPeriod_ == 0 || unbondingPeriod_ > 3650 days) revert SettingInvalid();
        _TOKEN = token_;
        _SEAT_STAKE = seatStake_;
        _UNBONDING = unbondingPeriod_;
        _setSeats(seats_);
    }

    modifier onlySlasher() {
        if (msg.sender != slasher) revert Unauthorized(msg.sender);
        _;
    }

    /// @inheritdoc IOperatorRegistry
    function register(
        Registration calldata registration,
        bytes calldata operatorSignature,
        bytes calldata consensusSignature
    )
        external
    {
        if (_roster.length == MAX_OPERATORS) revert RosterFull();
        if (registration.consensusKey.length != 64) revert ConsensusKeyInvalid();
        _checkEndpoint(registration.endpoint);
        bytes32 keyHash = keccak256(registration.consensusKey);
        address operator = registration.operator;
        address consensus = address(uint160(uint256(keyHash)));
        _use(KeyKind.Address, bytes32(uint256(uint160(operator))));
        _use(KeyKind.Address, bytes32(uint256(uint160(consensus))));
        _use(KeyKind.Network, registration.networkKey);
        _use(KeyKind.Encryption, registration.encryptionKey);
        bytes32 digest = registrationDigest(msg.sender, registration);
        _checkSignature(digest, operatorSignature, operator);
        _checkSignature(digest, consensusSignature, consensus);

        uint64 joinNumber = ++_joins;
        bytes32 hash = Messages.member(operator, keyHash, registration.networkKey, registration.encryptionKey);
        _entries[operator] = Entry({
            owner: msg.sender,
            joinNumber: joinNumber,
            status: Status.Queued,
            leaving: false,
            jailed: false,
            withdrawableAt: 0,
            stake: _SEAT_STAKE,
            memberHash: hash,
            networkKey: registration.networkKey,
            encryptionKey: registration.encryptionKey,
            consensusKey: registration.consensusKey,
            endpoint: registration.endpoint
        });
        _roster.push(operator);
        emit Registered(operator, msg.sender, joinNumber, hash);
        _deposit(_SEAT_STAKE);
    }

    /// @inheritdoc IOperatorRegistry
    function setEndpoint(address operator, string calldata endpoint) external {
        Entry storage entry = _entries[operator];
        if (msg.sender != entry.owner && msg.sender != operator) revert Unauthorized(msg.sender);
        _requireOnRoster(operator, entry.status);
        _checkEndpoint(endpoint);
        entry.endpoint = endpoint;
        emit EndpointChanged(operator, endpoint);
    }

    /// @inheritdoc IOperatorRegistry
    function requestExit(address operator) external {
        Entry storage entry = _ownEntry(operator);
        _requireOnRoster(operator, entry.status);
        if (entry.leaving) revert AlreadyLeaving(operator);
        entry.leaving = true;
        emit Leaving(operator);
    }

    /// @inheritdoc IOperatorRegistry
    function addStake(address operator, uint128 amount) external {
        Entry storage entry = _ownEntry(operator);
        _requireOnRoster(operator, entry.status);
        if (amount == 0 || amount > _SEAT_STAKE - entry.stake) revert AmountInvalid(amount);
        entry.stake += amount;
        emit StakeAdded(operator, amount);
        _deposit(amount);
    }

    /// @inheritdoc IOperatorRegistry
    function withdrawStake(address operator, address to) external {
        Entry storage entry = _ownEntry(operator);
        if (to == address(0)) revert ZeroAddress();
        if (entry.status == Status.Queued && entry.leaving) {
            if (isPendingMember(operator)) revert MemberOfPending(operator);
            _removeFromRoster(operator);
        } else if (entry.status != Status.Unbonding) {
            revert WrongStatus(operator, entry.status);
        } else if (block.timestamp < entry.withdrawableAt) {
            revert NotWithdrawable(operator, entry.withdrawableAt);
        }
        uint256 amount = entry.stake;
        entry.stake = 0;
        entry.status = Status.Exited;
        emit StakeWithdrawn(operator, to, amount);
        _TOKEN.safeTransfer(to, amount);
    }

    /// @inheritdoc IOperatorRegistry
    function freezeCommittee() external returns (uint64 generation) {
        uint64 former = _pendingGeneration;
        if (former != 0 && block.timestamp < _frozenAt + FREEZE_INTERVAL) {
            revert FrozenRecently(_frozenAt + FREEZE_INTERVAL);
        }
        address[] memory chosen = _candidates();
        bytes32 root = _rootOf(chosen);
        if (former != 0 && root == _rootOf(_members[former])) return former;

        uint256 needed = _currentGeneration == 0 ? seats : MIN_COMMITTEE;
        if (chosen.length < needed) {
            if (former == 0) revert CommitteeTooSmall(chosen.length, needed);
            _pendingGeneration = 0;
            emit CommitteeDropped(former);
            return 0;
        }

        generation = ++_generations;
        _pendingGeneration = generation;
        _frozenAt = uint64(block.timestamp);
        _members[generation] = chosen;
        for (uint256 i = 0; i < chosen.length; ++i) {
            _isMemberOf[generation][chosen[i]] = true;
        }
        emit CommitteeFrozen(generation, root, chosen);
    }

    /// @inheritdoc IOperatorRegistry
    function activateCommittee() external {
        if (msg.sender != hub) revert Unauthorized(msg.sender);
        uint64 generation = _pendingGeneration;
        if (generation == 0) revert NothingPending();

        address[] memory ending = _members[_currentGeneration];
        for (uint256 i = 0; i < ending.length; ++i) {
            if (!_isMemberOf[generation][ending[i]]) _startUnbonding(ending[i]);
        }
        address[] memory chosen = _members[generation];
        for (uint256 i = 0; i < chosen.length; ++i) {
            _entries[chosen[i]].status = Status.Active;
        }
        _currentGeneration = generation;
        _pendingGeneration = 0;
        emit CommitteeActivated(generation, _rootOf(chosen));
    }

    /// @inheritdoc IOperatorRegistry
    function jail(address operator) external onlySlasher {
        Entry storage entry = _entries[operator];
        _requireOnRoster(operator, entry.status);
        entry.jailed = true;
        emit Jailed(operator);
    }

    /// @inheritdoc IOperatorRegistry
    function unjail(address operator) external onlySlasher {
        Entry storage entry = _entries[operator];
        _requireOnRoster(operator, entry.status);
        entry.jailed = false;
        emit Unjailed(operator);
    }

    /// @inheritdoc IOperatorRegistry
    function slash(address operator, uint128 amount, address reporter) external onlySlasher {
        Entry storage entry = _entries[operator];
        if (amount == 0 || amount > entry.stake) revert AmountInvalid(amount);
        entry.stake -= amount;
        uint256 reward = reporter == address(0) ? 0 : amount / 2;
        rewardOf[reporter] += reward;
        burnt += amount - reward;
        emit Slashed(operator, reporter, amount, reward);
    }

    /// @inheritdoc IOperatorRegistry
    function withdrawReward(address to) external {
        if (to == address(0)) revert ZeroAddress();
        uint256 amount = rewardOf[msg.sender];
        if (amount == 0) revert AmountInvalid(0);
        rewardOf[msg.sender] = 0;
        emit RewardWithdrawn(msg.sender, to, amount);
        _TOKEN.safeTransfer(to, amount);
    }

    /// @inheritdoc IOperatorRegistry
    function setHub(address hub_) external onlyOwner {
        if (hub_ == address(0)) revert ZeroAddress();
        if (hub != address(0)) revert HubAlreadySet();
        uint64 window = IAttestationHub(hub_).challengeWindow();
        if (window >= _UNBONDING) revert UnbondingTooShort(_UNBONDING, window);
        hub = hub_;
        emit HubSet(hub_);
    }

    /// @inheritdoc IOperatorRegistry
    function setSlasher(address slasher_) external onlyOwner {
        slasher = slasher_;
        emit SlasherSet(slasher_);
    }

    /// @inheritdoc IOperatorRegistry
    function setSeats(uint32 seats_) external onlyOwner {
        _setSeats(seats_);
    }

    /// @inheritdoc IOperatorRegistry
    function committee() external view returns (Operator[] memory) {
        return _describe(_committee());
    }

    /// @inheritdoc IOperatorRegistry
    function members() external view returns (address[] memory) {
        return _committee();
    }

    /// @inheritdoc IOperatorRegistry
    function committeeRoot() external view returns (bytes32) {
        return _rootOf(_committee());
    }

    /// @inheritdoc IOperatorRegistry
    function nextCommittee() external view returns (Operator[] memory) {
        return _describe(_nextCommittee());
    }

    /// @inheritdoc IOperatorRegistry
    function nextCommitteeRoot() external view returns (bytes32) {
        return _rootOf(_nextCommittee());
    }

    /// @inheritdoc IOperatorRegistry
    function pending() external view returns (uint64 generation, uint32 size) {
        generation = _pendingGeneration;
        size = uint32(_members[generation].length);
    }

    /// @inheritdoc IOperatorRegistry
    function isPendingMember(address operator) public view returns (bool) {
        return _isMemberOf[_pendingGeneration][operator];
    }

    /// @inheritdoc IOperatorRegistry
    function isMember(address operator) external view returns (bool) {
        return _isMemberOf[_currentGeneration][operator];
    }

    /// @inheritdoc IOperatorRegistry
    function current() external view returns (uint64 generation, uint32 size) {
        generation = _currentGeneration;
        size = uint32(_members[generation].length);
    }

    /// @inheritdoc IOperatorRegistry
    function operatorOf(address operator) public view returns (Operator memory) {
        Entry storage entry = _entries[operator];
        return Operator({
            operator: operator,
            owner: entry.owner,
            consensusKey: entry.consensusKey,
            networkKey: entry.networkKey,
            encryptionKey: entry.encryptionKey,
            endpoint: entry.endpoint,
            stake: entry.stake,
            status: entry.status,
            leaving: entry.leaving,
            jailed: entry.jailed,
            joinNumber: entry.joinNumber,
            withdrawableAt: entry.withdrawableAt
        });
    }

    /// @inheritdoc IOperatorRegistry
    function memberHash(address operator) external view returns (bytes32) {
        return _entries[operator].memberHash;
    }

    /// @inheritdoc IOperatorRegistry
    function registrationDigest(address owner_, Registration calldata registration) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    _REGISTRATION_TYPEHASH,
                    owner_,
                    registration.operator,
                    keccak256(registration.consensusKey),
                    registration.networkKey,
                    registration.encryptionKey,
                    keccak256(bytes(registration.endpoint))
                )
            )
        );
    }

    /// @inheritdoc IOperatorRegistry
    function stakeToken() external view returns (address) {
        return address(_TOKEN);
    }

    /// @inheritdoc IOperatorRegistry
    function seatStake() external view returns (uint128) {
        return _SEAT_STAKE;
    }

    /// @inheritdoc IOperatorRegistry
    function unbondingPeriod() external view returns (uint64) {
        return _UNBONDING;
    }

    /// @dev Ends a membership: the stake is released after the unbonding period.
    function _startUnbonding(address operator) private {
        Entry storage entry = _entries[operator];
        uint64 withdrawableAt = uint64(block.timestamp) + _UNBONDING;
        entry.status = Status.Unbonding;
        entry.withdrawableAt = withdrawableAt;
        _removeFromRoster(operator);
        emit UnbondingStarted(operator, withdrawableAt);
    }

    /// @dev Takes an operator off the roster; the order of the others stays.
    function _removeFromRoster(address operator) private {
        uint256 last = _roster.length - 1;
        uint256 position;
        while (_roster[position] != operator) ++position;
        for (; position < last; ++position) {
            _roster[position] = _roster[position + 1];
        }
        _roster.pop();
    }

    /// @dev Takes exactly `amount` from the sender.
    function _deposit(uint256 amount) private {
        uint256 before = _TOKEN.balanceOf(address(this));
        _TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = _TOKEN.balanceOf(address(this)) - before;
        if (received != amount) revert DepositMismatch(received, amount);
    }

    /// @dev Marks a key or address as registered, for ever.
    function _use(KeyKind kind, bytes32 key) private {
        if (key == 0) revert KeyMissing();
        if (_used[kind][key]) revert KeyUsed(key);
        _used[kind][key] = true;
    }

    /// @dev Sets the seats of later committees.
    function _setSeats(uint32 seats_) private {
        if (seats_ < MIN_COMMITTEE || seats_ > MAX_COMMITTEE) revert SettingInvalid();
        seats = seats_;
        emit SeatsSet(seats_);
    }

    /// @dev The entry of an operator that the sender owns.
    function _ownEntry(address operator) private view returns (Entry storage entry) {
        entry = _entries[operator];
        if (msg.sender != entry.owner) revert Unauthorized(msg.sender);
    }

    /// @dev The current committee, or the next one before the first activation.
    function _committee() private view returns (address[] memory) {
        return _currentGeneration == 0 ? _nextCommittee() : _members[_currentGeneration];
    }

    /// @dev The pending committee, or else who would be frozen now.
    function _nextCommittee() private view returns (address[] memory) {
        return _pendingGeneration == 0 ? _candidates() : _members[_pendingGeneration];
    }

    /// @dev The first `seats` eligible operators in order of joining.
    function _candidates() private view returns (address[] memory chosen) {
        uint256 length = _roster.length;
        uint256 size = seats;
        chosen = new address[](length < size ? length : size);
        uint256 found;
        for (uint256 i = 0; i < length && found < size; ++i) {
            Entry storage entry = _entries[_roster[i]];
            if (entry.leaving || entry.jailed || entry.stake < _SEAT_STAKE) continue;
            chosen[found++] = _roster[i];
        }
        address[] memory trimmed = new address[](found);
        for (uint256 i = 0; i < found; ++i) {
            trimmed[i] = chosen[i];
        }
        return trimmed;
    }

    /// @dev Committee root; 0 without members.
    function _rootOf(address[] memory chosen) private view returns (bytes32) {
        if (chosen.length == 0) return 0;
        bytes32[] memory leaves = new bytes32[](chosen.length);
        for (uint256 i = 0; i < chosen.length; ++i) {
            leaves[i] = _entries[chosen[i]].memberHash;
        }
        return MerkleTree.rootOf(leaves);
    }

    /// @dev All that is known of each of `chosen`.
    function _describe(address[] memory chosen) private view returns (Operator[] memory operators) {
        operators = new Operator[](chosen.length);
        for (uint256 i = 0; i < chosen.length; ++i) {
            operators[i] = operatorOf(chosen[i]);
        }
    }

    /// @dev Reverts unless the operator is queued or active.
    function _requireOnRoster(address operator, Status status) private pure {
        if (status != Status.Queued && status != Status.Active) revert WrongStatus(operator, status);
    }

    /// @dev Reverts unless `expected` signed `digest`.
    function _checkSignature(bytes32 digest, bytes calldata signature, address expected) private pure {
        (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure != ECDSA.RecoverError.NoError || signer != expected) revert ProofOfPossessionInvalid(expected);
    }

    /// @dev Reverts for an endpoint that is empty or too long.
    function _checkEndpoint(string calldata endpoint) private pure {
        uint256 length = bytes(endpoint).length;
        if (length == 0 || length > MAX_ENDPOINT_BYTES) revert EndpointInvalid();
    }
}
