// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {VerifierRegistry} from "../src/VerifierRegistry.sol";
import {IVerifierRegistry} from "../src/interfaces/IVerifierRegistry.sol";
import {TestBase} from "./support/Vm.sol";

contract VerifierRegistryTest is TestBase {
    address private constant _OWNER = address(0xdada);
    address private constant _GUARDIAN = address(0x9a8d);
    bytes4 private constant _SELECTOR = 0x0e78f4db;
    bytes4 private constant _KIND = bytes4(keccak256("sp1-groth16"));

    VerifierRegistry private _registry;
    bytes private _key;

    function setUp() public {
        _registry = new VerifierRegistry(_OWNER, _GUARDIAN);
        _key = vm.parseJsonBytesArray(vm.readFile("test/fixtures/groth16.json"), ".keys")[0];
    }

    function test_addVerifyingKey_realKey_keptByContent() public {
        uint256 inputs = (_key.length - 448) / 64 - 1;
        bytes32 vkId = _registry.addVerifyingKey(_key);
        vm.assertEq(vkId, keccak256(_key));
        vm.assertEq(_registry.verifyingKey(vkId), _key);
        vm.assertEq(_registry.pointerOf(vkId).code, bytes.concat(hex"00", _key));
        vm.assertEq(uint8(_registry.keyState(vkId)), uint8(IVerifierRegistry.State.Active));
        vm.assertTrue(inputs > 0, "inputs");
    }

    function test_addVerifyingKey_everyFixture_accepted() public {
        bytes[] memory keys = vm.parseJsonBytesArray(vm.readFile("test/fixtures/groth16.json"), ".keys");
        for (uint256 i = 0; i < keys.length; ++i) {
            if (_registry.keyState(keccak256(keys[i])) == IVerifierRegistry.State.Unknown) {
                _registry.addVerifyingKey(keys[i]);
            }
        }
    }

    function test_addVerifyingKey_again_reverts() public {
        bytes32 vkId = _registry.addVerifyingKey(_key);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.KeyExists.selector, vkId));
        _registry.addVerifyingKey(_key);
    }

    function test_addVerifyingKey_wrongLength_reverts() public {
        uint256[5] memory lengths = [uint256(0), 448, 449, 513, 448 + 64 * 258];
        for (uint256 i = 0; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.KeyLengthInvalid.selector, lengths[i]));
            _registry.addVerifyingKey(new bytes(lengths[i]));
        }
    }

    function test_addVerifyingKey_changedPoint_reverts() public {
        uint256[6] memory offsets = [uint256(0), 64, 192, 320, 448, 512];
        for (uint256 i = 0; i < offsets.length; ++i) {
            bytes memory key = bytes.concat(_key);
            key[offsets[i] + 31] ^= 0x01;
            vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.KeyPointInvalid.selector, offsets[i]));
            _registry.addVerifyingKey(key);
        }
    }

    function test_addVerifyingKey_infinity_onlyInInputPoints() public {
        uint256[4] memory offsets = [uint256(0), 64, 192, 320];
        for (uint256 i = 0; i < offsets.length; ++i) {
            bytes memory key = _zeroed(offsets[i], i == 0 ? 64 : 128);
            vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.KeyPointInvalid.selector, offsets[i]));
            _registry.addVerifyingKey(key);
        }
        _registry.addVerifyingKey(_zeroed(512, 64));
    }

    function test_addVerifyingKey_coordinateNotReduced_reverts() public {
        uint256 modulus =
            21_888_242_871_839_275_222_246_405_745_257_275_088_696_311_157_297_823_662_689_037_894_645_226_208_583;
        bytes memory key = bytes.concat(_key);
        uint256 x;
        assembly ("memory-safe") {
            x := add(mload(add(key, 32)), modulus)
            mstore(add(key, 32), x)
        }
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.KeyPointInvalid.selector, 0));
        _registry.addVerifyingKey(key);
    }

    function test_verifyingKey_unknown_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.KeyUnknown.selector, bytes32("vk")));
        _registry.verifyingKey("vk");
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.KeyUnknown.selector, bytes32("vk")));
        _registry.pointerOf("vk");
        vm.assertEq(uint8(_registry.keyState("vk")), uint8(IVerifierRegistry.State.Unknown));
    }

    function test_tombstoneVerifyingKey_active_deniedForEver() public {
        bytes32 vkId = _registry.addVerifyingKey(_key);
        vm.expectEmit();
        emit IVerifierRegistry.VerifyingKeyTombstoned(vkId, "flaw");
        vm.prank(_GUARDIAN);
        _registry.tombstoneVerifyingKey(vkId, "flaw");
        bytes memory denied = abi.encodeWithSelector(IVerifierRegistry.KeyDenied.selector, vkId);
        vm.expectRevert(denied);
        _registry.verifyingKey(vkId);
        vm.expectRevert(denied);
        _registry.addVerifyingKey(_key);
        vm.expectRevert(denied);
        vm.prank(_OWNER);
        _registry.tombstoneVerifyingKey(vkId, "again");
        vm.assertEq(uint8(_registry.keyState(vkId)), uint8(IVerifierRegistry.State.Tombstoned));
    }

    function test_tombstoneVerifyingKey_beforeItIsAdded_deniesIt() public {
        vm.prank(_OWNER);
        _registry.tombstoneVerifyingKey(keccak256(_key), "known bad");
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.KeyDenied.selector, keccak256(_key)));
        _registry.addVerifyingKey(_key);
    }

    function test_addSelector_named_readBack() public {
        bytes32 vkId = _registry.addVerifyingKey(_key);
        vm.prank(_OWNER);
        _registry.addSelector(_SELECTOR, _KIND, vkId);
        IVerifierRegistry.Selector memory selector = _registry.selectorOf(_SELECTOR);
        vm.assertEq(bytes32(selector.kind), bytes32(_KIND));
        vm.assertEq(selector.vkId, vkId);
        vm.assertEq(uint8(selector.state), uint8(IVerifierRegistry.State.Active));
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.SelectorExists.selector, _SELECTOR));
        vm.prank(_OWNER);
        _registry.addSelector(_SELECTOR, _KIND, vkId);
    }

    function test_addSelector_unknownOrDeniedKey_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.KeyUnknown.selector, bytes32("vk")));
        vm.prank(_OWNER);
        _registry.addSelector(_SELECTOR, _KIND, "vk");
        bytes32 vkId = _registry.addVerifyingKey(_key);
        vm.startPrank(_OWNER);
        _registry.tombstoneVerifyingKey(vkId, "flaw");
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.KeyDenied.selector, vkId));
        _registry.addSelector(_SELECTOR, _KIND, vkId);
    }

    function test_tombstoneSelector_everComesBack_reverts() public {
        bytes32 vkId = _registry.addVerifyingKey(_key);
        vm.prank(_GUARDIAN);
        _registry.tombstoneSelector(_SELECTOR, "stopped upstream");
        bytes memory denied = abi.encodeWithSelector(IVerifierRegistry.SelectorDenied.selector, _SELECTOR);
        vm.startPrank(_OWNER);
        vm.expectRevert(denied);
        _registry.addSelector(_SELECTOR, _KIND, vkId);
        vm.expectRevert(denied);
        _registry.tombstoneSelector(_SELECTOR, "again");
        vm.assertEq(uint8(_registry.selectorOf(_SELECTOR).state), uint8(IVerifierRegistry.State.Tombstoned));
    }

    function test_privileges_others_revert() public {
        bytes memory unauthorized = abi.encodeWithSelector(IVerifierRegistry.Unauthorized.selector, address(this));
        vm.expectRevert(unauthorized);
        _registry.tombstoneVerifyingKey("vk", "");
        vm.expectRevert(unauthorized);
        _registry.tombstoneSelector(_SELECTOR, "");
        bytes memory notOwner = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, _GUARDIAN);
        vm.startPrank(_GUARDIAN);
        vm.expectRevert(notOwner);
        _registry.addSelector(_SELECTOR, _KIND, "vk");
        vm.expectRevert(notOwner);
        _registry.setGuardian(_GUARDIAN);
    }

    function test_setGuardian_owner_changes() public {
        vm.prank(_OWNER);
        _registry.setGuardian(address(7));
        vm.assertEq(_registry.guardian(), address(7));
    }

    function _zeroed(uint256 offset, uint256 length) private view returns (bytes memory key) {
        key = bytes.concat(_key);
        for (uint256 i = 0; i < length; ++i) {
            key[offset + i] = 0;
        }
    }
}
