// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CodeStore} from "../src/libraries/CodeStore.sol";
import {FastMessages} from "../src/libraries/FastMessages.sol";
import {Lanes} from "../src/libraries/Lanes.sol";
import {MerkleTree} from "../src/libraries/MerkleTree.sol";
import {Messages} from "../src/libraries/Messages.sol";
import {OutcomeRecorder} from "../src/libraries/OutcomeRecorder.sol";
import {PackedOutcomes} from "../src/libraries/PackedOutcomes.sol";
import {ReferenceRecorder} from "./support/ReferenceRecorder.sol";
import {TestBase, Vm} from "./support/Vm.sol";

/// @dev Pages of lanes with either recorder before them.
contract RecorderHarness {
    uint256 private _first = 0xf1257;
    uint256[1 << 61] private _pages;
    uint256 private _last = 0x1a57;
    bool private immutable _FAST;

    constructor(bool fast) {
        _FAST = fast;
    }

    function set(uint256 page, uint256 lanes) external {
        _pages[page] = lanes;
    }

    function get(uint256 page) external view returns (uint256) {
        return _pages[page];
    }

    function record(bytes calldata packed, uint256 issued, uint256 stamp) external returns (uint256) {
        return _FAST
            ? OutcomeRecorder.record(_pages, packed, issued, stamp)
            : ReferenceRecorder.record(_pages, packed, issued, stamp);
    }

    function neighbours() external view returns (uint256, uint256) {
        return (_first, _last);
    }
}

/// @dev The other libraries behind external calls.
contract LibraryHarness {
    function contains(
        bytes32 root,
        uint256 count,
        bytes32 leaf,
        uint256 position,
        bytes32[] calldata siblings
    )
        external
        pure
        returns (bool)
    {
        return MerkleTree.contains(root, count, leaf, position, siblings);
    }

    function rootOf(bytes32[] memory leaves) external pure returns (bytes32) {
        return MerkleTree.rootOf(leaves);
    }

    function accumulate(
        bytes32 acc,
        bytes32 root,
        bytes calldata packed,
        uint32 count
    )
        external
        pure
        returns (bytes32, bytes32)
    {
        return
            (
                FastMessages.accumulate(acc, root, packed, count),
                Messages.accumulate(acc, root, keccak256(packed), count)
            );
    }

    function attest(
        bytes32 ledger,
        uint32 committee,
        uint64 epoch,
        uint64 height,
        bytes32 block_,
        bytes32 acc
    )
        external
        view
        returns (bytes32, bytes32)
    {
        return (
            FastMessages.attest(ledger, committee, epoch, height, block_, acc),
            Messages.attest(ledger, block.chainid, address(this), committee, epoch, height, block_, acc)
        );
    }

    function countOf(bytes calldata packed) external pure returns (uint256) {
        return PackedOutcomes.count(packed);
    }

    function write(bytes memory data) external returns (address) {
        return CodeStore.write(data);
    }
}

