// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Lanes
/// @notice What the hub keeps of each job for settlement: 32 bits, 8 jobs to a storage slot, called a page.
///
/// A lane is 0 before the job is issued; `OPEN` or `REFUNDED` without an outcome; else `time << 2 | verdict`, where time
/// counts seconds from a fixed moment and starts at 1. The first request of a page opens all its lanes at once, so that
/// recording changes a slot that is not zero, which costs 5,000 gas where a fresh one costs 22,100.
library Lanes {
    /// @notice Issued, the fee still here.
    uint256 internal constant OPEN = 1;
    /// @notice Issued, the fee taken back, no outcome.
    uint256 internal constant REFUNDED = 2;
    /// @notice A page whose lanes are all open.
    uint256 internal constant OPEN_PAGE = 0x0000000100000001000000010000000100000001000000010000000100000001;
    /// @notice Latest time that fits.
    uint256 internal constant TIME_MAX = (1 << 30) - 1;

    uint256 private constant _LANE_MASK = 0xffffffff;

    /// @notice Whether the job with this index is the first of its page. Indices start at 1.
    function opensPage(uint256 jobIndex) internal pure returns (bool) {
        return jobIndex & 7 == 0 || jobIndex == 1;
    }

    /// @notice The page that holds a job.
    function pageOf(uint256 jobIndex) internal pure returns (uint256) {
        return jobIndex >> 3;
    }

    /// @notice The job's lane in its page.
    function get(uint256 page, uint256 jobIndex) internal pure returns (uint256) {
        return (page >> ((jobIndex & 7) << 5)) & _LANE_MASK;
    }

    /// @notice The page with the job's lane replaced. `lane` must fit 32 bits.
    function set(uint256 page, uint256 jobIndex, uint256 lane) internal pure returns (uint256) {
        uint256 shift = (jobIndex & 7) << 5;
        return (page & ~(_LANE_MASK << shift)) | (lane << shift);
    }

    /// @notice Whether a lane holds an outcome.
    function isRecorded(uint256 lane) internal pure returns (bool) {
        return lane > 3;
    }

    /// @notice The lane of an outcome. `verdict` is at most 3 and `time` from 1 to `TIME_MAX`.
    function encode(uint256 time, uint256 verdict) internal pure returns (uint256) {
        return time << 2 | verdict;
    }

    /// @notice Time and verdict of a lane that holds an outcome.
    function decode(uint256 lane) internal pure returns (uint256 time, uint8 verdict) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return (lane >> 2, uint8(lane & 3));
    }
}
