// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Stage, stageOf} from "./Stage.sol";
import {SumTree} from "./SumTree.sol";
import {Till} from "./Till.sol";

/// @title Pays cumulative earnings stated by a Merkle sum tree, out of its till.
/// @notice Each root states its total liability, and `publish` pulls exactly the increase from the till
/// in the same transaction: a root that is not funded cannot exist. A root waits for the challenge
/// window before it pays; meanwhile it cannot be replaced, and whoever shows that it lowers an account
/// or changes an owner cancels it, which returns the money to the till. Amounts in trees are vault
/// units: atoms / scale. Tokens that deliver less than they are asked to are refused.
contract RoyaltyVault is EIP712 {
    using SumTree for uint256;

    struct Binding {
        address current;
        address next;
        uint40 nextAtS;
    }

    struct Redirect {
        address to;
        uint96 count;
    }

    uint256 private constant PAID = type(uint64).max >> 1;
    uint256 private constant REDIRECTED = 1 << 63;
    uint256 private constant MAX_RANGE = 256;
    uint256 private constant MAX_DEPTH = 31;
    bytes32 private constant REDIRECT_TYPEHASH =
        keccak256("Redirect(address account,address to,uint256 sequence,uint256 validBefore)");

    IERC20 public immutable token;
    Till public immutable till;
    address public immutable operator;
    /// @notice Challenge window and delay of bindings, in seconds.
    uint256 public immutable windowS;
    /// @notice Atoms in a vault unit.
    uint256 public immutable scale;

    /// @dev By seat.
    uint256[2] private _roots;
    Stage private _stage;
    /// @dev Four marks to a slot: whether the leaf's account may have a redirect (1 bit), and what the leaf
    /// was paid in vault units (63). The bit only saves a look-up for those who have none; where the money
    /// goes is said by the account's own redirect.
    mapping(uint256 slot => uint256 marks) private _marks;
    mapping(address account => Binding) private _bindings;
    mapping(address account => Redirect) private _redirects;

    /// @notice `checkpoint` is the hash of the provenance log's checkpoint that the root was drawn from.
    event Published(uint256 indexed epoch, bytes32 root, bytes32 checkpoint, uint256 depth, uint256 activeAtS);
    event Cancelled(uint256 indexed epoch, bytes32 root);
    /// @notice The leaf is now paid up to its cumulative amount.
    event Claimed(bytes32 leaf, address to);
    /// @notice These leaves of a range are now paid up to their cumulative amounts, each to its own account.
    event ClaimedRange(bytes32[] leaves);
    /// @notice The token refused to pay this recipient; the amount stays claimable.
    event Skipped(bytes32 leaf, address to);
    event Redirected(address indexed account, address to, uint256 sequence, uint256 index);
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
    error RedirectRefused();

    constructor(IERC20 token_, address operator_, uint256 windowS_, uint256 scale_)
        EIP712("RoyaltyVault", "1")
    {
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
        Stage stage = _stage;
        uint256 seat = stage.seat();
        return (bytes32(_roots[seat]), stage.depthIn(seat), stage.epoch());
    }

    /// @notice The root that waits for its window, or zeros.
    function pending() external view returns (bytes32 root, uint256 depth, uint256 activeAtS) {
        Stage stage = _stage;
        if (!stage.waiting()) return (0, 0, 0);
        uint256 seat = stage.seat() ^ 1;
        return (bytes32(_roots[seat]), stage.depthIn(seat), stage.activeAtS());
    }

    /// @notice Vault units paid to the leaf `index` so far.
    function claimed(uint256 index) public view returns (uint256) {
        return _paid(_marks[index >> 2], index);
    }

    /// @notice Where a named account is paid: zero until a binding is in force.
    function bound(address account) public view returns (address) {
        Binding storage binding = _bindings[account];
        uint256 nextAtS = binding.nextAtS;
        return nextAtS != 0 && block.timestamp >= nextAtS ? binding.next : binding.current;
    }

    /// @notice Where an account that signed a redirect is paid, and the sequence number of its next one.
    function redirected(address account) external view returns (address to, uint256 sequence) {
        Redirect memory redirect_ = _redirects[account];
        return (redirect_.to, redirect_.count);
    }

    /// @notice Publishes the root of a tree of `depth` levels and pulls its increase from the till.
    function publish(bytes32 root, bytes32 checkpoint, uint256 depth) external onlyOperator {
        Stage stage = _stage;
        if (stage.waiting()) revert PendingRoot(stage.activeAtS());
        uint256 seat = stage.seat();
        if (depth < stage.depthIn(seat) || depth > MAX_DEPTH) revert DepthRefused(depth);
        uint256 total = uint256(root).amount();
        uint256 before = stage.total();
        if (total < before) revert TotalFell(before, total);
        if (total > PAID) revert InvalidParameter();

        unchecked {
            uint256 epoch = stage.epoch() + 1;
            uint256 activeAtS = block.timestamp + windowS;
            if (windowS == 0) {
                _roots[0] = uint256(root);
                _stage = stageOf(total, epoch, 0, 0, depth);
            } else {
                uint256 depths = (stage.depthIn(seat) << (seat << 3)) | (depth << ((seat ^ 1) << 3));
                _roots[seat ^ 1] = uint256(root);
                _stage = stageOf(total, epoch, activeAtS, seat, depths);
            }
            emit Published(epoch, root, checkpoint, depth, activeAtS);
            // 64 bits times the scale's 128 do not overflow, here and in the other products.
            _pull((total - before) * scale);
        }
    }

    /// @notice Pays a leaf of the active root what it has not been paid yet; anyone may call.
    /// Twice pays once. Returns the atoms paid.
    function claim(bytes32 leaf, bytes32[] calldata proof) external returns (uint256 atoms) {
        _requireActive(uint256(leaf), proof);
        uint256 index = uint256(leaf).index();
        uint256 marks = _marks[index >> 2];
        uint256 done = _paid(marks, index);
        uint256 cumulative = uint256(leaf).amount();
        if (cumulative <= done) return 0;
        address to = _recipient(uint256(leaf), marks);
        if (to == address(0)) revert NotBound(uint256(leaf).account());
        unchecked {
            _marks[index >> 2] = marks + ((cumulative - done) << _shift(index));
            if (!_send(uint256(leaf), to, cumulative - done)) return 0;
            emit Claimed(leaf, to);
            return (cumulative - done) * scale;
        }
    }

    /// @notice Pays an aligned run of leaves, a power of two of at most 256, to all whom the token and
    /// the bindings allow; the others are skipped. `leaves` holds every leaf of the run, 0 where unused;
    /// `proof` are the siblings above the run. Returns the atoms paid.
    function claimRange(uint256 start, bytes32[] calldata leaves, bytes32[] calldata proof)
        external
        returns (uint256 atoms)
    {
        uint256 count = leaves.length;
        if (count == 0 || count > MAX_RANGE || start > type(uint32).max) revert RangeRefused();
        if (count & (count - 1) != 0 || start & (count - 1) != 0) revert RangeRefused();
        Stage stage = _stage;
        uint256 seat = stage.seat();
        (uint256 node, uint256 height, bool placed) = SumTree.subtree(start, leaves);
        if (
            !placed || height + proof.length != stage.depthIn(seat)
                || node.climb(start >> height, proof) != _roots[seat]
        ) revert WrongProof();
        uint256[] memory paid = new uint256[](count + 1);
        unchecked {
            uint256 units;
            for (uint256 at = 0; at < count; at += 4) units += _payLanes(start + at, leaves, at, paid);
            atoms = units * scale;
        }
        _logRange(paid);
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
        Stage stage = _stage;
        if (!stage.waiting()) revert NoPendingRoot();
        uint256 seat = stage.seat();
        (uint256 root, uint256 next) = (_roots[seat], _roots[seat ^ 1]);
        _requireActive(uint256(oldLeaf), oldProof);
        uint256 place = uint256(oldLeaf).index();
        if (uint256(newLeaf).leafNode().climb(place, newProof) != next) revert WrongProof();
        bool sameOwner = uint256(oldLeaf) >> 64 == uint256(newLeaf) >> 64;
        bool lowered = uint256(newLeaf).amount() < uint256(oldLeaf).amount();
        if (oldLeaf == 0 || (sameOwner && !lowered)) revert NoRegression();

        _roots[seat ^ 1] = 0;
        uint256 depths = stage.depthIn(seat) << (seat << 3);
        _stage = stageOf(root.amount(), stage.epoch(), 0, seat, depths);
        emit Cancelled(stage.epoch(), bytes32(next));
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

    /// @notice Sends what an account earns elsewhere, from now on and until its next redirect: signed by
    /// the account (a key, or a contract by ERC-1271), which must own this leaf of the active root. Names
    /// are bound by the operator instead. `to` is the account itself to end a redirect.
    function redirect(
        bytes32 leaf,
        bytes32[] calldata proof,
        address to,
        uint256 validBeforeS,
        bytes calldata signature
    ) external {
        _requireActive(uint256(leaf), proof);
        address account = uint256(leaf).account();
        uint256 sequence = _redirects[account].count;
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(REDIRECT_TYPEHASH, account, to, sequence, validBeforeS))
        );
        if (
            uint256(leaf).named() || to == address(0) || block.timestamp >= validBeforeS
                || !SignatureChecker.isValidSignatureNowCalldata(account, digest, signature)
        ) revert RedirectRefused();
        uint256 index = uint256(leaf).index();
        _marks[index >> 2] |= REDIRECTED << _shift(index);
        _redirects[account] = Redirect(to, uint96(sequence + 1));
        emit Redirected(account, to, sequence, index);
    }

    function _requireActive(uint256 leaf, bytes32[] calldata proof) private view {
        Stage stage = _stage;
        uint256 seat = stage.seat();
        if (
            proof.length != stage.depthIn(seat)
                || leaf.leafNode().climb(leaf.index(), proof) != _roots[seat]
        ) revert WrongProof();
    }

    function _recipient(uint256 leaf, uint256 marks) private view returns (address) {
        address account = leaf.account();
        if (leaf.named()) return bound(account);
        if ((marks >> _shift(leaf.index())) & REDIRECTED == 0) return account;
        address to = _redirects[account].to;
        return to == address(0) ? account : to;
    }

    /// @dev Pays up to four leaves of one slot, which is written once for all of them. `paid` collects the
    /// leaves paid to their own accounts, behind their number.
    function _payLanes(uint256 start, bytes32[] calldata leaves, uint256 at, uint256[] memory paid)
        private
        returns (uint256 units)
    {
        unchecked {
            uint256 before = _marks[start >> 2];
            uint256 marks = before;
            uint256 end = at + 4 < leaves.length ? at + 4 : leaves.length;
            uint256 shift = _shift(start);
            for (uint256 from = at; from < end; ++from) {
                uint256 leaf = _word(leaves, from);
                uint256 done = (before >> shift) & PAID;
                if (leaf.amount() > done && (!leaf.named() || bound(leaf.account()) != address(0))) {
                    marks += (leaf.amount() - done) << shift;
                }
                shift += 64;
            }
            if (marks == before) return 0;
            _marks[start >> 2] = marks;
            shift = _shift(start);
            for (; at < end; ++at) {
                uint256 due = ((marks >> shift) & PAID) - ((before >> shift) & PAID);
                if (due != 0) {
                    uint256 leaf = _word(leaves, at);
                    bool own = !leaf.named() && (before >> shift) & REDIRECTED == 0;
                    address to = own ? leaf.account() : _recipient(leaf, before);
                    if (_send(leaf, to, due)) {
                        units += due;
                        if (own) _append(paid, leaf);
                        else emit Claimed(bytes32(leaf), to);
                    }
                }
                shift += 64;
            }
        }
    }

    /// @dev The leaf is marked before, and only its own amount is taken back if the token refuses, so that
    /// a token which calls back in between can neither be paid twice nor undo another's claim. A transfer
    /// that ran out of gas leaves 1/64 of it (EIP-150) and is no refusal: else gas estimates, which look
    /// for the least that does not revert, would find an amount at which recipients are skipped.
    function _send(uint256 leaf, address to, uint256 units) private returns (bool) {
        unchecked {
            uint256 gasBefore = gasleft();
            if (SafeERC20.trySafeTransfer(token, to, units * scale)) return true;
            if (gasleft() < gasBefore / 32) revert OutOfGas();
        }
        uint256 index = leaf.index();
        _marks[index >> 2] -= units << _shift(index);
        emit Skipped(bytes32(leaf), to);
        return false;
    }

    /// @dev `list` holds how many leaves follow, then the leaves; it has room for all of a range.
    function _append(uint256[] memory list, uint256 leaf) private pure {
        assembly ("memory-safe") {
            let place := add(list, 32)
            let count := add(mload(place), 1)
            mstore(place, count)
            mstore(add(place, shl(5, count)), leaf)
        }
    }

    /// @dev Emits ClaimedRange(list) from where the list stands: encoding it anew would copy each leaf. The
    /// array's own length, not read again, makes room for the offset (32) that the encoding starts with.
    function _logRange(uint256[] memory list) private {
        bytes32 topic = ClaimedRange.selector;
        assembly ("memory-safe") {
            let count := mload(add(list, 32))
            if count {
                mstore(list, 32)
                log1(list, add(64, shl(5, count)), topic)
            }
        }
    }

    /// @dev Without the check of bounds, which the callers' loops make.
    function _word(bytes32[] calldata words, uint256 at) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(words.offset, shl(5, at)))
        }
    }

    function _pull(uint256 atoms) private {
        if (atoms == 0) return;
        uint256 before = token.balanceOf(address(this));
        SafeERC20.safeTransferFrom(token, address(till), address(this), atoms);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != atoms) revert Underfunded(atoms, received);
    }

    function _paid(uint256 marks, uint256 index) private pure returns (uint256) {
        return (marks >> _shift(index)) & PAID;
    }

    function _shift(uint256 index) private pure returns (uint256) {
        return (index & 3) << 6;
    }
}
