// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bls12381} from "../../src/libraries/Bls12381.sol";

/// @dev Signs with a plain secret scalar by the multiplication precompiles of EIP-2537: what a committee's shares combine
/// to is exactly this signature.
library BlsSigner {
    bytes internal constant DOMAIN = "ASSAY-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

    function publicKey(uint256 secret) internal view returns (bytes memory) {
        return _multiply(address(0x0e), Bls12381.G2_GENERATOR, secret);
    }

    function sign(uint256 secret, bytes32 message) internal view returns (bytes memory) {
        return sign(secret, bytes.concat(message), DOMAIN);
    }

    function sign(uint256 secret, bytes memory message, bytes memory domain) internal view returns (bytes memory) {
        return _multiply(address(0x0c), Bls12381.hashToG1(message, domain), secret);
    }

    function _multiply(address precompile, bytes memory point, uint256 scalar) private view returns (bytes memory) {
        (bool ok, bytes memory result) = precompile.staticcall(bytes.concat(point, bytes32(scalar)));
        require(ok, "multiplication");
        return result;
    }
}
