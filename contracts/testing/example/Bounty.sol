// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAttestationHub} from "../../src/interfaces/IAttestationHub.sol";
import {AttestationConsumer} from "../../src/templates/AttestationConsumer.sol";

/// @title Bounty
/// @notice Example of a consumer: pays whoever proves the statement that the bounty is on, once.
contract Bounty is AttestationConsumer {
    bytes32 public immutable statementHash;
    mapping(bytes32 jobId => address) public hunterOf;
    mapping(address hunter => uint256) public earned;
    uint256 public prize;

    error WrongStatement();
    error NothingEarned();

    constructor(IAttestationHub hub_, bytes32 statementHash_) payable AttestationConsumer(hub_) {
        statementHash = statementHash_;
        prize = msg.value;
    }

    function hunt(bytes calldata statement, uint64 deadline) external payable returns (bytes32 jobId) {
        if (keccak256(statement) != statementHash) revert WrongStatement();
        jobId = _request(msg.sender, bytes4(keccak256("groth16-bn254")), statement, deadline);
        hunterOf[jobId] = msg.sender;
    }

    function collect() external {
        uint256 amount = earned[msg.sender];
        if (amount == 0) revert NothingEarned();
        earned[msg.sender] = 0;
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok);
    }

    function _onAttested(bytes32 jobId, uint8 verdict, uint128, bytes32) internal override {
        if (verdict != VALID) return;
        earned[hunterOf[jobId]] += prize;
        prize = 0;
    }
}
