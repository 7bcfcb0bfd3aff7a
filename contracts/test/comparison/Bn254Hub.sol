// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CodeStore} from "../../src/libraries/CodeStore.sol";
import {RecordingHub} from "./RecordingHub.sol";

/// @dev A BLS multisignature over BN254, as services verify it that know who signed: the signature and each signer's key are
/// in G1, where additions are cheap, and the sender brings the signers' aggregate in G2. The aggregate in G1 is that of
/// all, less those absent. Both equations are checked by one pairing of two pairs, combined by a challenge g:
/// e(signature + g * key, -G2) * e(H(message) + g * G1, key in G2) = 1.
///
/// Keys are kept as code: the aggregate of all, then each. An attestation is the bitmap of those absent u256 ‖ signature in
/// G1 ‖ the signers' key in G2, 224 bytes.
contract Bn254Hub is RecordingHub {
    uint256 internal constant P =
        21_888_242_871_839_275_222_246_405_745_257_275_088_696_311_157_297_823_662_689_037_894_645_226_208_583;
    uint256 private constant _ROOT_EXPONENT = (P + 1) / 4;
    uint256 private constant _G2_X1 = 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2;
    uint256 private constant _G2_X0 = 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed;
    uint256 private constant _G2_NEGATED_Y1 = 0x275dc4a288d1afb3cbb1ac09187524c7db36395df7be3b99e673b13a075a65ec;
    uint256 private constant _G2_NEGATED_Y0 = 0x1d9befcd05a5323e6da4d435f3b617cdb3af83285c2df711ef39c01571827f9d;

    uint256 private immutable _ABSENT_MAX;
    uint256 private immutable _SIGNERS;

    /// @param keys the aggregate of all, then each, 64 bytes a point
    constructor(
        bytes32 ledger,
        uint64 epoch,
        uint256 fee,
        bytes memory keys,
        uint256 absentMax
    )
        RecordingHub(ledger, epoch, fee, CodeStore.write(keys))
    {
        (_SIGNERS, _ABSENT_MAX) = (keys.length / 64 - 1, absentMax);
    }

    /// @dev Hashes to a point by trying x, x + 1 and so on.
    function hashToG1(bytes32 message) public view returns (uint256 x, uint256 y) {
        x = uint256(message) % P;
        while (true) {
            uint256 square = addmod(mulmod(mulmod(x, x, P), x, P), 3, P);
            y = _power(square, _ROOT_EXPONENT);
            if (mulmod(y, y, P) == square) return (x, y);
            x = addmod(x, 1, P);
        }
    }

    function _isSigned(address keys, bytes32 message, bytes calldata signature) internal view override returns (bool) {
        if (signature.length != 224) return false;
        uint256[2] memory key = _signersKey(keys, uint256(bytes32(signature[:32])));
        uint256[2] memory sum;
        uint256[12] memory pairing;
        for (uint256 i = 0; i < 6; ++i) {
            uint256 word = uint256(bytes32(signature[32 + 32 * i:64 + 32 * i]));
            if (i < 2) sum[i] = word;
            else pairing[6 + i] = word;
        }
        uint256 challenge = uint256(keccak256(abi.encode(message, key, signature)));
        (pairing[0], pairing[1]) = _add(sum, _multiply(key, challenge));
        (pairing[2], pairing[3], pairing[4], pairing[5]) = (_G2_X1, _G2_X0, _G2_NEGATED_Y1, _G2_NEGATED_Y0);
        uint256[2] memory point;
        (point[0], point[1]) = hashToG1(message);
        uint256[2] memory generator = [uint256(1), 2];
        (pairing[6], pairing[7]) = _add(point, _multiply(generator, challenge));
        uint256 result;
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(gas(), 8, pairing, 384, 0, 32)
            result := mload(0)
        }
        return ok && result == 1;
    }

    /// @dev The aggregate of all less those absent, who must be few enough.
    function _signersKey(address keys, uint256 absent) private view returns (uint256[2] memory key) {
        bytes memory points = CodeStore.read(keys, 0, (_SIGNERS + 1) * 64);
        (key[0], key[1]) = (uint256(CodeStore.word(points, 0)), uint256(CodeStore.word(points, 32)));
        if (absent >> _SIGNERS != 0) revert SignatureInvalid();
        uint256 count;
        uint256[2] memory point;
        for (uint256 i = 1; absent != 0; (absent >>= 1, ++i)) {
            if (absent & 1 == 0) continue;
            if (++count > _ABSENT_MAX) revert SignatureInvalid();
            point[0] = uint256(CodeStore.word(points, i * 64));
            point[1] = P - uint256(CodeStore.word(points, i * 64 + 32));
            (key[0], key[1]) = _add(key, point);
        }
    }

    function _add(uint256[2] memory left, uint256[2] memory right) private view returns (uint256 x, uint256 y) {
        bool ok;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mcopy(input, left, 64)
            mcopy(add(input, 64), right, 64)
            ok := staticcall(gas(), 6, input, 128, 0, 64)
            x := mload(0)
            y := mload(32)
        }
        if (!ok) revert SignatureInvalid();
    }

    function _multiply(uint256[2] memory point, uint256 scalar) private view returns (uint256[2] memory product) {
        bool ok;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mcopy(input, point, 64)
            mstore(add(input, 64), scalar)
            ok := staticcall(gas(), 7, input, 96, product, 64)
        }
        if (!ok) revert SignatureInvalid();
    }

    function _power(uint256 base, uint256 exponent) private view returns (uint256 result) {
        bool ok;
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, 32)
            mstore(add(input, 32), 32)
            mstore(add(input, 64), 32)
            mstore(add(input, 96), base)
            mstore(add(input, 128), exponent)
            mstore(add(input, 160), P)
            ok := staticcall(gas(), 5, input, 192, 0, 32)
            result := mload(0)
        }
        if (!ok) revert SignatureInvalid();
    }
}