contract LibrariesTest is TestBase {
    uint256 private constant _PAGES = 12;

    RecorderHarness private _fast;
    RecorderHarness private _reference;
    LibraryHarness private _libraries;

    function setUp() public {
        _fast = new RecorderHarness(true);
        _reference = new RecorderHarness(false);
        _libraries = new LibraryHarness();
    }

    function testFuzz_record_anyPackedAndLanes_equalsReference(uint256 seed, uint256 length, uint256 issued) public {
        length = _bound(length, 0, 60);
        issued = _bound(issued, 0, _PAGES * 8 - 1);
        for (uint256 page = 0; page < _PAGES; ++page) {
            uint256 lanes = _lanes(seed, page, issued);
            _fast.set(page, lanes);
            _reference.set(page, lanes);
        }
        _compare(_packed(seed, length), issued, seed >> 200 & 0xfffffffc);
    }

    function testFuzz_record_runsOfValidJobs_equalsReference(uint256 first, uint256 length, uint256 broken) public {
        first = _bound(first, 1, 20);
        length = _bound(length, 1, 70);
        for (uint256 page = 0; page < _PAGES; ++page) {
            _fast.set(page, Lanes.OPEN_PAGE);
            _reference.set(page, Lanes.OPEN_PAGE);
        }
        bytes memory packed;
        for (uint256 i = 0; i < length; ++i) {
            // one outcome of the run may have another index or a verdict out of range
            uint64 index = uint64(first + i) + (i == broken % 101 ? uint64(broken >> 8 & 1) : 0);
            uint8 verdict = i == broken % 103 ? uint8(broken >> 16 & 7) : uint8(uint256(keccak256(abi.encode(i))) & 3);
            packed = bytes.concat(packed, abi.encodePacked(index, verdict, uint16(i), uint128(i)));
        }
        _compare(packed, _PAGES * 8 - 1 - (broken >> 24 & 31), 4);
    }

    function test_record_otherSlots_untouched() public {
        _fast.set(0, Lanes.OPEN_PAGE);
        bytes memory packed = abi.encodePacked(uint64(1), uint8(0), uint16(0), uint128(1));
        packed = bytes.concat(packed, abi.encodePacked(type(uint64).max, uint8(0), uint16(0), uint128(1)));
        _fast.record(packed, 1, 4);
        (uint256 first, uint256 last) = _fast.neighbours();
        vm.assertEq(first, 0xf1257);
        vm.assertEq(last, 0x1a57);
    }

    function testFuzz_accumulate_anyBatch_equalsPlain(
        bytes32 acc,
        bytes32 root,
        bytes calldata packed,
        uint32 count
    )
        public
        view
    {
        (bytes32 fast, bytes32 plain) = _libraries.accumulate(acc, root, packed, count);
        vm.assertEq(fast, plain);
    }

    function testFuzz_attest_anyFields_equalsPlain(
        bytes32 ledger,
        uint32 committee,
        uint64 epoch,
        uint64 height,
        bytes32 block_,
        bytes32 acc,
        uint64 chain
    )
        public
    {
        vm.chainId(_bound(chain, 1, type(uint64).max - 1));
        (bytes32 fast, bytes32 plain) = _libraries.attest(ledger, committee, epoch, height, block_, acc);
        vm.assertEq(fast, plain);
    }

    function testFuzz_lanes_setThenGet_returnsLane(uint256 page, uint64 index, uint32 lane, uint64 other) public pure {
        uint256 changed = Lanes.set(page, index, lane);
        vm.assertEq(Lanes.get(changed, index), lane);
        if (other & 7 != index & 7) vm.assertEq(Lanes.get(changed, other), Lanes.get(page, other));
    }

    function testFuzz_lanes_encodeThenDecode_returnsTimeAndVerdict(uint256 time, uint8 verdict) public pure {
        time = _bound(time, 1, Lanes.TIME_MAX);
        verdict = verdict & 3;
        uint256 lane = Lanes.encode(time, verdict);
        vm.assertTrue(lane <= type(uint32).max && Lanes.isRecorded(lane));
        (uint256 decodedTime, uint8 decodedVerdict) = Lanes.decode(lane);
        vm.assertEq(decodedTime, time);
        vm.assertEq(decodedVerdict, verdict);
    }

    function test_lanes_unrecordedStates_notRecorded() public pure {
        vm.assertFalse(Lanes.isRecorded(0));
        vm.assertFalse(Lanes.isRecorded(Lanes.OPEN));
        vm.assertFalse(Lanes.isRecorded(Lanes.REFUNDED));
    }

    function testFuzz_contains_everyLeafOfATree_accepted(uint256 size, uint256 position, bytes32 seed) public view {
        size = _bound(size, 1, 70);
        position = _bound(position, 0, size - 1);
        bytes32[] memory leaves = _leaves(size, seed);
        bytes32 root = _libraries.rootOf(leaves);
        bytes32[] memory siblings = _path(leaves, position);
        vm.assertTrue(_libraries.contains(root, size, leaves[position], position, siblings));
        vm.assertFalse(_libraries.contains(root, size, ~leaves[position], position, siblings), "another leaf");
        vm.assertFalse(_libraries.contains(~root, size, leaves[position], position, siblings), "another root");
        vm.assertFalse(_libraries.contains(root, size, leaves[position], position + size, siblings), "past the end");
        bytes32[] memory more = new bytes32[](siblings.length + 1);
        for (uint256 i = 0; i < siblings.length; ++i) {
            more[i] = siblings[i];
        }
        vm.assertFalse(_libraries.contains(root, size, leaves[position], position, more), "one sibling too many");
        if (siblings.length == 0) return;
        vm.assertFalse(_libraries.contains(root, size, leaves[position], position ^ 1, siblings), "the other side");
        siblings[0] = ~siblings[0];
        vm.assertFalse(_libraries.contains(root, size, leaves[position], position, siblings), "another sibling");
    }

    function test_contains_emptyTree_refused() public view {
        vm.assertFalse(_libraries.contains(0, 0, 0, 0, new bytes32[](0)));
    }

    function test_contains_innerNodeAsLeaf_refused() public view {
        bytes32[] memory leaves = _leaves(4, "seed");
        bytes32 root = _libraries.rootOf(leaves);
        bytes32[] memory siblings = new bytes32[](1);
        siblings[0] = Messages.node(leaves[2], leaves[3]);
        vm.assertFalse(_libraries.contains(root, 4, Messages.node(leaves[0], leaves[1]), 0, siblings));
    }

    function testFuzz_count_anyLength_wholeOutcomesOnly(bytes calldata packed) public view {
        vm.assertEq(_libraries.countOf(packed), packed.length % 27 == 0 ? packed.length / 27 : 0);
    }

    function testFuzz_codeStore_writeThenRead_returnsData(bytes memory data, uint16 offset, uint16 length) public {
        address pointer = CodeStore.write(data);
        vm.assertEq(CodeStore.readAll(pointer), data);
        vm.assertEq(pointer.code, bytes.concat(hex"00", data));
        bytes memory part = CodeStore.read(pointer, offset, length);
        vm.assertEq(part.length, length);
        for (uint256 i = 0; i < length; i += 1 + i / 64) {
            vm.assertTrue(part[i] == (offset + i < data.length ? data[offset + i] : bytes1(0)));
        }
        if (data.length >= 32) vm.assertEq(CodeStore.word(data, data.length - 32), _lastWord(data));
    }

    function test_codeStore_longerThanACode_reverts() public {
        _libraries.write(new bytes(24_575));
        vm.expectRevert(CodeStore.StoreFailed.selector);
        _libraries.write(new bytes(24_576));
        vm.expectRevert(CodeStore.StoreFailed.selector);
        _libraries.write(new bytes(65_535));
    }

    function _lastWord(bytes memory data) private pure returns (bytes32 value) {
        for (uint256 i = 0; i < 32; ++i) {
            value |= bytes32(data[data.length - 32 + i]) >> (8 * i);
        }
    }

    /// @dev Both recorders over the same input: same result or revert, same lanes, same events.
    function _compare(bytes memory packed, uint256 issued, uint256 stamp) private {
        bytes memory call = abi.encodeCall(RecorderHarness.record, (packed, issued, stamp));
        vm.recordLogs();
        (bool fastOk, bytes memory fastResult) = address(_fast).call(call);
        Vm.Log[] memory fastLogs = vm.getRecordedLogs();
        (bool referenceOk, bytes memory referenceResult) = address(_reference).call(call);
        Vm.Log[] memory referenceLogs = vm.getRecordedLogs();
        vm.assertEq(fastOk, referenceOk);
        vm.assertEq(fastResult, referenceResult);
        vm.assertEq(fastLogs.length, referenceLogs.length);
        for (uint256 i = 0; i < fastLogs.length; ++i) {
            vm.assertEq(abi.encode(fastLogs[i].topics), abi.encode(referenceLogs[i].topics));
            vm.assertEq(fastLogs[i].data, referenceLogs[i].data);
        }
        for (uint256 page = 0; page < _PAGES; ++page) {
            vm.assertEq(_fast.get(page), _reference.get(page));
        }
    }

    /// @dev A page in which most jobs are open, some refunded, some recorded.
    function _lanes(uint256 seed, uint256 page, uint256 issued) private pure returns (uint256 lanes) {
        if (page * 8 > issued) return 0;
        lanes = Lanes.OPEN_PAGE;
        for (uint256 lane = 0; lane < 8; ++lane) {
            uint256 random = uint256(keccak256(abi.encode(seed, page, lane)));
            if (random & 7 == 0) lanes = Lanes.set(lanes, lane, Lanes.REFUNDED);
            if (random & 7 == 1) lanes = Lanes.set(lanes, lane, uint32(random >> 8) | 4);
        }
    }

    /// @dev Mostly ascending outcomes with small gaps and verdicts in range.
    function _packed(uint256 seed, uint256 length) private pure returns (bytes memory packed) {
        uint64 index;
        for (uint256 i = 0; i < length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            index += random & 3 == 0 ? uint64(random >> 8 & 7) : 1;
            if (random & 0xff0000 == 0) index -= index / 2;
            uint8 verdict = random & 0xff000000 == 0 ? uint8(random >> 32) : uint8(random >> 32 & 3);
            packed = bytes.concat(packed, abi.encodePacked(index, verdict, uint16(random >> 40), uint128(random >> 56)));
        }
    }

    function _leaves(uint256 size, bytes32 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }

    /// @dev Siblings by the recursive definition: the tree over `leaves` splits at the largest power of two below its size.
    function _path(bytes32[] memory leaves, uint256 position) private pure returns (bytes32[] memory siblings) {
        siblings = new bytes32[](0);
        uint256 low;
        uint256 high = leaves.length;
        while (high - low > 1) {
            uint256 half = 1;
            while (half * 2 < high - low) half *= 2;
            bool left = position < low + half;
            bytes32 sibling = left ? _rootOf(leaves, low + half, high) : _rootOf(leaves, low, low + half);
            bytes32[] memory longer = new bytes32[](siblings.length + 1);
            longer[0] = sibling;
            for (uint256 i = 0; i < siblings.length; ++i) {
                longer[i + 1] = siblings[i];
            }
            siblings = longer;
            (low, high) = left ? (low, low + half) : (low + half, high);
        }
    }

    function _rootOf(bytes32[] memory leaves, uint256 low, uint256 high) private pure returns (bytes32) {
        if (high - low == 1) return leaves[low];
        uint256 half = 1;
        while (half * 2 < high - low) half *= 2;
        return Messages.node(_rootOf(leaves, low, low + half), _rootOf(leaves, low + half, high));
    }
}
