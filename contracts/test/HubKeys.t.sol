// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AttestationHub} from "../src/AttestationHub.sol";
import {IAttestationHub} from "../src/interfaces/IAttestationHub.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {Messages} from "../src/libraries/Messages.sol";
import {BlsSigner} from "./support/BlsSigner.sol";
import {HubBase} from "./support/HubBase.sol";

/// @dev Deployment, group keys and rotation.
contract HubKeysTest is HubBase {
    bytes private _key;
    bytes private _pop;

    function setUp() public {
        _deploy();
        for (uint256 i = 0; i < SEATS; ++i) {
            _register(i);
        }
        _key = BlsSigner.publicKey(SECRET);
        _pop = _possession(EPOCH, SECRET);
    }

    function test_constructor_withoutPrecompile_reverts() public {
        address[3] memory precompiles = [address(0x0b), address(0x0f), address(0x10)];
        for (uint256 i = 0; i < precompiles.length; ++i) {
            // what a call to an account without code gives
            vm.mockCall(precompiles[i], "", "");
            vm.expectRevert(abi.encodeWithSelector(IAttestationHub.PrecompileMissing.selector, precompiles[i]));
            new AttestationHub(registry, FEE, WINDOW);
            vm.clearMockedCalls();
        }
    }

    function test_constructor_pairingAlwaysTrue_reverts() public {
        vm.mockCall(address(0x0f), "", abi.encode(1));
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.PrecompileMissing.selector, address(0x0f)));
        new AttestationHub(registry, FEE, WINDOW);
    }

    function test_constructor_windowLongerThanAYear_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.ChallengeWindowTooLong.selector, 366 days));
        new AttestationHub(registry, FEE, 366 days);
    }

    function test_views_beforeFirstKey_empty() public view {
        vm.assertEq(hub.groupKey(), "");
        vm.assertEq(hub.epoch(), 0);
        vm.assertEq(hub.committeeId(), 0);
        vm.assertEq(hub.ledgerId(), 0);
        vm.assertEq(hub.lastAcc(), 0);
        vm.assertEq(hub.announcedAcc(), 0);
        vm.assertEq(hub.lastHeight(), 0);
        vm.assertEq(hub.fee(), FEE);
        vm.assertEq(hub.challengeWindow(), WINDOW);
        vm.assertEq(hub.registry(), address(registry));
    }

    function test_confirmGroupKey_quorum_activates() public {
        _confirm(0, EPOCH, SECRET);
        _confirm(1, EPOCH, SECRET);
        vm.assertEq(hub.groupKey(), "");
        vm.expectEmit();
        emit IAttestationHub.GroupKeyConfirmed(EPOCH, _operator(3), keccak256(_key), 3, 3);
        vm.expectEmit();
        emit IAttestationHub.GroupKeyActivated(EPOCH, COMMITTEE, LEDGER, 0, _key);
        _confirm(3, EPOCH, SECRET);
        vm.assertEq(hub.groupKey(), _key);
        vm.assertEq(hub.epoch(), EPOCH);
        vm.assertEq(hub.committeeId(), COMMITTEE);
        vm.assertEq(hub.ledgerId(), LEDGER);
        (uint64 generation, uint32 size) = registry.current();
        vm.assertEq(generation, 1);
        vm.assertEq(size, SEATS);
        vm.assertTrue(registry.isMember(_operator(2)), "a member that did not confirm");
    }

    function test_confirmGroupKey_sameTwice_countsOnce() public {
        _confirm(0, EPOCH, SECRET);
        _confirm(0, EPOCH, SECRET);
        _confirm(1, EPOCH, SECRET);
        _confirm(1, EPOCH, SECRET);
        vm.assertEq(hub.groupKey(), "");
    }

    function test_confirmGroupKey_changedMind_countsForTheLast() public {
        _confirm(0, EPOCH, NEXT_SECRET);
        _confirm(1, EPOCH, NEXT_SECRET);
        _confirm(0, EPOCH, SECRET);
        _confirm(2, EPOCH, NEXT_SECRET);
        vm.assertEq(hub.groupKey(), "", "two stand behind each key at most");
        _confirm(1, EPOCH, SECRET);
        _confirm(2, EPOCH, SECRET);
        vm.assertEq(hub.groupKey(), _key);
    }

    function test_confirmGroupKey_differentLedgersOrEpochs_countApart() public {
        _confirm(0, EPOCH, SECRET);
        _confirm(1, EPOCH + 1, SECRET);
        vm.prank(_operator(2));
        hub.confirmGroupKey("another ledger", COMMITTEE, EPOCH, _key, _pop);
        vm.prank(_operator(3));
        hub.confirmGroupKey(LEDGER, COMMITTEE + 1, EPOCH, _key, _pop);
        vm.assertEq(hub.groupKey(), "");
    }

    function test_confirmGroupKey_tooFewOperators_reverts() public {
        AttestationHub other = new AttestationHub(registry, FEE, WINDOW);
        vm.prank(OWNER);
        registry.setSeats(5);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.CommitteeTooSmall.selector, 4, 5));
        vm.prank(_operator(0));
        other.confirmGroupKey(LEDGER, COMMITTEE, EPOCH, _key, _pop);
    }

    function test_confirmGroupKey_stranger_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.NotPendingMember.selector, address(this)));
        hub.confirmGroupKey(LEDGER, COMMITTEE, EPOCH, _key, _pop);
    }

    function test_confirmGroupKey_stakeOwner_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.NotPendingMember.selector, _ownerOf(0)));
        vm.prank(_ownerOf(0));
        hub.confirmGroupKey(LEDGER, COMMITTEE, EPOCH, _key, _pop);
    }

    function test_confirmGroupKey_infinity_reverts() public {
        vm.expectRevert(IAttestationHub.GroupKeyInvalid.selector);
        vm.prank(_operator(0));
        hub.confirmGroupKey(LEDGER, COMMITTEE, EPOCH, new bytes(256), new bytes(128));
    }

    function test_confirmGroupKey_wrongLength_reverts() public {
        vm.expectRevert(IAttestationHub.GroupKeyInvalid.selector);
        vm.prank(_operator(0));
        hub.confirmGroupKey(LEDGER, COMMITTEE, EPOCH, bytes.concat(_key, hex"00"), _pop);
    }

    function test_confirmGroupKey_popOfAnotherMessage_reverts() public {
        bytes memory pop = _possession(EPOCH + 1, SECRET);
        _expectRefusedAtQuorum(_key, pop);
    }

    function test_confirmGroupKey_popOfAnotherKey_reverts() public {
        bytes32 message = _possessionMessage(EPOCH, keccak256(_key));
        _expectRefusedAtQuorum(_key, BlsSigner.sign(NEXT_SECRET, message));
    }

    function test_confirmGroupKey_popWrongLength_reverts() public {
        _expectRefusedAtQuorum(_key, bytes.concat(_pop, hex"00"));
    }

    function test_confirmGroupKey_infinityPop_reverts() public {
        _expectRefusedAtQuorum(_key, new bytes(128));
    }

    function test_confirmGroupKey_keyWithDirtyPadding_reverts() public {
        bytes memory key = bytes.concat(_key);
        key[0] = 0x01;
        _expectRefusedAtQuorum(key, BlsSigner.sign(SECRET, _possessionMessage(EPOCH, keccak256(key))));
    }

    function test_confirmGroupKey_keyOutsideSubgroup_reverts() public {
        // a curve point of order other than r: no signature can verify under it, whatever pop is given
        bytes memory key = _outsideSubgroup();
        _expectRefusedAtQuorum(key, BlsSigner.sign(SECRET, _possessionMessage(EPOCH, keccak256(key))));
    }

    function test_confirmGroupKey_refusedPop_confirmationDoesNotCount() public {
        _confirm(0, EPOCH, SECRET);
        _confirm(1, EPOCH, SECRET);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        vm.prank(_operator(2));
        hub.confirmGroupKey(LEDGER, COMMITTEE, EPOCH, _key, new bytes(128));
        _confirm(2, EPOCH, SECRET);
        vm.assertEq(hub.groupKey(), _key);
    }

    function test_confirmGroupKey_nextEpoch_waitsForRotate() public {
        _prepareRotation();
        vm.expectEmit();
        emit IAttestationHub.GroupKeyReady(EPOCH + 1, COMMITTEE, BlsSigner.publicKey(NEXT_SECRET));
        _confirm(3, EPOCH + 1, NEXT_SECRET);
        vm.assertEq(hub.epoch(), EPOCH);
        vm.assertEq(hub.groupKey(), _key);
    }

    function test_confirmGroupKey_currentEpochAgain_reverts() public {
        _confirmBy(3, EPOCH, SECRET);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.WrongEpoch.selector, EPOCH, EPOCH + 1));
        vm.prank(_operator(0));
        hub.confirmGroupKey(LEDGER, COMMITTEE, EPOCH, _key, _pop);
    }

    function test_confirmGroupKey_nextEpochOfAnotherLedger_reverts() public {
        _confirmBy(3, EPOCH, SECRET);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.WrongLedger.selector, bytes32("other"), COMMITTEE));
        vm.prank(_operator(0));
        hub.confirmGroupKey("other", COMMITTEE, EPOCH + 1, _key, _pop);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.WrongLedger.selector, LEDGER, COMMITTEE + 1));
        vm.prank(_operator(0));
        hub.confirmGroupKey(LEDGER, COMMITTEE + 1, EPOCH + 1, _key, _pop);
    }

    function test_rotate_confirmedAndSigned_endsEpoch() public {
        _prepareRotation();
        _confirm(3, EPOCH + 1, NEXT_SECRET);
        bytes memory nextKey = BlsSigner.publicKey(NEXT_SECRET);
        bytes memory signature = BlsSigner.sign(SECRET, _rotation(EPOCH + 1, NEXT_SECRET, 9));
        vm.expectEmit();
        emit IAttestationHub.GroupKeyActivated(EPOCH + 1, COMMITTEE, LEDGER, 9, nextKey);
        hub.rotate(EPOCH + 1, nextKey, 9, signature);
        vm.assertEq(hub.epoch(), EPOCH + 1);
        vm.assertEq(hub.groupKey(), nextKey);
        vm.assertEq(hub.ledgerId(), LEDGER);
    }

    function test_rotate_endedKey_isVoid() public {
        _rotate();
        _request(address(0xe5c0));
        IAttestationHub.Batch[] memory batches = _one(_packed(1, 0));
        bytes32 acc = _accAfter(0, batches);
        bytes memory old = _attest(SECRET, EPOCH, 1, acc);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.WrongEpoch.selector, EPOCH, EPOCH + 1));
        hub.submit(EPOCH, 1, _blockId(1), batches, old);
        old = _attest(SECRET, EPOCH + 1, 1, acc);
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.submit(EPOCH + 1, 1, _blockId(1), batches, old);
        hub.submit(EPOCH + 1, 1, _blockId(1), batches, _attest(NEXT_SECRET, EPOCH + 1, 1, acc));
        vm.assertEq(hub.statusOf(1), 1);
    }

    function test_rotate_twice_reverts() public {
        _rotate();
        bytes memory key = BlsSigner.publicKey(NEXT_SECRET);
        bytes memory signature = BlsSigner.sign(SECRET, _rotation(EPOCH + 1, NEXT_SECRET, 9));
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.WrongEpoch.selector, EPOCH + 1, EPOCH + 2));
        hub.rotate(EPOCH + 1, key, 9, signature);
    }

    function test_rotate_keepsAccumulatorHeightAndJobs() public {
        _confirmBy(3, EPOCH, SECRET);
        _requestMany(2);
        _submit(_packed(1, 0));
        registry.freezeCommittee();
        _confirmBy(3, EPOCH + 1, NEXT_SECRET);
        bytes memory signature = BlsSigner.sign(SECRET, _rotation(EPOCH + 1, NEXT_SECRET, 1));
        hub.rotate(EPOCH + 1, BlsSigner.publicKey(NEXT_SECRET), 1, signature);
        vm.assertEq(hub.lastAcc(), tip);
        vm.assertEq(hub.lastHeight(), 1);
        vm.assertEq(hub.jobCount(), 2);
        vm.assertEq(hub.statusOf(1), 1);
    }

    function test_rotate_notConfirmed_reverts() public {
        _prepareRotation();
        bytes memory key = BlsSigner.publicKey(NEXT_SECRET);
        bytes memory signature = BlsSigner.sign(SECRET, _rotation(EPOCH + 1, NEXT_SECRET, 9));
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.GroupKeyNotConfirmed.selector, keccak256(key)));
        hub.rotate(EPOCH + 1, key, 9, signature);
    }

    function test_rotate_committeeFrozenAnew_confirmationsAreVoid() public {
        _prepareRotation();
        _confirm(3, EPOCH + 1, NEXT_SECRET);
        _register(4);
        _freezeWithout(0);
        _expectNotConfirmed();
    }

    function test_rotate_frozenAnewWithSameMembers_confirmationsCount() public {
        _prepareRotation();
        vm.warp(block.timestamp + 1 days);
        registry.freezeCommittee();
        _confirm(3, EPOCH + 1, NEXT_SECRET);
        bytes memory signature = BlsSigner.sign(SECRET, _rotation(EPOCH + 1, NEXT_SECRET, 9));
        hub.rotate(EPOCH + 1, BlsSigner.publicKey(NEXT_SECRET), 9, signature);
        vm.assertEq(hub.epoch(), EPOCH + 1);
    }

    function test_rotate_committeeDropped_reverts() public {
        _prepareRotation();
        _confirm(3, EPOCH + 1, NEXT_SECRET);
        _freezeWithout(0);
        (uint64 generation,) = registry.pending();
        vm.assertEq(generation, 0);
        _expectNotConfirmed();
        vm.assertEq(hub.epoch(), EPOCH);
    }

    function test_confirmGroupKey_committeeDropped_needsANewOne() public {
        _confirmBy(2, EPOCH, SECRET);
        _freezeWithout(0);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.CommitteeTooSmall.selector, 3, SEATS));
        vm.prank(_operator(2));
        hub.confirmGroupKey(LEDGER, COMMITTEE, EPOCH, _key, _pop);
        _register(4);
        _confirm(2, EPOCH, SECRET);
        _confirm(3, EPOCH, SECRET);
        vm.assertEq(hub.groupKey(), "", "confirmations of the dropped committee are void");
        _confirm(4, EPOCH, SECRET);
        vm.assertEq(hub.groupKey(), _key);
    }

    function test_rotate_notSignedByOutgoingKey_reverts() public {
        _prepareRotation();
        _confirm(3, EPOCH + 1, NEXT_SECRET);
        bytes memory key = BlsSigner.publicKey(NEXT_SECRET);
        bytes memory signature = BlsSigner.sign(NEXT_SECRET, _rotation(EPOCH + 1, NEXT_SECRET, 9));
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.rotate(EPOCH + 1, key, 9, signature);
    }

    function test_rotate_anotherLastHeight_reverts() public {
        _prepareRotation();
        _confirm(3, EPOCH + 1, NEXT_SECRET);
        bytes memory key = BlsSigner.publicKey(NEXT_SECRET);
        bytes memory signature = BlsSigner.sign(SECRET, _rotation(EPOCH + 1, NEXT_SECRET, 9));
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        hub.rotate(EPOCH + 1, key, 8, signature);
    }

    function test_rotate_lastHeightBelowSettled_reverts() public {
        _confirmBy(3, EPOCH, SECRET);
        _request(address(0xe5c0));
        height = 6;
        _submit(_packed(1, 0));
        bytes memory key = BlsSigner.publicKey(NEXT_SECRET);
        bytes memory signature = BlsSigner.sign(SECRET, _rotation(EPOCH + 1, NEXT_SECRET, 6));
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.StaleHeight.selector, 6, 7));
        hub.rotate(EPOCH + 1, key, 6, signature);
    }

    function test_rotate_skippedEpoch_reverts() public {
        _confirmBy(3, EPOCH, SECRET);
        bytes memory key = BlsSigner.publicKey(NEXT_SECRET);
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.WrongEpoch.selector, EPOCH + 2, EPOCH + 1));
        hub.rotate(EPOCH + 2, key, 9, new bytes(128));
    }

    function test_rotate_beforeFirstKey_reverts() public {
        vm.expectRevert(IAttestationHub.NoGroupKey.selector);
        hub.rotate(EPOCH, _key, 0, _pop);
    }

    function _prepareRotation() private {
        _confirmBy(3, EPOCH, SECRET);
        registry.freezeCommittee();
        _confirm(0, EPOCH + 1, NEXT_SECRET);
        _confirm(1, EPOCH + 1, NEXT_SECRET);
    }

    /// @dev An operator asks to leave, and when it may the committee is frozen anew.
    function _freezeWithout(uint256 index) private {
        vm.prank(_ownerOf(index));
        registry.requestExit(_operator(index));
        vm.warp(block.timestamp + 1 days);
        registry.freezeCommittee();
    }

    function _expectNotConfirmed() private {
        bytes memory key = BlsSigner.publicKey(NEXT_SECRET);
        bytes memory signature = BlsSigner.sign(SECRET, _rotation(EPOCH + 1, NEXT_SECRET, 9));
        vm.expectRevert(abi.encodeWithSelector(IAttestationHub.GroupKeyNotConfirmed.selector, keccak256(key)));
        hub.rotate(EPOCH + 1, key, 9, signature);
    }

    function _rotate() private {
        _prepareRotation();
        _confirm(3, EPOCH + 1, NEXT_SECRET);
        bytes memory signature = BlsSigner.sign(SECRET, _rotation(EPOCH + 1, NEXT_SECRET, 9));
        hub.rotate(EPOCH + 1, BlsSigner.publicKey(NEXT_SECRET), 9, signature);
    }

    function _rotation(uint64 nextEpoch, uint256 secret, uint64 lastHeight) private view returns (bytes32) {
        bytes32 keyHash = keccak256(BlsSigner.publicKey(secret));
        return Messages.rotate(LEDGER, block.chainid, address(hub), COMMITTEE, nextEpoch, keyHash, lastHeight);
    }

    function _possessionMessage(uint64 epoch, bytes32 keyHash) private view returns (bytes32) {
        return Messages.keyPossession(LEDGER, block.chainid, address(hub), COMMITTEE, epoch, keyHash);
    }

    /// @dev q operators confirm `key`, and the last one is refused.
    function _expectRefusedAtQuorum(bytes memory key, bytes memory pop) private {
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(_operator(i));
            hub.confirmGroupKey(LEDGER, COMMITTEE, EPOCH, key, pop);
        }
        vm.expectRevert(IAttestationHub.SignatureInvalid.selector);
        vm.prank(_operator(2));
        hub.confirmGroupKey(LEDGER, COMMITTEE, EPOCH, key, pop);
        vm.assertEq(hub.groupKey(), "");
    }

    /// @dev A point of E'(Fp2) outside G2, from the failing vectors of EIP-2537.
    function _outsideSubgroup() private view returns (bytes memory point) {
        string memory json = vm.readFile("test/fixtures/bls/eip2537_Pairing.json");
        bytes[] memory failing = vm.parseJsonBytesArray(json, ".failing");
        for (uint256 i = 0; i < failing.length; ++i) {
            if (failing[i].length != 768) continue;
            for (uint256 offset = 128; offset < 768; offset += 384) {
                point = new bytes(256);
                for (uint256 k = 0; k < 256; ++k) {
                    point[k] = failing[i][offset + k];
                }
                // on the curve: the addition accepts it; outside the subgroup: the multiplication refuses it
                (bool onCurve,) = address(0x0d).staticcall{gas: 100_000}(bytes.concat(point, new bytes(256)));
                (bool inSubgroup,) = address(0x0e).staticcall{gas: 100_000}(bytes.concat(point, bytes32(uint256(2))));
                if (onCurve && !inSubgroup) return point;
            }
        }
        revert("no such vector");
    }
}
