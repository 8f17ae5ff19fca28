// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SumTree} from "./SumTree.sol";
import {Till} from "./Till.sol";

/// @title Pays cumulative earnings stated by a Merkle sum tree, out of its till.
/// @notice Each root states its total liability, and `publish` pulls exactly the increase from the till
/// in the same transaction: a root that is not funded cannot exist. A root waits for the challenge
/// window before it pays; meanwhile it cannot be replaced, and whoever shows that it lowers an account
/// or changes an owner cancels it, which returns the money to the till. Amounts in trees are vault
/// units: atoms / scale. Tokens that deliver less than they are asked to are refused.
contract RoyaltyVault {
    using SumTree for uint256;

    struct Stage {
        uint40 activeAtS; // 0: nothing pending
        uint8 depth;
        uint8 pendingDepth;
        uint32 epoch;
    }

    struct Binding {
        address current;
        address next;
        uint40 nextAtS;
    }

    uint256 private constant AMOUNT = type(uint64).max;
    uint256 private constant MAX_RANGE = 256;
    uint256 private constant MAX_DEPTH = 31;

    IERC20 public immutable token;
    Till public immutable till;
    address public immutable operator;
    /// @notice Challenge window and delay of bindings, in seconds.
    uint256 public immutable windowS;
    /// @notice Atoms in a vault unit.
    uint256 public immutable scale;

    uint256 private _root;
    uint256 private _pendingRoot;
    Stage private _stage;
    /// @dev Four 64-bit amounts to a slot, in vault units.
    mapping(uint256 slot => uint256 amounts) private _claimed;
    mapping(address account => Binding) private _bindings;

    /// @notice `checkpoint` is the hash of the provenance log's checkpoint that the root was drawn from.
    event Published(uint256 indexed epoch, bytes32 root, bytes32 checkpoint, uint256 depth, uint256 activeAtS);
    event Cancelled(uint256 indexed epoch, bytes32 root);
    /// @notice The leaf is now paid up to its cumulative amount.
    event Claimed(bytes32 leaf, address to);
    /// @notice The token refused to pay this recipient; the amount stays claimable.
    event Skipped(bytes32 leaf, address to);
    event Bound(address indexed account, address to, string reason, uint256 activeAtS);

    error NotOperator();
    error PendingRoot(uint256 activeAtS);
    error NoPendingRoot();
    error TotalFell(uint256 from, uint256 to);
    error DepthRefused(uint256 depth);
    error Underfunded(uint256 expectedAtoms, uint256 receivedAtoms);
    error WrongProof();
    error RangeRefused();
    error NotBound(address account);
    error NoRegression();
    error OutOfGas();
    error InvalidParameter();

    constructor(IERC20 token_, address operator_, uint256 windowS_, uint256 scale_) {
        if (operator_ == address(0) || windowS_ > 365 days || scale_ == 0 || scale_ > type(uint128).max) {
            revert InvalidParameter();
        }
        token = token_;
        operator = operator_;
        windowS = windowS_;
        scale = scale_;
        till = new Till(token_);
    }

    modifier onlyOperator() {
        if (msg.sender != operator) revert NotOperator();
        _;
    }

    /// @notice The root that pays now, the depth of its tree and the number of the last epoch.
    function head() external view returns (bytes32 root, uint256 depth, uint256 epoch) {
        (uint256 active, uint256 activeDepth) = _active(_stage);
        return (bytes32(active), activeDepth, _stage.epoch);
    }

    /// @notice The root that waits for its window, or zeros.
    function pending() external view returns (bytes32 root, uint256 depth, uint256 activeAtS) {
        Stage memory stage = _stage;
        if (!_waiting(stage)) return (0, 0, 0);
        return (bytes32(_pendingRoot), stage.pendingDepth, stage.activeAtS);
    }

    /// @notice Vault units paid to the leaf `index` so far.
    function claimed(uint256 index) public view returns (uint256) {
        return (_claimed[index >> 2] >> _shift(index)) & AMOUNT;
    }

    /// @notice Where a named account is paid: zero until a binding is in force.
    function bound(address account) public view returns (address) {
        Binding storage binding = _bindings[account];
        uint256 nextAtS = binding.nextAtS;
        return nextAtS != 0 && block.timestamp >= nextAtS ? binding.next : binding.current;
    }

    /// @notice Publishes the root of a tree of `depth` levels and pulls its increase from the till.
    function publish(bytes32 root, bytes32 checkpoint, uint256 depth) external onlyOperator {
        Stage memory stage = _stage;
        if (_waiting(stage)) revert PendingRoot(stage.activeAtS);
        (uint256 before, uint256 depthBefore) = _active(stage);
        if (depth < depthBefore || depth > MAX_DEPTH) revert DepthRefused(depth);
        uint256 total = uint256(root).amount();
        if (total < before.amount()) revert TotalFell(before.amount(), total);

        if (windowS == 0) {
            _root = uint256(root);
            stage.depth = uint8(depth);
        } else {
            if (stage.activeAtS != 0) (_root, stage.depth) = (before, uint8(depthBefore));
            _pendingRoot = uint256(root);
            stage.pendingDepth = uint8(depth);
            stage.activeAtS = uint40(block.timestamp + windowS);
        }
        stage.epoch += 1;
        _stage = stage;
        emit Published(stage.epoch, root, checkpoint, depth, windowS == 0 ? block.timestamp : stage.activeAtS);
        _pull((total - before.amount()) * scale);
    }

    /// @notice Pays a leaf of the active root what it has not been paid yet; anyone may call.
    /// Twice pays once. Returns the atoms paid.
    function claim(bytes32 leaf, bytes32[] calldata proof) external returns (uint256 atoms) {
        (uint256 root, uint256 depth) = _active(_stage);
        _requireLeaf(uint256(leaf), proof, root, depth);
        uint256 index = uint256(leaf).index();
        uint256 done = claimed(index);
        uint256 cumulative = uint256(leaf).amount();
        if (cumulative <= done) return 0;
        address to = _recipient(uint256(leaf));
        if (to == address(0)) revert NotBound(uint256(leaf).account());
        return _pay(uint256(leaf), to, cumulative - done);
    }

    /// @notice Pays an aligned run of leaves, a power of two of at most 256, to all whom the token and
    /// the bindings allow; the others are skipped. `leaves` holds every leaf of the run, 0 where unused;
    /// `proof` are the siblings above the run. Returns the atoms paid.
    function claimRange(uint256 start, bytes32[] calldata leaves, bytes32[] calldata proof)
        external
        returns (uint256 atoms)
    {
        uint256 count = leaves.length;
        if (count == 0 || count > MAX_RANGE || count & (count - 1) != 0 || start & (count - 1) != 0) {
            revert RangeRefused();
        }
        (uint256 root, uint256 depth) = _active(_stage);
        (uint256 node, uint256 height, bool placed) = SumTree.subtree(start, leaves);
        if (!placed || height + proof.length != depth || node.climb(start >> height, proof) != root) {
            revert WrongProof();
        }
        for (uint256 at = 0; at < count; ++at) {
            uint256 leaf = uint256(leaves[at]);
            uint256 done = claimed(start + at);
            if (leaf.amount() <= done) continue;
            address to = _recipient(leaf);
            if (to != address(0)) atoms += _pay(leaf, to, leaf.amount() - done);
        }
    }

    /// @notice Cancels the pending root by showing a leaf of the active root whose place in the pending
    /// tree holds another owner or a smaller amount (or nothing). The new proof may be of any length: in a
    /// well-formed tree only that of its depth exists.
    function challengeRegression(
        bytes32 oldLeaf,
        bytes32[] calldata oldProof,
        bytes32 newLeaf,
        bytes32[] calldata newProof
    ) external {
        Stage memory stage = _stage;
        if (!_waiting(stage)) revert NoPendingRoot();
        (uint256 root, uint256 next) = (_root, _pendingRoot);
        _requireLeaf(uint256(oldLeaf), oldProof, root, stage.depth);
        uint256 place = uint256(oldLeaf).index();
        if (uint256(newLeaf).leafNode().climb(place, newProof) != next) revert WrongProof();
        bool sameOwner = uint256(oldLeaf) >> 64 == uint256(newLeaf) >> 64;
        bool lowered = uint256(newLeaf).amount() < uint256(oldLeaf).amount();
        if (oldLeaf == 0 || (sameOwner && !lowered)) revert NoRegression();

        _pendingRoot = 0;
        stage.pendingDepth = 0;
        stage.activeAtS = 0;
        _stage = stage;
        emit Cancelled(stage.epoch, bytes32(next));
        uint256 returned = (next.amount() - root.amount()) * scale;
        if (returned != 0) SafeERC20.safeTransfer(token, address(till), returned);
    }

    /// @notice Says where the leaves of a name are paid, in force one window from now. `account` is the
    /// low 160 bits of keccak256(name); an earlier binding stays in force until then.
    function bind(address account, address to, string calldata reason) external onlyOperator {
        if (to == address(0) || bytes(reason).length == 0) revert InvalidParameter();
        Binding storage binding = _bindings[account];
        binding.current = bound(account);
        binding.next = to;
        binding.nextAtS = uint40(block.timestamp + windowS);
        emit Bound(account, to, reason, block.timestamp + windowS);
    }

    function _waiting(Stage memory stage) private view returns (bool) {
        return stage.activeAtS != 0 && block.timestamp < stage.activeAtS;
    }

    /// @dev A pending root whose window has passed is the active one, without a transaction of its own.
    function _active(Stage memory stage) private view returns (uint256 root, uint256 depth) {
        bool passed = stage.activeAtS != 0 && block.timestamp >= stage.activeAtS;
        return passed ? (_pendingRoot, stage.pendingDepth) : (_root, stage.depth);
    }

    function _requireLeaf(uint256 leaf, bytes32[] calldata proof, uint256 root, uint256 depth) private pure {
        if (proof.length != depth || leaf.leafNode().climb(leaf.index(), proof) != root) {
            revert WrongProof();
        }
    }

    function _recipient(uint256 leaf) private view returns (address) {
        return leaf.named() ? bound(leaf.account()) : leaf.account();
    }

    /// @dev Marks before it pays, and takes back only its own amount if the token refuses, so that a
    /// token which calls back in between can neither be paid twice nor undo another's claim. A transfer
    /// that ran out of gas leaves 1/64 of it (EIP-150) and is no refusal: else gas estimates, which look
    /// for the least that does not revert, would find an amount at which recipients are skipped.
    function _pay(uint256 leaf, address to, uint256 units) private returns (uint256) {
        uint256 index = leaf.index();
        _claimed[index >> 2] += units << _shift(index);
        uint256 gasBefore = gasleft();
        if (SafeERC20.trySafeTransfer(token, to, units * scale)) {
            emit Claimed(bytes32(leaf), to);
            return units * scale;
        }
        if (gasleft() < gasBefore / 32) revert OutOfGas();
        _claimed[index >> 2] -= units << _shift(index);
        emit Skipped(bytes32(leaf), to);
        return 0;
    }

    function _pull(uint256 atoms) private {
        if (atoms == 0) return;
        uint256 before = token.balanceOf(address(this));
        SafeERC20.safeTransferFrom(token, address(till), address(this), atoms);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != atoms) revert Underfunded(atoms, received);
    }

    function _shift(uint256 index) private pure returns (uint256) {
        return (index & 3) << 6;
    }
}
