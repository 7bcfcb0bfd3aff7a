// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationHub} from "../interfaces/IAttestationHub.sol";
import {AttestationConsumer} from "./AttestationConsumer.sol";

/// @title ProofGate
/// @notice Template: lets in whoever has had a Groth16 proof of one statement verified. Copy it, and put your own condition
/// in place. The statement names verifying key and inputs: a gate that took any would let in whoever proves anything.
contract ProofGate is AttestationConsumer {
    bytes32 public immutable statementHash;
    mapping(address account => bool) public isAdmitted;

    error WrongStatement();

    constructor(IAttestationHub hub_, bytes32 statementHash_) AttestationConsumer(hub_) {
        statementHash = statementHash_;
    }

    function ask(address provider, bytes calldata statement, uint64 deadline) external payable returns (bytes32 jobId) {
        if (keccak256(statement) != statementHash) revert WrongStatement();
        return _request(provider, bytes4(keccak256("groth16-bn254")), statement, deadline);
    }

    function _onAttested(bytes32 jobId, uint8 verdict, uint128, bytes32) internal override {
        if (verdict == VALID) isAdmitted[payerOf[jobId]] = true;
    }
}
