// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// @title IAttestationConsumer
/// @notice The one function of a contract that wants to be called with an outcome. Implementing it is optional: an
/// outcome can also be read with `IAttestationHub.outcomeOf`.
/// @dev The hub calls it at most once a job that succeeds, with `IAttestationHub.DELIVERY_GAS` gas, and only when the
/// outcome is final. An implementation must check that `msg.sender` is the hub it asked.
interface IAttestationConsumer {
    /// @notice Takes the outcome of a job that this contract requested.
    /// @param jobId the job, as `IAttestationHub.request` returned it
    /// @param verdict 0 Valid, 1 Invalid, 2 Missed, 3 Inconclusive
    /// @param value what the kind measures (for `groth16-bn254`, 1 for a valid proof)
    /// @param evidenceHash binds seed, statement, response and reported values
    function onAttested(bytes32 jobId, uint8 verdict, uint128 value, bytes32 evidenceHash) external;
}
