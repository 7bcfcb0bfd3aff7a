// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Groth16Verifier} from "../src/libraries/Groth16Verifier.sol";
import {CheatTest} from "./support/Cheats.sol";

/// @dev The library behind external calls, so that reverts and gas limits can be tested.
contract Groth16Harness {
    function verify(
        bytes memory key,
        bytes memory proof,
        uint256[] memory inputs
    )
        external
        view
        returns (Groth16Verifier.Code)
    {
        return Groth16Verifier.verify(key, proof, inputs);
    }

    function isValid(bytes memory key, bytes memory proof, uint256[] memory inputs) external view returns (bool) {
        return Groth16Verifier.isValid(key, proof, inputs);
    }

    function word(bytes memory data, uint256 index) external pure returns (uint256) {
        return Groth16Verifier.word(data, index);
    }
}

contract Groth16VerifierTest is CheatTest {
    struct Case {
        string name;
        bool valid;
        bytes key;
        bytes proof;
        uint256[] inputs;
    }

    uint256 private constant Q = Groth16Verifier.FIELD_MODULUS;
    uint256 private constant R = Groth16Verifier.GROUP_ORDER;

    Groth16Harness private _harness;
    Case[] private _cases;
    bytes private _g2OutsideSubgroup;

    function setUp() public {
        _harness = new Groth16Harness();
        string memory json = vm.readFile("test/fixtures/groth16.json");
        string[] memory names = vm.parseJsonStringArray(json, ".names");
        bool[] memory valid = vm.parseJsonBoolArray(json, ".valid");
        bytes[] memory keys = vm.parseJsonBytesArray(json, ".keys");
        bytes[] memory proofs = vm.parseJsonBytesArray(json, ".proofs");
        bytes[] memory inputs = vm.parseJsonBytesArray(json, ".inputs");
        for (uint256 i = 0; i < names.length; ++i) {
            uint256[] memory values = new uint256[](inputs[i].length / 32);
            for (uint256 k = 0; k < values.length; ++k) {
                values[k] = _plainWord(inputs[i], k);
            }
            _cases.push(Case(names[i], valid[i], keys[i], proofs[i], values));
        }
        _g2OutsideSubgroup = vm.parseJsonBytes(json, ".g2OutsideSubgroup");
    }

    function test_verify_everyFixture_hasItsVerdict() public view {
        vm.assertTrue(_cases.length >= 8, "fixtures are missing");
        for (uint256 i = 0; i < _cases.length; ++i) {
            Case memory item = _cases[i];
            Groth16Verifier.Code code = _harness.verify(item.key, item.proof, item.inputs);
            vm.assertTrue((code == Groth16Verifier.Code.Valid) == item.valid, item.name);
            vm.assertTrue(_harness.isValid(item.key, item.proof, item.inputs) == item.valid, item.name);
        }
    }

    function test_verify_proofCoordinatePlusModulus_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            for (uint256 k = 0; k < 8; ++k) {
                Case memory item = _cases[i];
                uint256 value = _plainWord(item.proof, k);
                if (value > type(uint256).max - Q) continue;
                _setWord(item.proof, k, value + Q);
                _expect(item, Groth16Verifier.Code.ProofCoordinate);
            }
        }
    }

    function test_verify_proofCoordinateIsModulus_isRefused() public view {
        for (uint256 k = 0; k < 8; ++k) {
            Case memory item = _cases[0];
            _setWord(item.proof, k, Q);
            _expect(item, Groth16Verifier.Code.ProofCoordinate);
        }
    }

    function test_verify_keyCoordinatePlusModulus_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            uint256 words = _cases[i].key.length / 32;
            for (uint256 k = 0; k < words; ++k) {
                Case memory item = _cases[i];
                _setWord(item.key, k, _plainWord(item.key, k) + Q);
                _expect(item, Groth16Verifier.Code.KeyCoordinate);
            }
        }
    }

    function test_verify_proofPointOffCurve_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            for (uint256 k = 0; k < 8; ++k) {
                Case memory item = _cases[i];
                _setWord(item.proof, k, addmod(_plainWord(item.proof, k), 1, Q));
                _expect(item, Groth16Verifier.Code.Point);
            }
        }
    }

    function test_verify_keyPointOffCurve_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            uint256 words = _cases[i].key.length / 32;
            for (uint256 k = 0; k < words; ++k) {
                Case memory item = _cases[i];
                _setWord(item.key, k, addmod(_plainWord(item.key, k), 1, Q));
                _expect(item, Groth16Verifier.Code.Point);
            }
        }
    }

    function test_verify_g2OutsideSubgroup_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            Case memory item = _cases[i];
            _copy(_g2OutsideSubgroup, item.proof, 64);
            _expect(item, Groth16Verifier.Code.Point);
            for (uint256 offset = 64; offset < 448; offset += 128) {
                item = _cases[i];
                _copy(_g2OutsideSubgroup, item.key, offset);
                _expect(item, Groth16Verifier.Code.Point);
            }
        }
    }

    function test_verify_g2HalvesSwapped_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            Case memory item = _cases[i];
            (uint256 x, uint256 y) = (_plainWord(item.proof, 2), _plainWord(item.proof, 4));
            _setWord(item.proof, 2, _plainWord(item.proof, 3));
            _setWord(item.proof, 3, x);
            _setWord(item.proof, 4, _plainWord(item.proof, 5));
            _setWord(item.proof, 5, y);
            _expect(item, Groth16Verifier.Code.Point);
        }
    }

    function test_verify_pointsAAndCSwapped_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            Case memory item = _cases[i];
            for (uint256 k = 0; k < 2; ++k) {
                uint256 value = _plainWord(item.proof, k);
                _setWord(item.proof, k, _plainWord(item.proof, 6 + k));
                _setWord(item.proof, 6 + k, value);
            }
            _expect(item, Groth16Verifier.Code.Pairing);
        }
    }

    function test_verify_pointNegated_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            Case memory item = _cases[i];
            _setWord(item.proof, 1, Q - _plainWord(item.proof, 1));
            _expect(item, Groth16Verifier.Code.Pairing);
            item = _cases[i];
            _setWord(item.proof, 7, Q - _plainWord(item.proof, 7));
            _expect(item, Groth16Verifier.Code.Pairing);
        }
    }

    function test_verify_proofPointAtInfinity_isRefused() public view {
        uint256[2][3] memory ranges = [[uint256(0), 2], [uint256(2), 6], [uint256(6), 8]];
        for (uint256 i = 0; i < 3; ++i) {
            Case memory item = _cases[0];
            for (uint256 k = ranges[i][0]; k < ranges[i][1]; ++k) {
                _setWord(item.proof, k, 0);
            }
            _expect(item, Groth16Verifier.Code.ProofInfinity);
        }
    }

    function test_verify_keyPointAtInfinity_isRefused() public view {
        uint256[2][4] memory ranges = [[uint256(0), 2], [uint256(2), 6], [uint256(6), 10], [uint256(10), 14]];
        for (uint256 i = 0; i < 4; ++i) {
            Case memory item = _cases[0];
            for (uint256 k = ranges[i][0]; k < ranges[i][1]; ++k) {
                _setWord(item.key, k, 0);
            }
            _expect(item, Groth16Verifier.Code.KeyInfinity);
        }
    }

    function test_verify_unusedInputAtInfinity_isRead() public view {
        // A key that doesn't use its last input: IC at infinity, so any value of that input proves the same.
        Case memory item = _cases[4];
        item.key = abi.encodePacked(item.key, new bytes(64));
        uint256[] memory inputs = new uint256[](item.inputs.length + 1);
        for (uint256 i = 0; i < item.inputs.length; ++i) {
            inputs[i] = item.inputs[i];
        }
        inputs[item.inputs.length] = 7;
        item.inputs = inputs;
        _expect(item, Groth16Verifier.Code.Valid);
    }

    function test_verify_inputChanged_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            for (uint256 k = 0; k < _cases[i].inputs.length; ++k) {
                Case memory item = _cases[i];
                item.inputs[k] = addmod(item.inputs[k], 1, R);
                _expect(item, Groth16Verifier.Code.Pairing);
            }
        }
    }

    function test_verify_inputPlusOrder_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            for (uint256 k = 0; k < _cases[i].inputs.length; ++k) {
                Case memory item = _cases[i];
                item.inputs[k] += R;
                _expect(item, Groth16Verifier.Code.InputRange);
            }
        }
    }

    function test_verify_inputMissingOrExtra_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            Case memory item = _cases[i];
            uint256 count = item.inputs.length;
            uint256[] memory fewer = new uint256[](count - 1);
            uint256[] memory more = new uint256[](count + 1);
            for (uint256 k = 0; k < count; ++k) {
                more[k] = item.inputs[k];
                if (k < count - 1) fewer[k] = item.inputs[k];
            }
            item.inputs = fewer;
            _expect(item, Groth16Verifier.Code.InputCount);
            item.inputs = more;
            _expect(item, Groth16Verifier.Code.InputCount);
        }
    }

    function test_verify_trailingZeroInputDropped_isRefused() public view {
        for (uint256 i = 0; i < _cases.length; ++i) {
            Case memory item = _cases[i];
            uint256 count = item.inputs.length;
            if (item.inputs[count - 1] != 0) continue;
            uint256[] memory fewer = new uint256[](count - 1);
            for (uint256 k = 0; k < count - 1; ++k) {
                fewer[k] = item.inputs[k];
            }
            item.inputs = fewer;
            _expect(item, Groth16Verifier.Code.InputCount);
        }
    }

    function test_verify_proofLengthWrong_isRefused() public view {
        Case memory item = _cases[0];
        bytes memory proof = item.proof;
        item.proof = abi.encodePacked(proof, uint8(0));
        _expect(item, Groth16Verifier.Code.ProofLength);
        item.proof = abi.encodePacked(proof, bytes32(0));
        _expect(item, Groth16Verifier.Code.ProofLength);
        item.proof = _prefix(proof, 255);
        _expect(item, Groth16Verifier.Code.ProofLength);
        item.proof = "";
        _expect(item, Groth16Verifier.Code.ProofLength);
    }

    function test_verify_keyLengthWrong_isRefused() public view {
        Case memory item = _cases[0];
        bytes memory key = item.key;
        item.key = abi.encodePacked(key, uint8(0));
        _expect(item, Groth16Verifier.Code.KeyLength);
        item.key = abi.encodePacked(key, bytes32(0));
        _expect(item, Groth16Verifier.Code.KeyLength);
        item.key = _prefix(key, key.length - 1);
        _expect(item, Groth16Verifier.Code.KeyLength);
        item.key = _prefix(key, 448);
        _expect(item, Groth16Verifier.Code.KeyLength);
        item.key = "";
        _expect(item, Groth16Verifier.Code.KeyLength);
    }

    function test_verify_keyTakesTooManyInputs_isRefused() public view {
        Case memory item = _cases[0];
        item.key = abi.encodePacked(_prefix(item.key, 448), new bytes(64 * (Groth16Verifier.MAX_INPUTS + 2)));
        _expect(item, Groth16Verifier.Code.KeyLength);
    }

    function test_verify_keyOfAnotherCircuit_isRefused() public view {
        Case memory item = _cases[1];
        item.key = _cases[2].key;
        _expect(item, Groth16Verifier.Code.Pairing);
    }

    function test_verify_tooLittleGas_reverts() public view {
        // Whatever gas the caller brings, a good proof is found valid or the call reverts: never refused.
        Case memory item = _cases[0];
        bytes memory call = abi.encodeCall(Groth16Harness.verify, (item.key, item.proof, item.inputs));
        bool succeeded;
        for (uint256 gas = 30_000; gas <= 630_000; gas += 20_000) {
            (bool ok, bytes memory result) = address(_harness).staticcall{gas: gas}(call);
            if (!ok) continue;
            succeeded = true;
            vm.assertEq(uint256(abi.decode(result, (Groth16Verifier.Code))), uint256(Groth16Verifier.Code.Valid));
        }
        vm.assertTrue(succeeded, "630,000 gas are enough");

        (bool enough, bytes memory reason) = address(_harness).staticcall{gas: 250_000}(call);
        vm.assertFalse(enough, "250,000 gas are too little");
        vm.assertEq(bytes32(bytes4(reason)), bytes32(Groth16Verifier.InsufficientGas.selector));
    }

    function testFuzz_verify_anyProofBytes_areNotAccepted(bytes32 salt, uint8 index) public view {
        Case memory item = _cases[index % _cases.length];
        uint256 word = uint256(salt) % 8;
        uint256 value = uint256(keccak256(abi.encode(salt)));
        if (value == _plainWord(item.proof, word)) return;
        _setWord(item.proof, word, value);
        vm.assertFalse(_harness.isValid(item.key, item.proof, item.inputs), item.name);
    }

    function testFuzz_verify_anyBitFlipped_isRefused(uint256 bit, uint8 index) public view {
        Case memory item = _cases[index % _cases.length];
        bit %= item.proof.length * 8;
        item.proof[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        vm.assertFalse(_harness.isValid(item.key, item.proof, item.inputs), item.name);
    }

    function testFuzz_word_anyData_equalsPlainReading(bytes memory data, uint256 index) public view {
        if (data.length < 32) return;
        index %= data.length / 32;
        vm.assertEq(_harness.word(data, index), _plainWord(data, index));
    }

    /// @dev One call without the transaction around it, key, proof and inputs in calldata.
    function test_gas_verify() public {
        Case memory item = _cases[1];
        _harness.verify(item.key, item.proof, item.inputs);
        vm.snapshotGasLastCall("Groth16Verifier", string.concat("verify_", vm.toString(item.inputs.length), "_input"));
        item = _cases[0];
        _harness.verify(item.key, item.proof, item.inputs);
        vm.snapshotGasLastCall("Groth16Verifier", string.concat("verify_", vm.toString(item.inputs.length), "_inputs"));
    }

    function _expect(Case memory item, Groth16Verifier.Code code) private view {
        uint256 actual = uint256(_harness.verify(item.key, item.proof, item.inputs));
        vm.assertEq(actual, uint256(code), item.name);
    }

    /// @dev The plain reference of the library's `word`.
    function _plainWord(bytes memory data, uint256 index) private pure returns (uint256 value) {
        for (uint256 i = 0; i < 32; ++i) {
            value = (value << 8) | uint8(data[index * 32 + i]);
        }
    }

    function _setWord(bytes memory data, uint256 index, uint256 value) private pure {
        for (uint256 i = 0; i < 32; ++i) {
            data[index * 32 + i] = bytes32(value)[i];
        }
    }

    function _copy(bytes memory from, bytes memory to, uint256 offset) private pure {
        for (uint256 i = 0; i < from.length; ++i) {
            to[offset + i] = from[i];
        }
    }

    function _prefix(bytes memory data, uint256 length) private pure returns (bytes memory result) {
        result = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            result[i] = data[i];
        }
    }
}
