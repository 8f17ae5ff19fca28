// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title The address to which all revenue of a node is paid.
/// @notice It has no owner and no function that moves money: the vault that created it may pull, nobody
/// else, so revenue cannot reach an operator without passing the split.
contract Till {
    IERC20 public immutable token;
    address public immutable vault;

    constructor(IERC20 token_) {
        token = token_;
        vault = msg.sender;
        SafeERC20.forceApprove(token_, msg.sender, type(uint256).max);
    }
}
