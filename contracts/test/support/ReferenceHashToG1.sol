// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @dev RFC 9380 BLS12381G1_XMD:SHA-256_SSWU_RO_ as the RFC writes it, without assembly: the reference of
/// `Bls12381.hashToG1`.
library ReferenceHashToG1 {
    bytes private constant _P =
        hex"1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";

    function hashToG1(bytes memory message, bytes memory domain) internal view returns (bytes memory) {
        bytes32[4] memory uniform = expandMessage(message, domain);
        bytes memory first = _map(_reduce(bytes.concat(uniform[0], uniform[1])));
        bytes memory second = _map(_reduce(bytes.concat(uniform[2], uniform[3])));
        return _call(address(0x0b), bytes.concat(first, second));
    }

    function expandMessage(bytes memory message, bytes memory domain)
        internal
        pure
        returns (bytes32[4] memory uniform)
    {
        bytes memory suffix = abi.encodePacked(domain, uint8(domain.length));
        bytes32 first = sha256(bytes.concat(new bytes(64), message, hex"008000", suffix));
        bytes32 previous;
        for (uint256 i = 0; i < 4; ++i) {
            previous = sha256(abi.encodePacked(first ^ previous, uint8(i + 1), suffix));
            uniform[i] = previous;
        }
    }

    function _reduce(bytes memory wide) private view returns (bytes memory) {
        return _call(address(0x05), abi.encodePacked(uint256(64), uint256(1), uint256(48), wide, uint8(1), _P));
    }

    function _map(bytes memory element) private view returns (bytes memory) {
        return _call(address(0x10), bytes.concat(new bytes(16), element));
    }

    function _call(address precompile, bytes memory input) private view returns (bytes memory) {
        (bool ok, bytes memory result) = precompile.staticcall(input);
        require(ok, "precompile");
        return result;
    }
}
