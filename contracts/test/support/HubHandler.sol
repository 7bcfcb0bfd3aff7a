// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AttestationHub} from "../../src/AttestationHub.sol";
import {OperatorRegistry} from "../../src/OperatorRegistry.sol";
import {IAttestationHub} from "../../src/interfaces/IAttestationHub.sol";
import {HubBase} from "./HubBase.sol";
import {Reached} from "./Reached.sol";

/// @dev Random but valid calls to a hub, with an independent account of what it owes and of what it said.
contract HubHandler is HubBase, Reached {
    uint256 public constant ACTORS = 4;

    /// @dev Fees of jobs that nobody was credited with or took back.
    uint256 public openFees;
    mapping(address actor => uint256) public owed;
    mapping(uint64 jobIndex => uint8) public said;
    mapping(uint64 jobIndex => bytes32) public idOf;
    mapping(uint64 jobIndex => address) public escrowOf;
    mapping(uint64 jobIndex => bool) public spent;

    bytes32 private _announcedTip;

    constructor(AttestationHub hub_, OperatorRegistry registry_) {
        hub = hub_;
        registry = registry_;
    }

    function lastTip() external view returns (bytes32) {
        return tip;
    }

    function actor(uint256 seed) public pure returns (address) {
        return address(uint160(0xac700 + seed % ACTORS));
    }

    function request(uint256 seed, uint256 tip_, uint256 span) external {
        address escrow = actor(seed);
        uint256 value = FEE + tip_ % 3;
        vm.deal(escrow, value);
        uint64 deadline = uint64(block.timestamp + 1 + span % 3 days);
        vm.prank(escrow);
        (bytes32 jobId, uint64 index) = hub.request{value: value}(PROVIDER, KIND, abi.encode(seed), deadline);
        (idOf[index], escrowOf[index]) = (jobId, escrow);
        openFees += FEE;
        owed[escrow] += value - FEE;
        _did("request");
    }

    function submit(uint256 seed, uint256 heights) external {
        IAttestationHub.Batch[] memory batches = new IAttestationHub.Batch[](1 + heights % 3);
        for (uint256 i = 0; i < batches.length; ++i) {
            batches[i] = _batch(uint256(keccak256(abi.encode(seed, i))));
        }
        tip = _accAfter(tip, batches);
        bytes memory signature = _attest(SECRET, EPOCH, ++height, tip);
        vm.prank(actor(seed));
        hub.submit(EPOCH, height, _blockId(height), batches, signature);
        for (uint256 i = 0; i < batches.length; ++i) {
            _account(batches[i].packed, actor(seed));
        }
        _did("submit");
    }

    function announceAndClaim(uint256 seed, uint8 verdict) external {
        uint64 jobs = hub.jobCount();
        if (jobs == 0) return;
        uint64 index = uint64(1 + seed % jobs);
        verdict = said[index] == 0 ? verdict % 4 : said[index] - 1;
        IAttestationHub.Outcome memory outcome = IAttestationHub.Outcome(idOf[index], verdict, 0, 1, "evidence");
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = _leaf(outcome);
        bytes memory packed = _packed(index, verdict);
        IAttestationHub.Batch[] memory batches = _one(leaves[0], packed);
        IAttestationHub.Proof memory proof = _proof(_announcedTip, leaves, 0, packed);
        _announcedTip = _accAfter(_announcedTip, batches);
        hub.announce(EPOCH, 1, _blockId(1), batches, _attest(SECRET, EPOCH, 1, _announcedTip));
        _did("announce");
        if (hub.outcomeOf(idOf[index]).claimed) return;
        vm.prank(actor(seed));
        hub.claim(outcome, proof);
        _did(said[index] == 0 ? bytes32("claimFirst") : bytes32("claimRecorded"));
        _account(packed, actor(seed));
    }

    function refund(uint256 seed) external {
        uint64 jobs = hub.jobCount();
        if (jobs == 0) return;
        uint64 index = uint64(1 + seed % jobs);
        vm.prank(escrowOf[index]);
        try hub.refundFee(idOf[index]) {
            require(said[index] == 0 && !spent[index], "a fee twice");
            spent[index] = true;
            openFees -= FEE;
            owed[escrowOf[index]] += FEE;
            _did("refund");
        } catch {
            (,, uint64 deadline,) = hub.jobOf(idOf[index]);
            require(said[index] != 0 || spent[index] || block.timestamp <= deadline, "a fee withheld");
            _did("refundRefused");
        }
    }

    function withdraw(uint256 seed) external {
        address account = actor(seed);
        uint256 amount = owed[account];
        if (amount == 0) return;
        address payable to = payable(address(uint160(0x70000 + seed % 7)));
        uint256 before = to.balance;
        vm.prank(account);
        hub.withdraw(to);
        require(to.balance - before == amount, "another amount");
        owed[account] = 0;
        _did("withdraw");
    }

    function pass(uint256 seed) external {
        vm.warp(block.timestamp + seed % 2 days);
    }

    /// @dev Some ascending jobs, issued or not, recorded or not.
    function _batch(uint256 random) private view returns (IAttestationHub.Batch memory) {
        uint64 index = uint64(random % (hub.jobCount() + 1));
        bytes memory packed;
        for (uint256 i = 0; i < 1 + (random >> 64) % 20; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(random, i)));
            index += draw & 3 == 0 ? uint64(1 + (draw >> 8 & 7)) : 1;
            packed = bytes.concat(packed, _packed(index, uint8(draw >> 16 & 3)));
        }
        return IAttestationHub.Batch(bytes32(random), packed);
    }

    /// @dev What recording `packed` by `account` changes: only issued jobs without an outcome.
    function _account(bytes memory packed, address account) private {
        for (uint256 offset = 0; offset < packed.length; offset += 27) {
            uint64 index;
            for (uint256 i = 0; i < 8; ++i) {
                index = index << 8 | uint8(packed[offset + i]);
            }
            if (index > hub.jobCount() || said[index] != 0) {
                _did("outcomeSkipped");
                continue;
            }
            said[index] = uint8(packed[offset + 8]) + 1;
            if (spent[index]) {
                _did("outcomeUnpaid");
                continue;
            }
            _did("outcomePaid");
            spent[index] = true;
            openFees -= FEE;
            owed[account] += FEE;
        }
    }
}
