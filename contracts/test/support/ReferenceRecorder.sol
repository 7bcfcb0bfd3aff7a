// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationHub} from "../../src/interfaces/IAttestationHub.sol";
import {Lanes} from "../../src/libraries/Lanes.sol";

/// @dev `OutcomeRecorder.record` without assembly, one outcome after another.
library ReferenceRecorder {
    function record(
        uint256[1 << 61] storage pages,
        bytes calldata packed,
        uint256 issued,
        uint256 stamp
    )
        internal
        returns (uint256 paying)
    {
        uint64 former;
        for (uint256 offset = 0; offset < packed.length; offset += 27) {
            uint64 index = uint64(bytes8(packed[offset:offset + 8]));
            uint8 verdict = uint8(packed[offset + 8]);
            if (index <= former || verdict > 3) revert IAttestationHub.PackedMalformed();
            former = index;
            uint256 lane = Lanes.get(pages[index / 8], index);
            if (index > issued || Lanes.isRecorded(lane)) {
                emit IAttestationHub.OutcomeSkipped(index, verdict);
                continue;
            }
            pages[index / 8] = Lanes.set(pages[index / 8], index, stamp | verdict);
            if (lane == Lanes.OPEN) ++paying;
        }
    }
}
