// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title Merkle sum tree whose every node is one word: hash (192 bits) | amount (64 bits).
/// @notice Leaf word = named (1 bit) | index (31) | account (160) | cumulative (64). Leaf node =
/// keccak256(word) with its low 64 bits replaced by the amount; inner node = keccak256(left, right)
/// likewise with the sum. So a root states its total. Leaves hash 32 bytes and inner nodes 64, hence
/// neither can pass for the other. Unused leaves are the word 0, hashed alike.
library SumTree {
    uint256 private constant AMOUNT = 0xffffffffffffffff;
    uint256 private constant INDEX = 0x7fffffff;

    error SumOverflow();
    error OutsideTree();

    function amount(uint256 word) internal pure returns (uint256) {
        return word & AMOUNT;
    }

    function index(uint256 leaf) internal pure returns (uint256) {
        return (leaf >> 224) & INDEX;
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

    /// @notice The root above `node` at position `at` of its level; siblings nearest first. Reverts when
    /// the position, of at most 32 bits, lies outside the tree.
    function climb(uint256 node, uint256 at, bytes32[] calldata siblings) internal pure returns (uint256) {
        uint256 sum = node & AMOUNT;
        // Both words of a pair stand in scratch space, the left one at 0. Sums only grow on the way up, so
        // one that passes 64 bits shows at the top; what it spilled into a node no longer matters then.
        // `at` is kept 5 bits to the left, so that its lowest bit is the place (0 or 32) itself.
        assembly ("memory-safe") {
            at := shl(5, at)
            let end := add(siblings.offset, shl(5, siblings.length))
            for { let from := siblings.offset } lt(from, end) { from := add(from, 32) } {
                let sibling := calldataload(from)
                let place := and(at, 32)
                mstore(place, node)
                mstore(xor(place, 32), sibling)
                sum := add(sum, and(sibling, AMOUNT))
                node := or(and(keccak256(0, 64), not(AMOUNT)), sum)
                at := shr(1, at)
            }
        }
        if (sum > AMOUNT) revert SumOverflow();
        if (at > 31) revert OutsideTree();
        return node;
    }

    /// @notice The node above an aligned run of leaves, and its height. Each leaf must be 0 or carry the
    /// index of its position. The length must be a power of two.
    function subtree(uint256 start, bytes32[] calldata leaves)
        internal
        pure
        returns (uint256 node, uint256 height, bool placed)
    {
        uint256 sums;
        // The leaves' nodes are laid out in free memory, and each level over the one below it: a pair is
        // read before the place of its node, never right of it, is written.
        assembly ("memory-safe") {
            let nodes := mload(0x40)
            let count := leaves.length
            placed := 1
            for { let at := 0 } lt(at, count) { at := add(at, 1) } {
                let leaf := calldataload(add(leaves.offset, shl(5, at)))
                placed := and(placed, or(iszero(leaf), eq(and(shr(224, leaf), INDEX), add(start, at))))
                mstore(0, leaf)
                mstore(add(nodes, shl(5, at)), or(and(keccak256(0, 32), not(AMOUNT)), and(leaf, AMOUNT)))
            }
            for { count := shr(1, count) } count { count := shr(1, count) } {
                for { let at := 0 } lt(at, count) { at := add(at, 1) } {
                    let pair := add(nodes, shl(6, at))
                    let sum := add(and(mload(pair), AMOUNT), and(mload(add(pair, 32)), AMOUNT))
                    sums := or(sums, sum)
                    mstore(add(nodes, shl(5, at)), or(and(keccak256(pair, 64), not(AMOUNT)), sum))
                }
                height := add(height, 1)
            }
            node := mload(nodes)
        }
        if (sums > AMOUNT) revert SumOverflow();
    }
}
