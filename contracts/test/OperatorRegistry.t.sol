// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {AttestationHub} from "../src/AttestationHub.sol";
import {OperatorRegistry} from "../src/OperatorRegistry.sol";
import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {OperatorRegistryBase} from "./support/OperatorRegistryBase.sol";

/// @dev A token that keeps one unit of every transfer.
contract SkimmingToken is ERC20 {
    constructor() ERC20("Skimming", "SKM") {
        _mint(msg.sender, 1e30);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), 1);
    }
}

contract OperatorRegistryTest is OperatorRegistryBase {
    uint256 private constant _ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function test_constructor_settingsOutOfRange_reverts() public {
        IERC20 erc20 = IERC20(address(token));
        vm.expectRevert(IOperatorRegistry.ZeroAddress.selector);
        new OperatorRegistry(OWNER, IERC20(address(0)), STAKE, SEATS, UNBONDING);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        new OperatorRegistry(OWNER, erc20, 0, SEATS, UNBONDING);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        new OperatorRegistry(OWNER, erc20, STAKE, 3, UNBONDING);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        new OperatorRegistry(OWNER, erc20, STAKE, 101, UNBONDING);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        new OperatorRegistry(OWNER, erc20, STAKE, SEATS, 0);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        new OperatorRegistry(OWNER, erc20, STAKE, SEATS, 3651 days);
    }

    function test_register_valid_queuesAndTakesStake() public {
        IOperatorRegistry.Registration memory expected = _registration(0);
        _register(0);
        IOperatorRegistry.Operator memory operator = registry.operatorOf(_operator(0));
        vm.assertEq(operator.operator, _operator(0));
        vm.assertEq(operator.owner, _ownerOf(0));
        vm.assertEq(operator.consensusKey, expected.consensusKey);
        vm.assertEq(operator.networkKey, expected.networkKey);
        vm.assertEq(operator.encryptionKey, expected.encryptionKey);
        vm.assertEq(operator.endpoint, expected.endpoint);
        vm.assertEq(operator.stake, STAKE);
        vm.assertEq(uint8(operator.status), uint8(IOperatorRegistry.Status.Queued));
        vm.assertEq(operator.joinNumber, 1);
        vm.assertEq(token.balanceOf(address(registry)), STAKE);
    }

    function test_register_signatureOfAnother_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        bytes32 digest = registry.registrationDigest(_ownerOf(0), r);
        bytes memory stranger = _sign(0xbad, digest);
        _expectRefused(0, r, stranger, b, _notPossessed(r.operator));
        _expectRefused(0, r, a, stranger, _notPossessed(_consensusAddress(r)));
        _expectRefused(0, r, b, a, _notPossessed(r.operator));
        _expectRefused(0, r, "", b, _notPossessed(r.operator));
    }

    function test_register_signedForAnotherOwner_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(1));
        _expectRefused(0, r, a, b, _notPossessed(r.operator));
    }

    function test_register_changedField_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        r.endpoint = "/ip4/10.0.0.1/tcp/1";
        _expectRefused(0, r, a, b, _notPossessed(r.operator));
    }

    function test_register_highS_reverts() public {
        (IOperatorRegistry.Registration memory r,, bytes memory b) = _signed(0, _ownerOf(0));
        (uint8 v, bytes32 x, bytes32 s) = vm.sign(_operatorKey(0), registry.registrationDigest(_ownerOf(0), r));
        bytes memory twin = abi.encodePacked(x, bytes32(_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _expectRefused(0, r, twin, b, _notPossessed(r.operator));
    }

    function test_register_consensusKeyWrongLength_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        r.consensusKey = bytes.concat(hex"04", r.consensusKey);
        _expectRefused(0, r, a, b, abi.encodeWithSelector(IOperatorRegistry.ConsensusKeyInvalid.selector));
    }

    function test_register_missingKey_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        bytes memory missing = abi.encodeWithSelector(IOperatorRegistry.KeyMissing.selector);
        bytes32 network = r.networkKey;
        r.networkKey = 0;
        _expectRefused(0, r, a, b, missing);
        (r.networkKey, r.encryptionKey) = (network, 0);
        _expectRefused(0, r, a, b, missing);
        r.operator = address(0);
        _expectRefused(0, r, a, b, missing);
    }

    function test_register_keyUsedBefore_reverts() public {
        _register(0);
        IOperatorRegistry.Registration memory first = _registration(0);
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(1, _ownerOf(1));
        r.operator = first.operator;
        _expectRefused(1, r, a, b, _used(bytes32(uint256(uint160(first.operator)))));
        r = _registration(1);
        r.consensusKey = first.consensusKey;
        _expectRefused(1, r, a, b, _used(bytes32(uint256(uint160(_consensusAddress(first))))));
        r = _registration(1);
        r.networkKey = first.networkKey;
        _expectRefused(1, r, a, b, _used(first.networkKey));
        r = _registration(1);
        r.encryptionKey = first.encryptionKey;
        _expectRefused(1, r, a, b, _used(first.encryptionKey));
    }

    function test_register_wordTakenByAnotherKind_registers() public {
        IOperatorRegistry.Registration memory squatter = _registration(0);
        squatter.networkKey = bytes32(uint256(uint160(_operator(1))));
        squatter.encryptionKey = _registration(1).networkKey;
        bytes32 digest = registry.registrationDigest(_ownerOf(0), squatter);
        _fund(_ownerOf(0));
        vm.prank(_ownerOf(0));
        registry.register(squatter, _sign(_operatorKey(0), digest), _sign(0xc0de0000, digest));
        _register(1);
        vm.assertEq(uint8(_status(1)), uint8(IOperatorRegistry.Status.Queued));
    }

    function test_register_consensusKeyOfTheOperatorAddress_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        r.operator = _consensusAddress(r);
        _expectRefused(0, r, a, b, _used(bytes32(uint256(uint160(r.operator)))));
    }

    function test_register_endpointEmptyOrTooLong_reverts() public {
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        bytes memory invalid = abi.encodeWithSelector(IOperatorRegistry.EndpointInvalid.selector);
        r.endpoint = "";
        _expectRefused(0, r, a, b, invalid);
        r.endpoint = string(new bytes(257));
        _expectRefused(0, r, a, b, invalid);
    }

    function test_register_tokenBringsLess_reverts() public {
        SkimmingToken skimming = new SkimmingToken();
        registry = new OperatorRegistry(OWNER, IERC20(address(skimming)), STAKE, SEATS, UNBONDING);
        skimming.transfer(_ownerOf(0), STAKE + 1);
        vm.prank(_ownerOf(0));
        skimming.approve(address(registry), STAKE);
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(0, _ownerOf(0));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.DepositMismatch.selector, STAKE - 1, STAKE));
        vm.prank(_ownerOf(0));
        registry.register(r, a, b);
    }

    function test_register_rosterFull_reverts() public {
        for (uint256 i = 0; i < 256; ++i) {
            _register(i);
        }
        (IOperatorRegistry.Registration memory r, bytes memory a, bytes memory b) = _signed(256, _ownerOf(256));
        _expectRefused(256, r, a, b, abi.encodeWithSelector(IOperatorRegistry.RosterFull.selector));
    }

    function test_setEndpoint_ownerOrOperator_changes() public {
        _register(0);
        bytes32 root = registry.committeeRoot();
        vm.prank(_ownerOf(0));
        registry.setEndpoint(_operator(0), "a");
        vm.assertEq(registry.operatorOf(_operator(0)).endpoint, "a");
        vm.prank(_operator(0));
        registry.setEndpoint(_operator(0), "b");
        vm.assertEq(registry.operatorOf(_operator(0)).endpoint, "b");
        vm.assertEq(registry.committeeRoot(), root, "the root is of keys");
    }

    function test_setEndpoint_strangerEmptyOrUnknown_reverts() public {
        _register(0);
        vm.expectRevert(_unauthorized(address(this)));
        registry.setEndpoint(_operator(0), "a");
        vm.expectRevert(IOperatorRegistry.EndpointInvalid.selector);
        vm.prank(_operator(0));
        registry.setEndpoint(_operator(0), "");
        vm.expectRevert(_wrongStatus(_operator(1), IOperatorRegistry.Status.None));
        vm.prank(_operator(1));
        registry.setEndpoint(_operator(1), "a");
    }

    function test_setHub_wrongCases_revert() public {
        OperatorRegistry fresh = new OperatorRegistry(OWNER, IERC20(address(token)), STAKE, SEATS, WINDOW);
        AttestationHub other = new AttestationHub(fresh, FEE, WINDOW);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        fresh.setHub(address(other));
        vm.startPrank(OWNER);
        vm.expectRevert(IOperatorRegistry.ZeroAddress.selector);
        fresh.setHub(address(0));
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.UnbondingTooShort.selector, WINDOW, WINDOW));
        fresh.setHub(address(other));
        vm.expectRevert(IOperatorRegistry.HubAlreadySet.selector);
        registry.setHub(address(other));
    }

    function test_ownerFunctions_stranger_revert() public {
        bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this));
        vm.expectRevert(refused);
        registry.setSlasher(address(this));
        vm.expectRevert(refused);
        registry.setSeats(5);
    }

    function test_setSeats_outOfRange_reverts() public {
        vm.startPrank(OWNER);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        registry.setSeats(3);
        vm.expectRevert(IOperatorRegistry.SettingInvalid.selector);
        registry.setSeats(101);
        registry.setSeats(7);
        vm.assertEq(registry.seats(), 7);
    }
}
