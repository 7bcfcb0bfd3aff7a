// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Groth16Verifier
/// @notice Verifies Groth16 proofs over BN254 against a verifying key given as bytes, with the precompiles of EIP-196
/// (0x06 addition, 0x07 multiplication) and EIP-197 (0x08 pairing), as Groth's "On the Size of Pairing-based
/// Non-interactive Arguments" (2016) defines the check:
///
///     e(A, B) = e(alpha, beta) * e(IC[0] + sum of input[i] * IC[i + 1], gamma) * e(C, delta)
///
/// Encodings, all words 32 bytes big-endian, G2 with the imaginary part first as in EIP-197:
/// - key: alpha (64) ‖ beta (128) ‖ gamma (128) ‖ delta (128) ‖ IC[0] … IC[n] (64 each), n = number of inputs
/// - proof: A (64) ‖ B (128) ‖ C (64), 256 bytes
///
/// One encoding only: every coordinate below the field's modulus, every input below the group's order, no byte left
/// over. The point at infinity is refused in a proof and in alpha, beta, gamma and delta; an IC point may be infinity (an
/// input that the circuit does not use). The precompiles refuse points off the curve, and the pairing refuses G2 points
/// outside the subgroup.
///
/// A refused proof is a return value; the only revert is `InsufficientGas`, so that a caller who brings too little gas
/// can never make a good proof look refused.
library Groth16Verifier {
    /// @notice Why a proof was refused. `Valid` is the only acceptance.
    enum Code {
        // The proof holds.
        Valid,
        // The key is not 448 + 64 * (n + 1) bytes long with 0 <= n <= MAX_INPUTS.
        KeyLength,
        // A coordinate of the key is not below the field's modulus.
        KeyCoordinate,
        // alpha, beta, gamma or delta is the point at infinity.
        KeyInfinity,
        // The proof is not exactly 256 bytes long.
        ProofLength,
        // A coordinate of the proof is not below the field's modulus.
        ProofCoordinate,
        // A, B or C is the point at infinity.
        ProofInfinity,
        // The number of inputs is not the number that the key takes.
        InputCount,
        // An input is not below the group's order.
        InputRange,
        // A precompile refused a point: off its curve, or outside the G2 subgroup.
        Point,
        // All is well-formed and the equation does not hold.
        Pairing
    }

    /// @notice Too little gas is left to give the precompiles what they may need.
    error InsufficientGas(uint256 available, uint256 needed);

    /// @notice Modulus of the base field, to which coordinates belong.
    uint256 internal constant FIELD_MODULUS =
        21_888_242_871_839_275_222_246_405_745_257_275_088_696_311_157_297_823_662_689_037_894_645_226_208_583;
    /// @notice Order of the groups, the modulus of the scalar field, to which inputs belong.
    uint256 internal constant GROUP_ORDER =
        21_888_242_871_839_275_222_246_405_745_257_275_088_548_364_400_416_034_343_698_204_186_575_808_495_617;

    /// @notice Bytes of a proof.
    uint256 internal constant PROOF_BYTES = 256;
    /// @notice Bytes of a key before its IC points.
    uint256 internal constant KEY_HEAD_BYTES = 448;
    /// @notice Most inputs that a key may take here; bounds the gas of one verification.
    uint256 internal constant MAX_INPUTS = 256;

    /// @dev Gas handed to each precompile call: the price of EIP-1108 with room for a repricing. A call that fails burns
    /// all of what it was given.
    uint256 private constant ADD_GAS = 1000;
    uint256 private constant MUL_GAS = 12_000;
    uint256 private constant PAIRING_GAS = 300_000;

    /// @notice Whether `proof` proves `inputs` under `key`.
    function isValid(bytes memory key, bytes memory proof, uint256[] memory inputs) internal view returns (bool) {
        return verify(key, proof, inputs) == Code.Valid;
    }

    /// @notice Verifies `proof` for `inputs` under `key` and says why not.
    /// @param key The canonical bytes of the verifying key.
    /// @param proof The 256 bytes of the proof.
    /// @param inputs The public inputs, without the leading one.
    /// @return The first reason to refuse, or `Valid`.
    function verify(bytes memory key, bytes memory proof, uint256[] memory inputs) internal view returns (Code) {
        if (proof.length != PROOF_BYTES) return Code.ProofLength;
        Code code = checkKey(key);
        if (code != Code.Valid) return code;
        if (inputCount(key) != inputs.length) return Code.InputCount;
        for (uint256 i = 0; i < inputs.length; ++i) {
            if (inputs[i] >= GROUP_ORDER) return Code.InputRange;
        }
        code = _checkProof(proof);
        if (code != Code.Valid) return code;

        (bool summed, uint256 x, uint256 y) = _sumInputs(key, inputs);
        if (!summed) return Code.Point;
        return _checkPairing(key, proof, x, y);
    }

    /// @notice Whether `key` is well-formed: its length, its coordinates, and no infinity among alpha, beta, gamma and
    /// delta. Whether its points lie on their curves shows only when a proof is verified.
    function checkKey(bytes memory key) internal pure returns (Code) {
        if (key.length < KEY_HEAD_BYTES + 64 || (key.length - KEY_HEAD_BYTES) % 64 != 0) return Code.KeyLength;
        if (inputCount(key) > MAX_INPUTS) return Code.KeyLength;
        if (!_coordinatesInField(key)) return Code.KeyCoordinate;
        if (_isZero(key, 0, 2) || _isZero(key, 2, 4) || _isZero(key, 6, 4) || _isZero(key, 10, 4)) {
            return Code.KeyInfinity;
        }
        return Code.Valid;
    }

    /// @notice How many inputs a well-formed `key` takes.
    function inputCount(bytes memory key) internal pure returns (uint256) {
        return (key.length - KEY_HEAD_BYTES) / 64 - 1;
    }

    function _checkProof(bytes memory proof) private pure returns (Code) {
        if (!_coordinatesInField(proof)) return Code.ProofCoordinate;
        if (_isZero(proof, 0, 2) || _isZero(proof, 2, 4) || _isZero(proof, 6, 2)) return Code.ProofInfinity;
        return Code.Valid;
    }

    /// @dev IC[0] + sum of input[i] * IC[i + 1]; `ok` is false when a precompile refuses a point.
    function _sumInputs(bytes memory key, uint256[] memory inputs)
        private
        view
        returns (bool ok, uint256 x, uint256 y)
    {
        uint256 cursor = KEY_HEAD_BYTES / 32;
        x = word(key, cursor);
        y = word(key, cursor + 1);
        for (uint256 i = 0; i < inputs.length; ++i) {
            cursor += 2;
            bytes memory result;
            (ok, result) =
                _callPrecompile(0x07, MUL_GAS, abi.encode(word(key, cursor), word(key, cursor + 1), inputs[i]));
            if (!ok || result.length != 64) return (false, 0, 0);
            (ok, result) = _callPrecompile(0x06, ADD_GAS, abi.encode(x, y, word(result, 0), word(result, 1)));
            if (!ok || result.length != 64) return (false, 0, 0);
            (x, y) = (word(result, 0), word(result, 1));
        }
        ok = true;
    }

    /// @dev e(-A, B) * e(alpha, beta) * e(sum, gamma) * e(C, delta) = 1.
    function _checkPairing(
        bytes memory key,
        bytes memory proof,
        uint256 sumX,
        uint256 sumY
    )
        private
        view
        returns (Code)
    {
        uint256[24] memory pairs;
        pairs[0] = word(proof, 0);
        pairs[1] = FIELD_MODULUS - word(proof, 1); // y = 0 is on no point of the curve: the precompile refuses it
        for (uint256 i = 0; i < 4; ++i) {
            pairs[2 + i] = word(proof, 2 + i);
            pairs[8 + i] = word(key, 2 + i);
            pairs[14 + i] = word(key, 6 + i);
            pairs[20 + i] = word(key, 10 + i);
        }
        pairs[6] = word(key, 0);
        pairs[7] = word(key, 1);
        pairs[12] = sumX;
        pairs[13] = sumY;
        pairs[18] = word(proof, 6);
        pairs[19] = word(proof, 7);

        (bool ok, bytes memory result) = _callPrecompile(0x08, PAIRING_GAS, abi.encode(pairs));
        if (!ok || result.length != 32) return Code.Point;
        return word(result, 0) == 1 ? Code.Valid : Code.Pairing;
    }

    /// @dev Refuses to call when a 64th kept back by EIP-150 would leave less than `gasLimit` for the precompile.
    function _callPrecompile(
        uint160 precompile,
        uint256 gasLimit,
        bytes memory input
    )
        private
        view
        returns (bool ok, bytes memory result)
    {
        uint256 needed = gasLimit + gasLimit / 63 + 5000;
        if (gasleft() < needed) revert InsufficientGas(gasleft(), needed);
        (ok, result) = address(precompile).staticcall{gas: gasLimit}(input);
    }

    function _coordinatesInField(bytes memory data) private pure returns (bool) {
        uint256 words = data.length / 32;
        for (uint256 i = 0; i < words; ++i) {
            if (word(data, i) >= FIELD_MODULUS) return false;
        }
        return true;
    }

    function _isZero(bytes memory data, uint256 firstWord, uint256 words) private pure returns (bool) {
        for (uint256 i = 0; i < words; ++i) {
            if (word(data, firstWord + i) != 0) return false;
        }
        return true;
    }

    /// @dev The `index`-th 32-byte word of `data`; the caller has checked the length. The plain reference, byte by byte,
    /// and the fuzz that compares them are in the library's tests.
    function word(bytes memory data, uint256 index) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), mul(index, 32)))
        }
    }
}
