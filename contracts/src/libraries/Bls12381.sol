// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Bls12381
/// @notice BLS signatures over BLS12-381 with the signature in G1 and the key in G2, by the precompiles of EIP-2537.
///
/// Encodings as in EIP-2537: a field element is 64 bytes big-endian, the first 16 zero; G1 is x, y (128 bytes); G2 is
/// x.c0, x.c1, y.c0, y.c1 (256 bytes); all zeros is infinity. Messages are hashed to G1 by RFC 9380,
/// BLS12381G1_XMD:SHA-256_SSWU_RO_, with the caller's domain separation tag.
///
/// A precompile that refuses its input burns all gas given to it, so each call gets a bounded amount: its price under
/// EIP-2537 and half as much again.
library Bls12381 {
    /// @notice The message could not be hashed: too little gas, or a chain without the precompiles.
    error HashToCurveFailed();
    /// @notice A domain separation tag is longer than the 255 bytes that RFC 9380 allows, or the 64 of `verify`.
    error DomainTooLong(uint256 length);

    address internal constant G1_ADD = address(0x0b);
    address internal constant PAIRING = address(0x0f);
    address internal constant MAP_FP_TO_G1 = address(0x10);

    /// @dev 1.5 times the price of a pairing check of two pairs, 37,700 + 2 * 32,600.
    uint256 internal constant PAIRING_GAS_MAX = 154_350;
    /// @dev 1.5 times the price of a map, 5,500.
    uint256 internal constant MAP_GAS_MAX = 8250;
    /// @dev 1.5 times the price of an addition, 375.
    uint256 internal constant ADD_GAS_MAX = 563;

    bytes internal constant G1_GENERATOR = hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        hex"0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";

    bytes internal constant G1_GENERATOR_DOUBLED = hex"000000000000000000000000000000000572cbea904d67468808c8eb50a9450c9721db309128012543902d0ac358a62ae28f75bb8f1c7c42c39a8c5529bf0f4e"
        hex"00000000000000000000000000000000166a9d8cabc673a322fda673779d8e3822ba3ecb8670e461f73bb9021d5fd76a4c56d9d4cd16bd1bba86881979749d28";

    bytes internal constant G2_GENERATOR = hex"00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
        hex"0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        hex"000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
        hex"000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be";

    bytes internal constant G2_GENERATOR_NEGATED = hex"00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
        hex"0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        hex"000000000000000000000000000000000d1b3cc2c7027888be51d9ef691d77bcb679afda66c73f17f9ee3837a55024f78c71363275a75d75d86bab79f74782aa"
        hex"0000000000000000000000000000000013fa4d4a0ad8b1ce186ed5061789213d993923066dddaf1040bc3ff59f825c78df74f2d75467e25e0f55f8a00fa030ed";

    /// @dev A field element and its image under the map, from the vectors of EIP-2537.
    bytes internal constant MAP_INPUT =
        hex"0000000000000000000000000000000014406e5bfb9209256a3820879a29ac2f62d6aca82324bf3ae2aa7d3c54792043bd8c791fccdb080c1a52dc68b8b69350";

    bytes internal constant MAP_IMAGE = hex"000000000000000000000000000000000d7721bcdb7ce1047557776eb2659a444166dc6dd55c7ca6e240e21ae9aa18f529f04ac31d861b54faf3307692545db7"
        hex"00000000000000000000000000000000108286acbdf4384f67659a8abe89e712a504cb3ce1cba07a716869025d60d499a00d1da8cdc92958918c222ea93d87f0";

    /// @notice Whether `signature` is the key's over `message`: e(signature, -G2) * e(H(message), key) = 1.
    /// @param key G2, the first 256 bytes; the caller must have refused infinity, and no more is read
    /// @param message 32 bytes, a hash
    /// @param domainHead first 32 bytes of the domain separation tag
    /// @param domainTail the rest of it, left-aligned
    /// @param domainLength its length, at most 64
    /// @param signature G1, 128 bytes
    /// @return valid false also for wrong lengths, non-canonical elements, points off the curve or outside the subgroup
    function verify(
        bytes memory key,
        bytes32 message,
        bytes32 domainHead,
        bytes32 domainTail,
        uint256 domainLength,
        bytes calldata signature
    )
        internal
        view
        returns (bool valid)
    {
        if (key.length < 256 || signature.length != 128) return false;
        if (domainLength > 64) revert DomainTooLong(domainLength);
        uint256 input;
        assembly ("memory-safe") {
            input := mload(0x40)
            mstore(input, message)
            mstore(add(input, 32), domainHead)
            mstore(add(input, 64), domainTail)
        }
        unchecked {
            // The pairing's input is signature ‖ -G2 ‖ H(message) ‖ key, in memory that nothing else holds. Hashing comes
            // first and may use all of it.
            _hashTo(input, 32, input + 32, domainLength, input + 384, input);
        }
        assembly ("memory-safe") {
            calldatacopy(input, signature.offset, 128)
            mstore(add(input, 128), 0x00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051)
            mstore(add(input, 160), 0xc6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8)
            mstore(add(input, 192), 0x0000000000000000000000000000000013e02b6052719f607dacd3a088274f65)
            mstore(add(input, 224), 0x596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e)
            mstore(add(input, 256), 0x000000000000000000000000000000000d1b3cc2c7027888be51d9ef691d77bc)
            mstore(add(input, 288), 0xb679afda66c73f17f9ee3837a55024f78c71363275a75d75d86bab79f74782aa)
            mstore(add(input, 320), 0x0000000000000000000000000000000013fa4d4a0ad8b1ce186ed5061789213d)
            mstore(add(input, 352), 0x993923066dddaf1040bc3ff59f825c78df74f2d75467e25e0f55f8a00fa030ed)
            mcopy(add(input, 512), add(key, 32), 256)
            valid := staticcall(PAIRING_GAS_MAX, 0x0f, input, 768, 0, 32)
            valid := and(valid, eq(returndatasize(), 32))
            valid := and(valid, eq(mload(0), 1))
        }
    }

    /// @notice RFC 9380 hash of `message` to G1, 128 bytes.
    function hashToG1(bytes memory message, bytes memory domain) internal view returns (bytes memory point) {
        point = new bytes(128);
        if (domain.length > 255) revert DomainTooLong(domain.length);
        uint256 data;
        uint256 tag;
        uint256 output;
        uint256 scratch;
        assembly ("memory-safe") {
            data := add(message, 32)
            tag := add(domain, 32)
            output := add(point, 32)
            scratch := mload(0x40)
        }
        _hashTo(data, message.length, tag, domain.length, output, scratch);
    }

    /// @notice The first of the precompiles in use that this chain lacks or that gives a wrong answer; zero if none.
    function missingPrecompile() internal view returns (address) {
        (bool ok, bytes memory result) = G1_ADD.staticcall{gas: ADD_GAS_MAX}(bytes.concat(G1_GENERATOR, G1_GENERATOR));
        if (!ok || keccak256(result) != keccak256(G1_GENERATOR_DOUBLED)) return G1_ADD;

        (ok, result) = MAP_FP_TO_G1.staticcall{gas: MAP_GAS_MAX}(MAP_INPUT);
        if (!ok || keccak256(result) != keccak256(MAP_IMAGE)) return MAP_FP_TO_G1;

        bytes memory left = bytes.concat(G1_GENERATOR, G2_GENERATOR);
        if (!_pairsToOne(bytes.concat(left, G1_GENERATOR, G2_GENERATOR_NEGATED))) return PAIRING;
        if (_pairsToOne(bytes.concat(left, left))) return PAIRING;
        return address(0);
    }

    /// @dev Writes the hash of the `length` bytes at memory `data` to G1 at memory `output`. Reads message and domain first,
    /// then uses memory from `scratch` on, which may hold them, without reserving it.
    function _hashTo(
        uint256 data,
        uint256 length,
        uint256 domain,
        uint256 domainLength,
        uint256 output,
        uint256 scratch
    )
        private
        view
    {
        bool ok;
        assembly ("memory-safe") {
            // the two mapped points, then expand_message_xmd's buffer
            let buffer := add(scratch, 256)

            // expand_message_xmd, SHA-256, 128 bytes: Z_pad (64 zeros) ‖ message ‖ 0x0080 ‖ 0x00 ‖ domain ‖ len(domain)
            let tail := add(add(buffer, 64), length)
            mstore(buffer, 0)
            mstore(add(buffer, 32), 0)
            mcopy(add(buffer, 64), data, length)
            mstore(tail, shl(232, 0x008000))
            mcopy(add(tail, 3), domain, domainLength)
            mstore8(add(add(tail, 3), domainLength), domainLength)
            ok := staticcall(gas(), 2, buffer, add(sub(tail, buffer), add(domainLength, 4)), 0, 32)
            let first := mload(0)

            // b_i = H((b_0 xor b_(i-1)) ‖ i ‖ domain ‖ len(domain)): 33 bytes before the domain that is already there
            let start := sub(tail, 30)
            let size := add(domainLength, 34)
            let digest := 0
            for { let i := 1 } lt(i, 5) { i := add(i, 1) } {
                mstore(start, xor(first, digest))
                mstore8(add(start, 32), i)
                ok := and(ok, staticcall(gas(), 2, start, size, 0, 32))
                let high := mload(0)
                i := add(i, 1)
                mstore(start, xor(first, high))
                mstore8(add(start, 32), i)
                ok := and(ok, staticcall(gas(), 2, start, size, 0, 32))
                digest := mload(0)

                // u = (high ‖ digest) mod p. The quotient is estimated as high * floor(2^512 / p) >> 256; the fraction cut
                // off is 0.107, so that the estimate is at most 1 too small
                let low := digest
                let product := mulmod(high, 0x9d835d2f3cc9e45ce28101b0cc7a6ba29, not(0))
                let productLow := mul(high, 0x9d835d2f3cc9e45ce28101b0cc7a6ba29)
                let quotient := sub(sub(product, productLow), lt(product, productLow))
                product := mulmod(quotient, 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab, not(0))
                productLow := mul(quotient, 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab)
                high := sub(
                    sub(high, mul(quotient, 0x1a0111ea397fe69a4b1ba7b6434bacd7)),
                    add(sub(sub(product, productLow), lt(product, productLow)), lt(low, productLow))
                )
                low := sub(low, productLow)
                if or(
                    gt(high, 0x1a0111ea397fe69a4b1ba7b6434bacd7),
                    and(
                        eq(high, 0x1a0111ea397fe69a4b1ba7b6434bacd7),
                        gt(low, 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaaa)
                    )
                ) {
                    high := sub(
                        sub(high, 0x1a0111ea397fe69a4b1ba7b6434bacd7),
                        lt(low, 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab)
                    )
                    low := sub(low, 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab)
                }

                mstore(0, high)
                mstore(32, low)
                // the first pair of digests ends at i = 2, the second at 4
                ok := and(ok, staticcall(MAP_GAS_MAX, 0x10, 0, 64, add(scratch, shl(6, sub(i, 2))), 128))
            }
            ok := and(ok, staticcall(ADD_GAS_MAX, 0x0b, scratch, 256, output, 128))
            ok := and(ok, eq(returndatasize(), 128))
        }
        if (!ok) revert HashToCurveFailed();
    }

    /// @dev Whether the product of the two pairings of `input` is 1. False for anything the precompile refuses.
    function _pairsToOne(bytes memory input) private view returns (bool) {
        (bool ok, bytes memory result) = PAIRING.staticcall{gas: PAIRING_GAS_MAX}(input);
        return ok && result.length == 32 && bytes32(result) == bytes32(uint256(1));
    }
}
