// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title What paying many costs without any proof: one transfer after the other. For measurements only.
contract TransferLoop {
    function pay(IERC20 token, address[] calldata recipients, uint256[] calldata amounts) external {
        for (uint256 at = 0; at < recipients.length; ++at) {
            require(token.transfer(recipients[at], amounts[at]), "transfer refused");
        }
    }
}
