// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title IOperatorRegistry
/// @notice Who may be a member of the committee: stake, keys and endpoints, entry and exit.
///
/// Life of an operator. `register` deposits one seat's stake and queues. `freezeCommittee` fixes the pending committee:
/// the first `seats` eligible operators in order of joining, so that members stay while they are eligible. When the hub
/// has seen the pending committee's key it calls `activateCommittee`: the pending committee is the current one, and
/// whoever was a member and no longer is starts unbonding. `requestExit` asks to be left out of the next committee; an operator
/// that was never frozen may go at once.
///
/// Keys. The owner pays and gets the stake back; the operator address signs bundles and transactions; the consensus key
/// signs votes. Operator and consensus key both sign the registration (EIP-712), so nobody registers another's. The
/// ed25519 and X25519 keys are not checked here: nobody but their holder can use them. Each key may appear only once among
/// the keys of its kind, where operator addresses and the addresses of consensus keys are one kind: both are proven.
///
/// Assumptions. The stake token is an ordinary ERC-20: a transfer that brings less than asked is refused, a balance that
/// changes by itself would break the accounts. Timestamps are the chain's.
interface IOperatorRegistry {
    /// @notice Where an operator stands.
    /// None: never registered. Queued: staked, not a member. Active: member of the current committee.
    /// Unbonding: waits for `withdrawableAt`. Exited: took its stake back.
    enum Status {
        None,
        Queued,
        Active,
        Unbonding,
        Exited
    }

    /// @notice What an operator registers.
    /// @param operator address that signs bundles and transactions
    /// @param consensusKey secp256k1, uncompressed without prefix, 64 bytes
    /// @param networkKey ed25519
    /// @param encryptionKey X25519
    /// @param endpoint where other operators reach it, a multiaddr
    struct Registration {
        address operator;
        bytes consensusKey;
        bytes32 networkKey;
        bytes32 encryptionKey;
        string endpoint;
    }

    /// @notice An operator as others see it.
    struct Operator {
        address operator;
        address owner;
        bytes consensusKey;
        bytes32 networkKey;
        bytes32 encryptionKey;
        string endpoint;
        uint256 stake;
        Status status;
        bool leaving;
        bool jailed;
        uint64 joinNumber;
        uint64 withdrawableAt;
    }

    /// @notice An operator staked and queued.
    event Registered(address indexed operator, address indexed owner, uint64 joinNumber, bytes32 memberHash);
    /// @notice An operator changed its endpoint.
    event EndpointChanged(address indexed operator, string endpoint);
    /// @notice An operator asked to leave.
    event Leaving(address indexed operator);
    /// @notice An operator's unbonding began.
    event UnbondingStarted(address indexed operator, uint64 withdrawableAt);
    /// @notice An operator's stake went back.
    event StakeWithdrawn(address indexed operator, address indexed to, uint256 amount);
    /// @notice An operator filled its seat's stake up again.
    event StakeAdded(address indexed operator, uint256 amount);
    /// @notice The pending committee is fixed.
    event CommitteeFrozen(uint64 indexed generation, bytes32 root, address[] members);
    /// @notice The pending committee is given up: too few operators are eligible to replace it.
    event CommitteeDropped(uint64 indexed generation);
    /// @notice The pending committee became the current one.
    event CommitteeActivated(uint64 indexed generation, bytes32 root);
    /// @notice An operator is kept out of later committees.
    event Jailed(address indexed operator);
    /// @notice An operator may be a member again.
    event Unjailed(address indexed operator);
    /// @notice An operator lost stake: half to the reporter, the rest burnt.
    event Slashed(address indexed operator, address indexed reporter, uint256 amount, uint256 reward);
    /// @notice A reporter took its rewards.
    event RewardWithdrawn(address indexed reporter, address indexed to, uint256 amount);
    /// @notice The hub is fixed for good.
    event HubSet(address indexed hub);
    /// @notice The contract that may jail and slash changed.
    event SlasherSet(address indexed slasher);
    /// @notice The number of seats of later committees changed.
    event SeatsSet(uint32 seats);

    /// @notice A constructor argument or setting is out of its range.
    error SettingInvalid();
    /// @notice An address that must not be zero is.
    error ZeroAddress();
    /// @notice The sender may not do this.
    error Unauthorized(address sender);
    /// @notice The hub was already set.
    error HubAlreadySet();
    /// @notice Unbonding must last longer than the hub's challenge window.
    error UnbondingTooShort(uint64 unbonding, uint64 window);
    /// @notice The consensus key is not 64 bytes.
    error ConsensusKeyInvalid();
    /// @notice A key or address is zero.
    error KeyMissing();
    /// @notice A key or address was registered before as one of its kind, now or in the past.
    error KeyUsed(bytes32 key);
    /// @notice The operator address or consensus key did not sign this registration.
    error ProofOfPossessionInvalid(address expected);
    /// @notice The endpoint is empty or longer than `MAX_ENDPOINT_BYTES`.
    error EndpointInvalid();
    /// @notice Registered operators reached `MAX_OPERATORS`.
    error RosterFull();
    /// @notice The token brought another amount than asked.
    error DepositMismatch(uint256 received, uint256 expected);
    /// @notice The operator is not in the state that this needs.
    error WrongStatus(address operator, Status status);
    /// @notice The operator already asked to leave.
    error AlreadyLeaving(address operator);
    /// @notice The operator is a member of the pending committee and must wait for the next one.
    error MemberOfPending(address operator);
    /// @notice The stake can't be taken yet.
    error NotWithdrawable(address operator, uint64 withdrawableAt);
    /// @notice Too few eligible operators for a committee.
    error CommitteeTooSmall(uint256 eligible, uint256 needed);
    /// @notice The pending committee is younger than `FREEZE_INTERVAL`.
    error FrozenRecently(uint64 retryAt);
    /// @notice There is no pending committee.
    error NothingPending();
    /// @notice The amount is zero or more than there is.
    error AmountInvalid(uint256 amount);

