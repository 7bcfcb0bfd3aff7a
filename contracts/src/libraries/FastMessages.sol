// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Messages} from "./Messages.sol";

/// @title FastMessages
/// @notice The two hashes that every settlement makes, in Yul. `Messages` has the same in plain Solidity; a differential
/// fuzz test holds them together.
library FastMessages {
    /// @notice `Messages.accumulate` with keccak256(packed).
    function accumulate(
        bytes32 previousAcc,
        bytes32 root,
        bytes calldata packed,
        uint256 count
    )
        internal
        pure
        returns (bytes32 acc)
    {
        bytes32 tag = Messages.TAG_ACC;
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, packed.offset, packed.length)
            let packedHash := keccak256(free, packed.length)
            mstore(free, tag)
            mstore(add(free, 32), previousAcc)
            mstore(add(free, 64), root)
            mstore(add(free, 96), packedHash)
            mstore(add(free, 128), count)
            acc := keccak256(free, 160)
        }
    }

    /// @notice `Messages.attest` for this chain and the calling contract. The numbers must fit their types.
    function attest(
        bytes32 ledgerId,
        uint256 committeeId,
        uint256 epoch,
        uint256 height,
        bytes32 blockId,
        bytes32 acc
    )
        internal
        view
        returns (bytes32 message)
    {
        bytes32 tag = Messages.TAG_ATTEST;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, tag)
            mstore(add(free, 32), ledgerId)
            mstore(add(free, 64), chainid())
            mstore(add(free, 96), address())
            mstore(add(free, 128), committeeId)
            mstore(add(free, 160), epoch)
            mstore(add(free, 192), height)
            mstore(add(free, 224), blockId)
            mstore(add(free, 256), acc)
            message := keccak256(free, 288)
        }
    }
}
