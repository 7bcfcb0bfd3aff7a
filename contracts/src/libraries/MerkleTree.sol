// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Messages} from "./Messages.sol";

/// @title MerkleTree
/// @notice The protocol's Merkle tree: positional, inner nodes as `Messages.node`, an odd node is promoted unchanged.
library MerkleTree {
    /// @notice Whether `leaf` stands at `position` of the tree with `count` leaves and root `root`.
    /// @dev Exactly the siblings that the position has, from the leaf up; one too few or too many is refused.
    function contains(
        bytes32 root,
        uint256 count,
        bytes32 leaf,
        uint256 position,
        bytes32[] calldata siblings
    )
        internal
        pure
        returns (bool)
    {
        if (position >= count) return false;
        bytes32 hash = leaf;
        uint256 used;
        for (uint256 width = count; width > 1; width = (width + 1) / 2) {
            if (position ^ 1 < width) {
                if (used == siblings.length) return false;
                bytes32 sibling = siblings[used++];
                hash = position & 1 == 0 ? Messages.node(hash, sibling) : Messages.node(sibling, hash);
            }
            position /= 2;
        }
        return used == siblings.length && hash == root;
    }

    /// @notice Root of the tree over `leaves`, at least one. Overwrites `leaves`.
    function rootOf(bytes32[] memory leaves) internal pure returns (bytes32) {
        uint256 width = leaves.length;
        while (width > 1) {
            uint256 half = width / 2;
            for (uint256 i = 0; i < half; ++i) {
                leaves[i] = Messages.node(leaves[2 * i], leaves[2 * i + 1]);
            }
            if (width & 1 == 1) leaves[half] = leaves[width - 1];
            width = (width + 1) / 2;
        }
        return leaves[0];
    }
}