    /// @notice Stakes one seat for an operator. The sender becomes its owner and pays `seatStake`.
    /// @param registration keys and endpoint
    /// @param operatorSignature by the operator address over `registrationDigest`, 65 bytes
    /// @param consensusSignature by the consensus key over `registrationDigest`, 65 bytes
    function register(
        Registration calldata registration,
        bytes calldata operatorSignature,
        bytes calldata consensusSignature
    )
        external;

    /// @notice Changes the endpoint. From the owner or the operator.
    function setEndpoint(address operator, string calldata endpoint) external;

    /// @notice Asks to be left out of the next committee. From the owner.
    function requestExit(address operator) external;

    /// @notice Fills a slashed operator's stake up to `seatStake`. From the owner.
    function addStake(address operator, uint128 amount) external;

    /// @notice Takes the stake back after leaving. From the owner.
    function withdrawStake(address operator, address to) external;

    /// @notice Fixes the pending committee. Anyone. The first committee needs exactly `seats` members, later ones at
    /// least `MIN_COMMITTEE`. After `FREEZE_INTERVAL` a pending committee stays if the same operators would be chosen again,
    /// is replaced if others would, and is dropped if they would be too few, so that its members may leave.
    /// @return generation of the pending committee; 0 if it was dropped
    function freezeCommittee() external returns (uint64 generation);

    /// @notice Makes the pending committee the current one. From the hub.
    function activateCommittee() external;

    /// @notice Keeps an operator out of later committees. From the slasher.
    function jail(address operator) external;

    /// @notice Lets an operator into committees again. From the slasher.
    function unjail(address operator) external;

    /// @notice Takes stake, also while unbonding: half to `reporter`, the rest burns; all of it without a reporter.
    /// From the slasher.
    function slash(address operator, uint128 amount, address reporter) external;

    /// @notice Sends the sender's rewards to `to`.
    function withdrawReward(address to) external;

    /// @notice Fixes the hub, once. From the owner of this contract.
    function setHub(address hub) external;

    /// @notice Names the contract that may jail and slash. From the owner of this contract.
    function setSlasher(address slasher) external;

    /// @notice Sets the seats of later committees. From the owner of this contract.
    function setSeats(uint32 seats) external;

    /// @notice The current committee in order of joining; before the first activation the pending one, or else the
    /// operators that would be frozen now.
    function committee() external view returns (Operator[] memory);

    /// @notice The addresses of `committee()`.
    function members() external view returns (address[] memory);

    /// @notice Commits to members, order and keys of `committee()`; endpoints may change without it.
    function committeeRoot() external view returns (bytes32);

    /// @notice The committee that is frozen, or else would be frozen now.
    function nextCommittee() external view returns (Operator[] memory);

    /// @notice Commits to members, order and keys of `nextCommittee()`.
    function nextCommitteeRoot() external view returns (bytes32);

    /// @notice Generation and size of the pending committee; 0 and 0 if there is none.
    function pending() external view returns (uint64 generation, uint32 size);

    /// @notice Whether `operator` is in the pending committee.
    function isPendingMember(address operator) external view returns (bool);

    /// @notice Whether `operator` is in the current committee.
    function isMember(address operator) external view returns (bool);

    /// @notice Generation and size of the current committee; 0 and 0 before the first.
    function current() external view returns (uint64 generation, uint32 size);

    /// @notice All that is known of an operator.
    function operatorOf(address operator) external view returns (Operator memory);

    /// @notice Hash that a member contributes to the committee root.
    function memberHash(address operator) external view returns (bytes32);

    /// @notice EIP-712 digest that operator address and consensus key sign; binds the owner.
    function registrationDigest(address owner, Registration calldata registration) external view returns (bytes32);

    /// @notice The token staked.
    function stakeToken() external view returns (address);

    /// @notice Stake a seat costs.
    function seatStake() external view returns (uint128);

    /// @notice Seats of later committees.
    function seats() external view returns (uint32);

    /// @notice Seconds from the rotation that ends a membership to the stake's release.
    function unbondingPeriod() external view returns (uint64);

    /// @notice The hub; zero until set.
    function hub() external view returns (address);

    /// @notice The contract that may jail and slash; zero for none.
    function slasher() external view returns (address);

    /// @notice Rewards owed to a reporter.
    function rewardOf(address reporter) external view returns (uint256);

    /// @notice Slashed stake that is locked here for ever, which is how it burns.
    function burnt() external view returns (uint256);

    /// @notice Smallest committee.
    function MIN_COMMITTEE() external view returns (uint32);

    /// @notice Largest committee.
    function MAX_COMMITTEE() external view returns (uint32);

    /// @notice Most operators registered at one time.
    function MAX_OPERATORS() external view returns (uint256);

    /// @notice Longest endpoint.
    function MAX_ENDPOINT_BYTES() external view returns (uint256);

    /// @notice Seconds before a pending committee may be replaced.
    function FREEZE_INTERVAL() external view returns (uint64);
}
