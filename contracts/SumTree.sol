// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title Merkle sum tree whose every node is one word: hash (192 bits) | amount (64 bits).
/// @notice Leaf word = named (1 bit) | index (31) | account (160) | cumulative (64). Leaf node =
/// keccak256(word) with its low 64 bits replaced by the amount; inner node = keccak256(left, right)
/// likewise with the sum. So a root states its total. Leaves hash 32 bytes and inner nodes 64, hence
/// neither can pass for the other. Unused leaves are the word 0, hashed alike.
library SumTree {
    uint256 private constant AMOUNT = type(uint64).max;

    error SumOverflow();
    error OutsideTree();

    function amount(uint256 word) internal pure returns (uint256) {
        return word & AMOUNT;
    }

    function index(uint256 leaf) internal pure returns (uint256) {
        return (leaf >> 224) & 0x7fffffff;
    }

    function named(uint256 leaf) internal pure returns (bool) {
        return leaf >> 255 == 1;
    }

    function account(uint256 leaf) internal pure returns (address) {
        return address(uint160(leaf >> 64));
    }

    function leafNode(uint256 leaf) internal pure returns (uint256) {
        uint256 hash;
        assembly ("memory-safe") {
            mstore(0, leaf)
            hash := keccak256(0, 32)
        }
        return (hash & ~AMOUNT) | (leaf & AMOUNT);
    }

    function innerNode(uint256 left, uint256 right) internal pure returns (uint256) {
        unchecked {
            uint256 sum = (left & AMOUNT) + (right & AMOUNT);
            if (sum > AMOUNT) revert SumOverflow();
            uint256 hash;
            assembly ("memory-safe") {
                mstore(0, left)
                mstore(32, right)
                hash := keccak256(0, 64)
            }
            return (hash & ~AMOUNT) | sum;
        }
    }

    /// @notice The root above `node` at position `at` of its level; siblings nearest first. Reverts when
    /// the position lies outside the tree.
    function climb(uint256 node, uint256 at, bytes32[] calldata siblings) internal pure returns (uint256) {
        unchecked {
            for (uint256 level = 0; level < siblings.length; ++level) {
                uint256 sibling = uint256(siblings[level]);
                node = at & 1 == 0 ? innerNode(node, sibling) : innerNode(sibling, node);
                at >>= 1;
            }
            if (at != 0) revert OutsideTree();
            return node;
        }
    }

    /// @notice The node above an aligned run of leaves, and its height. Each leaf must be 0 or carry the
    /// index of its position. The length must be a power of two.
    function subtree(uint256 start, bytes32[] calldata leaves)
        internal
        pure
        returns (uint256 node, uint256 height, bool placed)
    {
        unchecked {
            uint256 count = leaves.length;
            uint256[] memory nodes = new uint256[](count);
            placed = true;
            for (uint256 at = 0; at < count; ++at) {
                uint256 leaf = uint256(leaves[at]);
                placed = placed && (leaf == 0 || index(leaf) == start + at);
                nodes[at] = leafNode(leaf);
            }
            for (; count > 1; count >>= 1) {
                for (uint256 at = 0; at < count; at += 2) nodes[at >> 1] = innerNode(nodes[at], nodes[at + 1]);
                ++height;
            }
            node = nodes[0];
        }
    }
}
