// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title PackedOutcomes
/// @notice Outcomes as `submit` takes them: 27 bytes each, jobIndex u64 ‖ verdict u8 ‖ code u16 ‖ value u128, big-endian.
library PackedOutcomes {
    /// @notice Bytes of one outcome.
    uint256 internal constant SIZE = 27;

    /// @notice Number of outcomes, or 0 if the length is not a multiple of `SIZE`.
    function count(bytes calldata packed) internal pure returns (uint256) {
        return packed.length % SIZE == 0 ? packed.length / SIZE : 0;
    }
}
