// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title OutcomeRecorder
/// @notice Writes packed outcomes into the lanes of `Lanes`, in Yul, because its loop is what a large batch pays for.
/// `test/support/ReferenceRecorder.sol` is the same without assembly; a differential fuzz test holds them together.
library OutcomeRecorder {
    /// @notice Records each outcome of `packed` whose job is issued and has none.
    /// @param pages the lanes
    /// @param packed outcomes as `PackedOutcomes`, a whole number of them
    /// @param issued highest job index issued; the lanes up to it are not 0
    /// @param stamp lane of a Valid outcome recorded now, `Lanes.encode(time, 0)`
    /// @return paying recorded outcomes that found their job's fee still here
    /// @dev Reverts with `IAttestationHub.PackedMalformed` if indices do not ascend strictly or a verdict exceeds 3;
    /// emits `IAttestationHub.OutcomeSkipped` for each outcome that it does not record.
    function record(
        uint256[1 << 61] storage pages,
        bytes calldata packed,
        uint256 issued,
        uint256 stamp
    )
        internal
        returns (uint256 paying)
    {
        assembly ("memory-safe") {
            // Lanes of the eight outcomes from `cursor` on, if they are those of eight jobs in sequence, the first of them
            // `entry`: `index << 8 | verdict` of each, less what a Valid one would have, is its verdict. If `all` is above
            // 3 there is a gap, a wrong order or a wrong verdict.
            function eight(cursor, entry) -> lanes, all {
                let base := and(entry, not(0xff))
                lanes := sub(entry, base)
                all := lanes
                let lane := sub(shr(184, calldataload(add(cursor, 27))), add(base, 0x100))
                all := or(all, lane)
                lanes := or(lanes, shl(32, lane))
                lane := sub(shr(184, calldataload(add(cursor, 54))), add(base, 0x200))
                all := or(all, lane)
                lanes := or(lanes, shl(64, lane))
                lane := sub(shr(184, calldataload(add(cursor, 81))), add(base, 0x300))
                all := or(all, lane)
                lanes := or(lanes, shl(96, lane))
                lane := sub(shr(184, calldataload(add(cursor, 108))), add(base, 0x400))
                all := or(all, lane)
                lanes := or(lanes, shl(128, lane))
                lane := sub(shr(184, calldataload(add(cursor, 135))), add(base, 0x500))
                all := or(all, lane)
                lanes := or(lanes, shl(160, lane))
                lane := sub(shr(184, calldataload(add(cursor, 162))), add(base, 0x600))
                all := or(all, lane)
                lanes := or(lanes, shl(192, lane))
                lane := sub(shr(184, calldataload(add(cursor, 189))), add(base, 0x700))
                all := or(all, lane)
                lanes := or(lanes, shl(224, lane))
            }

            let cursor := packed.offset
            let end := add(cursor, packed.length)
            // the last index walked, 0 before the first: no valid index is 0
            let former := 0
            let slot := 0
            let page := 0
            for {} lt(cursor, end) {} {
                let entry := shr(184, calldataload(cursor))
                let index := shr(8, entry)
                let here := add(pages.slot, shr(3, index))
                if xor(here, slot) {
                    if former { sstore(slot, page) }
                    slot := here
                    page := sload(slot)
                    // eight outcomes may fill a page whose lanes are all open
                    if iszero(or(and(index, 7), gt(add(cursor, 216), end))) {
                        let lanes, all := eight(cursor, entry)
                        if and(
                            and(lt(all, 4), gt(index, former)),
                            and(
                                lt(add(index, 6), issued),
                                eq(page, 0x0000000100000001000000010000000100000001000000010000000100000001)
                            )
                        ) {
                            page := or(
                                lanes,
                                mul(stamp, 0x0000000100000001000000010000000100000001000000010000000100000001)
                            )
                            paying := add(paying, 8)
                            former := add(index, 7)
                            cursor := add(cursor, 216)
                            continue
                        }
                    }
                }

                entry := and(entry, 0xff)
                if or(iszero(gt(index, former)), gt(entry, 3)) {
                    // PackedMalformed()
                    mstore(0, 0xe61029d5)
                    revert(28, 4)
                }
                former := index
                cursor := add(cursor, 27)
                let shift := shl(5, and(index, 7))
                let lane := and(shr(shift, page), 0xffffffff)
                if or(gt(index, issued), gt(lane, 3)) {
                    // OutcomeSkipped(uint64 indexed, uint8)
                    mstore(0, entry)
                    log2(0, 32, 0xe80a087b08954c4fa487508c6750a2f5df7fabb734c36f5783e8cf1cce1c69d6, index)
                    continue
                }
                page := xor(page, shl(shift, xor(lane, or(stamp, entry))))
                paying := add(paying, eq(lane, 1))
            }
            if former { sstore(slot, page) }
        }
    }
}
