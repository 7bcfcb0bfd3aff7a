// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationConsumer} from "../interfaces/IAttestationConsumer.sol";
import {IAttestationHub} from "../interfaces/IAttestationHub.sol";

/// @title AttestationConsumer
/// @notice Base of a contract that asks the network for a verification and acts on the verdict. `ProofGate` beside it is an
/// example in ten lines.
/// @dev The hub calls `onAttested` once, when the verdict is final, with `IAttestationHub.DELIVERY_GAS` gas. Keep
/// `_onAttested` far below that, and let it never revert for a reason that lasts: the hub then counts the verdict as not
/// delivered, and anyone may try again.
abstract contract AttestationConsumer is IAttestationConsumer {
    /// @notice The verdict of a proof that holds. Any other means that nothing was shown.
    uint8 internal constant VALID = 0;

    /// @notice The hub that this contract asks and believes.
    IAttestationHub public immutable hub;
    /// @notice Who paid for a job; zero for a job that is not of this contract.
    mapping(bytes32 jobId => address) public payerOf;

    /// @notice The caller is not the hub.
    error NotHub(address caller);
    /// @notice The caller did not pay for the job.
    error NotPayer(bytes32 jobId, address caller);
    /// @notice The native currency sent is not the hub's fee.
    error WrongFee(uint256 sent, uint256 fee);

    constructor(IAttestationHub hub_) {
        hub = hub_;
    }

    /// @inheritdoc IAttestationConsumer
    function onAttested(bytes32 jobId, uint8 verdict, uint128 value, bytes32 evidenceHash) external {
        if (msg.sender != address(hub)) revert NotHub(msg.sender);
        _onAttested(jobId, verdict, value, evidenceHash);
    }

    /// @notice Takes back the fee of a job that has no verdict after its deadline, to `to`. Only who paid it.
    function takeFeeBack(bytes32 jobId, address payable to) external {
        if (msg.sender != payerOf[jobId]) revert NotPayer(jobId, msg.sender);
        hub.refundFee(jobId);
        hub.withdraw(to);
    }

    /// @dev Asks for a verification, paid with exactly the native currency that came with the call.
    function _request(
        address provider,
        bytes4 kind,
        bytes calldata statement,
        uint64 deadline
    )
        internal
        returns (bytes32 jobId)
    {
        uint256 fee = hub.fee();
        if (msg.value != fee) revert WrongFee(msg.value, fee);
        (jobId,) = hub.request{value: fee}(provider, kind, statement, deadline);
        payerOf[jobId] = msg.sender;
    }

    /// @dev Acts on the final verdict of a job.
    function _onAttested(bytes32 jobId, uint8 verdict, uint128 value, bytes32 evidenceHash) internal virtual;
}
