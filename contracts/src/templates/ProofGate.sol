// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationHub} from "../interfaces/IAttestationHub.sol";
import {AttestationConsumer} from "./AttestationConsumer.sol";

/// @title ProofGate
/// @notice Template: lets in whoever has had a Groth16 proof verified. Copy it, and put your own condition in place.
contract ProofGate is AttestationConsumer {
    mapping(address account => bool) public isAdmitted;

    constructor(IAttestationHub hub_) AttestationConsumer(hub_) {}

    function ask(address provider, bytes calldata statement, uint64 deadline) external payable returns (bytes32 jobId) {
        return _request(provider, bytes4(keccak256("groth16-bn254")), statement, deadline);
    }

    function _onAttested(bytes32 jobId, uint8 verdict, uint128, bytes32) internal override {
        if (verdict == VALID) isAdmitted[payerOf[jobId]] = true;
    }
}
