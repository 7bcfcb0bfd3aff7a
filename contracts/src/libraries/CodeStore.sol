// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title CodeStore
/// @notice Keeps bytes as a contract's code, behind one zero byte that stops whoever calls it. One cold read costs 2,600
/// gas for any length, where storage takes 2,100 for each 32 bytes.
library CodeStore {
    /// @notice The contract could not be created, or `data` is longer than `BYTES_MAX`.
    error StoreFailed();

    /// @notice Most bytes that fit: a code's 24,576 (EIP-170) less the leading zero.
    uint256 internal constant BYTES_MAX = 24_575;

    /// @notice Deploys `data`.
    function write(bytes memory data) internal returns (address pointer) {
        if (data.length > BYTES_MAX) revert StoreFailed();
        // PUSH2 size, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN, then the code itself
        // forge-lint: disable-next-line(unsafe-typecast)
        bytes memory creation = abi.encodePacked(hex"61", uint16(data.length + 1), hex"80600a5f395ff3", hex"00", data);
        assembly ("memory-safe") {
            pointer := create(0, add(creation, 32), mload(creation))
        }
        if (pointer == address(0)) revert StoreFailed();
    }

    /// @notice `length` bytes from `offset` of what `write` stored. Past the end they are zero.
    function read(address pointer, uint256 offset, uint256 length) internal view returns (bytes memory data) {
        assembly ("memory-safe") {
            data := mload(0x40)
            mstore(data, length)
            let end := add(add(data, 32), length)
            // the last word's padding, so that no dirty byte follows the data
            mstore(end, 0)
            extcodecopy(pointer, add(data, 32), add(offset, 1), length)
            mstore(0x40, and(add(end, 31), not(31)))
        }
    }

    /// @notice The 32 bytes of `data` from `offset` on, which must lie inside.
    function word(bytes memory data, uint256 offset) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), offset))
        }
    }

    /// @notice Everything that `write` stored.
    function readAll(address pointer) internal view returns (bytes memory) {
        return read(pointer, 0, pointer.code.length - 1);
    }
}
