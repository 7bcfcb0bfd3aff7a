// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationHub} from "../../src/interfaces/IAttestationHub.sol";
import {FastMessages} from "../../src/libraries/FastMessages.sol";
import {Lanes} from "../../src/libraries/Lanes.sol";
import {OutcomeRecorder} from "../../src/libraries/OutcomeRecorder.sol";
import {PackedOutcomes} from "../../src/libraries/PackedOutcomes.sol";

/// @dev What `AttestationHub.submit` does, with the signature's scheme left open: the same calldata but for the signature, the
/// same slots, the same libraries, the same event, the same 32 signed bytes. Ledger, committee and epoch are immutable
/// here, which favours the schemes compared: the hub reads them with its key.
abstract contract RecordingHub {
    error SignatureInvalid();

    uint256 private constant _HEIGHT_SHIFT = 160;
    uint256 private constant _JOB_COUNT_SHIFT = 208;
    uint256 private constant _HEIGHT_MASK = uint256(type(uint48).max) << _HEIGHT_SHIFT;

    bytes32 private immutable _LEDGER;
    uint64 private immutable _EPOCH;
    uint256 private immutable _FEE;
    uint256 private immutable _TIME_ORIGIN;

    /// @dev jobCount u48 ‖ lastHeight u48 ‖ pointer to the keys u160, as in the hub.
    uint256 private _head;
    bytes32 private _lastAccComplement = ~bytes32(0);
    uint256[1 << 61] private _pages;
    mapping(address account => uint256) private _credits;

    constructor(bytes32 ledger, uint64 epoch, uint256 fee, address keys) {
        (_LEDGER, _EPOCH, _FEE, _TIME_ORIGIN) = (ledger, epoch, fee, block.timestamp - 1);
        _head = uint160(keys);
    }

    /// @dev What requests and the activation of a committee leave behind: open pages, and credit slots that are not zero.
    function open(uint256 jobs, address submitter) external {
        _head += jobs << _JOB_COUNT_SHIFT;
        for (uint256 i = 0; i <= jobs / 8; ++i) {
            _pages[i] = Lanes.OPEN_PAGE;
        }
        _credits[submitter] = 1;
    }

    function submit(
        uint64 epoch,
        uint64 height,
        bytes32 blockId,
        IAttestationHub.Batch[] calldata batches,
        bytes calldata signature
    )
        external
    {
        uint256 head = _head;
        if (height <= uint48(head >> _HEIGHT_SHIFT)) {
            revert IAttestationHub.StaleHeight(height, uint48(head >> _HEIGHT_SHIFT));
        }
        if (height > type(uint48).max) revert IAttestationHub.HeightOutOfRange(height);
        if (epoch != _EPOCH) revert IAttestationHub.WrongEpoch(epoch, _EPOCH);

        bytes32 acc = ~_lastAccComplement;
        uint256 stamp = Lanes.encode(block.timestamp - _TIME_ORIGIN, 0);
        uint256 paying;
        for (uint256 i = 0; i < batches.length; ++i) {
            bytes calldata packed = batches[i].packed;
            uint256 count = PackedOutcomes.count(packed);
            if (count == 0) revert IAttestationHub.PackedMalformed();
            acc = FastMessages.accumulate(acc, batches[i].root, packed, count);
            unchecked {
                paying += OutcomeRecorder.record(_pages, packed, head >> _JOB_COUNT_SHIFT, stamp);
            }
        }
        _lastAccComplement = ~acc;
        _head = (head & ~_HEIGHT_MASK) | uint256(height) << _HEIGHT_SHIFT;
        unchecked {
            if (paying != 0) _credits[msg.sender] += paying * _FEE;
        }
        emit IAttestationHub.Attested(height, acc);
        bytes32 message = FastMessages.attest(_LEDGER, 0, epoch, height, blockId, acc);
        if (!_isSigned(address(uint160(head)), message, signature)) revert SignatureInvalid();
    }

    function laneOf(uint256 jobIndex) external view returns (uint256) {
        return Lanes.get(_pages[Lanes.pageOf(jobIndex)], jobIndex);
    }

    /// @dev Whether enough of those whose keys are at `keys` signed `message`.
    function _isSigned(address keys, bytes32 message, bytes calldata signature) internal view virtual returns (bool);
}
