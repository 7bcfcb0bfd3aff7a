// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {CodeStore} from "./libraries/CodeStore.sol";

/// @title VerifierRegistry
/// @notice See `IVerifierRegistry`, the contract's manual.
contract VerifierRegistry is IVerifierRegistry, Ownable2Step {
    /// @inheritdoc IVerifierRegistry
    uint256 public constant MAX_INPUTS = 256;

    uint256 private constant _G1_BYTES = 64;
    uint256 private constant _G2_BYTES = 128;
    /// @dev alpha, beta, gamma and delta.
    uint256 private constant _HEAD_BYTES = _G1_BYTES + 3 * _G2_BYTES;
    /// @dev Twice the price of a BN254 addition (EIP-1108).
    uint256 private constant _ADD_GAS_MAX = 300;
    /// @dev Twice the price of a pairing check of one pair (EIP-1108).
    uint256 private constant _PAIRING_GAS_MAX = 158_000;
    address private constant _ADD = address(0x06);
    address private constant _PAIRING = address(0x08);

    /// @inheritdoc IVerifierRegistry
    address public guardian;

    mapping(bytes32 vkId => address) private _pointers;
    mapping(bytes32 vkId => bool) private _keyTombstones;
    mapping(bytes4 selector => Selector) private _selectors;

    modifier onlyOwnerOrGuardian() {
        if (msg.sender != owner() && msg.sender != guardian) revert Unauthorized(msg.sender);
        _;
    }

    /// @param owner_ names selectors and guardian, and may tombstone
    /// @param guardian_ may only tombstone; zero for none
    constructor(address owner_, address guardian_) Ownable(owner_) {
        _setGuardian(guardian_);
    }

    /// @inheritdoc IVerifierRegistry
    function addVerifyingKey(bytes calldata key) external returns (bytes32 vkId) {
        if (
            key.length <= _HEAD_BYTES || (key.length - _HEAD_BYTES) % _G1_BYTES != 0
                || key.length > _HEAD_BYTES + (MAX_INPUTS + 1) * _G1_BYTES
        ) {
            revert KeyLengthInvalid(key.length);
        }
        vkId = keccak256(key);
        if (_keyTombstones[vkId]) revert KeyDenied(vkId);
        if (_pointers[vkId] != address(0)) revert KeyExists(vkId);
        _checkPoints(key);

        address pointer = CodeStore.write(key);
        _pointers[vkId] = pointer;
        emit VerifyingKeyAdded(vkId, pointer, (key.length - _HEAD_BYTES) / _G1_BYTES - 1);
    }

    /// @inheritdoc IVerifierRegistry
    function tombstoneVerifyingKey(bytes32 vkId, string calldata reason) external onlyOwnerOrGuardian {
        if (_keyTombstones[vkId]) revert KeyDenied(vkId);
        _keyTombstones[vkId] = true;
        emit VerifyingKeyTombstoned(vkId, reason);
    }

    /// @inheritdoc IVerifierRegistry
    function addSelector(bytes4 selector, bytes4 kind, bytes32 vkId) external onlyOwner {
        State state = _selectors[selector].state;
        if (state == State.Tombstoned) revert SelectorDenied(selector);
        if (state == State.Active) revert SelectorExists(selector);
        _requireActiveKey(vkId);
        _selectors[selector] = Selector(kind, vkId, State.Active);
        emit SelectorAdded(selector, kind, vkId);
    }

    /// @inheritdoc IVerifierRegistry
    function tombstoneSelector(bytes4 selector, string calldata reason) external onlyOwnerOrGuardian {
        if (_selectors[selector].state == State.Tombstoned) revert SelectorDenied(selector);
        _selectors[selector].state = State.Tombstoned;
        emit SelectorTombstoned(selector, reason);
    }

    /// @inheritdoc IVerifierRegistry
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    /// @inheritdoc IVerifierRegistry
    function verifyingKey(bytes32 vkId) external view returns (bytes memory) {
        return CodeStore.readAll(pointerOf(vkId));
    }

    /// @inheritdoc IVerifierRegistry
    function pointerOf(bytes32 vkId) public view returns (address) {
        _requireActiveKey(vkId);
        return _pointers[vkId];
    }

    /// @inheritdoc IVerifierRegistry
    function keyState(bytes32 vkId) external view returns (State) {
        if (_keyTombstones[vkId]) return State.Tombstoned;
        return _pointers[vkId] == address(0) ? State.Unknown : State.Active;
    }

    /// @inheritdoc IVerifierRegistry
    function selectorOf(bytes4 selector) external view returns (Selector memory) {
        return _selectors[selector];
    }

    /// @dev Names the guardian.
    function _setGuardian(address guardian_) private {
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    /// @dev Reverts unless the key may be used.
    function _requireActiveKey(bytes32 vkId) private view {
        if (_keyTombstones[vkId]) revert KeyDenied(vkId);
        if (_pointers[vkId] == address(0)) revert KeyUnknown(vkId);
    }

    /// @dev Reverts unless every point is a canonical member of its group. Only an IC point may be infinity.
    function _checkPoints(bytes calldata key) private view {
        _checkG1(key, 0);
        if (_isZero(key[:_G1_BYTES])) revert KeyPointInvalid(0);
        for (uint256 offset = _G1_BYTES; offset < _HEAD_BYTES; offset += _G2_BYTES) {
            bytes calldata point = key[offset:offset + _G2_BYTES];
            // the pairing with infinity is 1 for every member of G2; the precompile refuses anything else
            (bool ok, bytes memory result) =
                _PAIRING.staticcall{gas: _PAIRING_GAS_MAX}(bytes.concat(new bytes(_G1_BYTES), point));
            if (!ok || result.length != 32 || _isZero(point)) revert KeyPointInvalid(offset);
        }
        for (uint256 offset = _HEAD_BYTES; offset < key.length; offset += _G1_BYTES) {
            _checkG1(key, offset);
        }
    }

    /// @dev Reverts unless the 64 bytes at `offset` are a point of G1: the addition refuses anything else.
    function _checkG1(bytes calldata key, uint256 offset) private view {
        bytes memory input = bytes.concat(key[offset:offset + _G1_BYTES], new bytes(_G1_BYTES));
        (bool ok, bytes memory result) = _ADD.staticcall{gas: _ADD_GAS_MAX}(input);
        if (!ok || result.length != _G1_BYTES) revert KeyPointInvalid(offset);
    }

    /// @dev Whether all bytes are zero.
    function _isZero(bytes calldata data) private pure returns (bool) {
        return keccak256(data) == keccak256(new bytes(data.length));
    }
}
