// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IOperatorRegistry} from "../../src/interfaces/IOperatorRegistry.sol";
import {HubBase} from "./HubBase.sol";

/// @dev A registry with a slasher, and what its tests share.
abstract contract OperatorRegistryBase is HubBase {
    address internal constant _SLASHER = address(0x51a54e8);
    address internal constant _REPORTER = address(0x8e9);

    function setUp() public {
        _deploy();
        vm.prank(OWNER);
        registry.setSlasher(_SLASHER);
    }

    function _registerMany(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            _register(i);
        }
    }

    function _activate() internal {
        registry.freezeCommittee();
        vm.prank(address(hub));
        registry.activateCommittee();
    }

    function _leave(uint256 index) internal {
        vm.prank(_ownerOf(index));
        registry.requestExit(_operator(index));
    }

    function _status(uint256 index) internal view returns (IOperatorRegistry.Status) {
        return registry.operatorOf(_operator(index)).status;
    }

    function _signed(
        uint256 index,
        address owner
    )
        internal
        returns (IOperatorRegistry.Registration memory registration, bytes memory a, bytes memory b)
    {
        registration = _registration(index);
        bytes32 digest = registry.registrationDigest(owner, registration);
        return (registration, _sign(_operatorKey(index), digest), _sign(0xc0de0000 + index, digest));
    }

    function _expectRefused(
        uint256 index,
        IOperatorRegistry.Registration memory registration,
        bytes memory a,
        bytes memory b,
        bytes memory reason
    )
        internal
    {
        _fund(_ownerOf(index));
        vm.expectRevert(reason);
        vm.prank(_ownerOf(index));
        registry.register(registration, a, b);
    }

    function _consensusAddress(IOperatorRegistry.Registration memory registration) internal pure returns (address) {
        return address(uint160(uint256(keccak256(registration.consensusKey))));
    }

    function _notPossessed(address expected) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOperatorRegistry.ProofOfPossessionInvalid.selector, expected);
    }

    function _used(bytes32 key) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOperatorRegistry.KeyUsed.selector, key);
    }

    function _unauthorized(address sender) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOperatorRegistry.Unauthorized.selector, sender);
    }

    function _wrongStatus(address operator, IOperatorRegistry.Status status) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOperatorRegistry.WrongStatus.selector, operator, status);
    }
}
