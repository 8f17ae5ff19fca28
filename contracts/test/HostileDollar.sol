// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token for tests that does what tokens may do to a vault: refuse recipients, deliver less
/// than it was asked to, take much gas, and call back in the middle of a transfer.
contract HostileDollar is ERC20 {
    mapping(address account => bool) public blocked;
    uint256 public taxPercent;
    bool public quiet;
    uint256 public workRounds;
    address private _target;
    bytes private _payload;
    address private _trigger;

    error Blocked(address account);

    constructor() ERC20("Hostile Dollar", "HUSD") {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }

    function setBlocked(address account, bool value) external {
        blocked[account] = value;
    }

    function setTax(uint256 percent) external {
        taxPercent = percent;
    }

    /// @notice Refuses by returning false instead of reverting.
    function setQuiet(bool value) external {
        quiet = value;
    }

    /// @notice Makes each transfer take some 100 gas a round more.
    function setWork(uint256 rounds) external {
        workRounds = rounds;
    }

    /// @notice Before `trigger` receives anything, calls `target` with `payload`, once.
    function setCallback(address trigger, address target, bytes calldata payload) external {
        (_trigger, _target, _payload) = (trigger, target, payload);
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        _callBack(to);
        bytes32 work;
        for (uint256 round = workRounds; round > 0; --round) work = keccak256(abi.encode(work));
        if (quiet && blocked[to]) return false;
        return super.transfer(to, value);
    }

    function _callBack(address to) private {
        address target = _target;
        if (target != address(0) && to == _trigger) {
            _target = address(0);
            (bool done, ) = target.call(_payload);
            require(done, "callback failed");
        }
    }

    function _update(address from, address to, uint256 value) internal override {
        if (blocked[to]) revert Blocked(to);
        uint256 tax = from == address(0) ? 0 : (value * taxPercent) / 100;
        if (tax != 0) super._update(from, address(this), tax);
        super._update(from, to, value - tax);
    }
}
