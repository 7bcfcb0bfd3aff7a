// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title IVerifierRegistry
/// @notice Groth16 verifying keys by content, and zkVM selectors. A tombstone is for ever.
///
/// Anyone may add a verifying key: its id is the hash of its bytes, so nothing can be replaced. Selectors are named by
/// the owner. Both can be tombstoned when a flaw is found: by the owner or by the guardian, who can do nothing else.
interface IVerifierRegistry {
    /// @notice Unknown: never added. Active: in use. Tombstoned: refused for ever, added before or not.
    enum State {
        Unknown,
        Active,
        Tombstoned
    }

    /// @notice What a selector stands for.
    /// @param kind selector of the proof kind
    /// @param vkId verifying key of the wrapping circuit
    /// @param state whether it may be used
    struct Selector {
        bytes4 kind;
        bytes32 vkId;
        State state;
    }

    /// @notice A verifying key was added.
    event VerifyingKeyAdded(bytes32 indexed vkId, address indexed pointer, uint256 inputs);
    /// @notice A verifying key is refused for ever.
    event VerifyingKeyTombstoned(bytes32 indexed vkId, string reason);
    /// @notice A selector was named.
    event SelectorAdded(bytes4 indexed selector, bytes4 indexed kind, bytes32 indexed vkId);
    /// @notice A selector is refused for ever.
    event SelectorTombstoned(bytes4 indexed selector, string reason);
    /// @notice The guardian changed.
    event GuardianSet(address indexed guardian);

    /// @notice The sender may not do this.
    error Unauthorized(address sender);
    /// @notice The key's length is not 448 + 64 * k bytes with k from 1 to `MAX_INPUTS` + 1.
    error KeyLengthInvalid(uint256 length);
    /// @notice A point is not canonical, not on its curve, outside its subgroup, or alpha, beta, gamma or delta is infinity.
    error KeyPointInvalid(uint256 offset);
    /// @notice The key was added before.
    error KeyExists(bytes32 vkId);
    /// @notice The key was never added.
    error KeyUnknown(bytes32 vkId);
    /// @notice The key is tombstoned.
    error KeyDenied(bytes32 vkId);
    /// @notice The selector was named before.
    error SelectorExists(bytes4 selector);
    /// @notice The selector is tombstoned.
    error SelectorDenied(bytes4 selector);

    /// @notice Adds a verifying key.
    /// @param key EIP-197 encodings: alpha 64, beta 128, gamma 128, delta 128 bytes, then 64 bytes for each IC point
    /// @return vkId keccak256(key)
    function addVerifyingKey(bytes calldata key) external returns (bytes32 vkId);

    /// @notice Refuses a verifying key for ever, also before anybody adds it. From owner or guardian.
    function tombstoneVerifyingKey(bytes32 vkId, string calldata reason) external;

    /// @notice Names a selector. From the owner.
    function addSelector(bytes4 selector, bytes4 kind, bytes32 vkId) external;

    /// @notice Refuses a selector for ever, also before it was named. From owner or guardian.
    function tombstoneSelector(bytes4 selector, string calldata reason) external;

    /// @notice Names the guardian. From the owner.
    function setGuardian(address guardian) external;

    /// @notice The bytes of an active key. Reverts for an unknown or tombstoned one.
    function verifyingKey(bytes32 vkId) external view returns (bytes memory);

    /// @notice Where the key's bytes are: a contract whose code is one zero byte and the key. Reverts as `verifyingKey`.
    function pointerOf(bytes32 vkId) external view returns (address);

    /// @notice Whether a key may be used.
    function keyState(bytes32 vkId) external view returns (State);

    /// @notice What a selector stands for.
    function selectorOf(bytes4 selector) external view returns (Selector memory);

    /// @notice Who may only tombstone.
    function guardian() external view returns (address);

    /// @notice Most public inputs of a key.
    function MAX_INPUTS() external view returns (uint256);
}
