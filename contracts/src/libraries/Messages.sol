// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Messages
/// @notice Every domain tag of the protocol, and the hashes that the contracts make: keccak256(abi.encode(TAG, …)) with
/// TAG = keccak256("assay/v1/NAME"). `protocol/tests/fixtures/protocol-bytes.json` pins them, for Rust too.
library Messages {
    bytes32 internal constant TAG_LEDGER = keccak256("assay/v1/LEDGER");
    bytes32 internal constant TAG_JOB = keccak256("assay/v1/JOB");
    bytes32 internal constant TAG_BEACON = keccak256("assay/v1/BEACON");
    bytes32 internal constant TAG_SEED = keccak256("assay/v1/SEED");
    bytes32 internal constant TAG_EVIDENCE = keccak256("assay/v1/EVIDENCE");
    bytes32 internal constant TAG_COMMIT = keccak256("assay/v1/COMMIT");
    bytes32 internal constant TAG_LEAF = keccak256("assay/v1/LEAF");
    bytes32 internal constant TAG_NODE = keccak256("assay/v1/NODE");
    bytes32 internal constant TAG_ATTEST = keccak256("assay/v1/ATTEST");
    bytes32 internal constant TAG_ACC = keccak256("assay/v1/ACC");
    bytes32 internal constant TAG_ROTATE = keccak256("assay/v1/ROTATE");
    bytes32 internal constant TAG_RESPONSE = keccak256("assay/v1/RESPONSE");
    bytes32 internal constant TAG_PART = keccak256("assay/v1/PART");
    bytes32 internal constant TAG_KEYPOP = keccak256("assay/v1/KEYPOP");
    bytes32 internal constant TAG_BOUND = keccak256("assay/v1/BOUND");
    bytes32 internal constant TAG_MEMBER = keccak256("assay/v1/MEMBER");

    /// @notice Id of a job. `nonce` is the hub's job index, `deadline` unix seconds.
    function job(
        uint256 chainId,
        address escrow,
        uint64 nonce,
        address provider,
        bytes4 kind,
        bytes32 statementHash,
        uint64 deadline
    )
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TAG_JOB, chainId, escrow, nonce, provider, kind, statementHash, deadline));
    }

    /// @notice Merkle leaf of an outcome.
    function leaf(
        bytes32 jobId,
        uint8 verdict,
        uint16 code,
        uint128 value,
        bytes32 evidence
    )
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TAG_LEAF, jobId, verdict, code, value, evidence));
    }

    /// @notice Inner node of a Merkle tree.
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(abi.encode(TAG_NODE, left, right));
    }

    /// @notice Accumulator after a batch of `count` outcomes.
    function accumulate(
        bytes32 previousAcc,
        bytes32 root,
        bytes32 packedHash,
        uint32 count
    )
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TAG_ACC, previousAcc, root, packedHash, count));
    }

    /// @notice What the group signs for a ledger height with outcomes.
    function attest(
        bytes32 ledgerId,
        uint256 chainId,
        address hub,
        uint32 committeeId,
        uint64 epoch,
        uint64 height,
        bytes32 blockId,
        bytes32 acc
    )
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TAG_ATTEST, ledgerId, chainId, hub, committeeId, epoch, height, blockId, acc));
    }

    /// @notice What the outgoing group signs to end its epoch.
    function rotate(
        bytes32 ledgerId,
        uint256 chainId,
        address hub,
        uint32 committeeId,
        uint64 nextEpoch,
        bytes32 keyHash,
        uint64 lastHeight
    )
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TAG_ROTATE, ledgerId, chainId, hub, committeeId, nextEpoch, keyHash, lastHeight));
    }

    /// @notice What a new group key signs to show that its group holds it.
    function keyPossession(
        bytes32 ledgerId,
        uint256 chainId,
        address hub,
        uint32 committeeId,
        uint64 epoch,
        bytes32 keyHash
    )
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TAG_KEYPOP, ledgerId, chainId, hub, committeeId, epoch, keyHash));
    }

    /// @notice An operator's leaf in the committee root.
    function member(
        address operator,
        bytes32 consensusKeyHash,
        bytes32 networkKey,
        bytes32 encryptionKey
    )
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TAG_MEMBER, operator, consensusKeyHash, networkKey, encryptionKey));
    }
}
