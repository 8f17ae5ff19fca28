// SPDX-License-Identifier: MIT
pragma solidity 0.8.34;

/// @title Which root of a vault pays and which one waits, in one word: total of the last root that was
/// published and not cancelled (64 bits) | epoch (32) | when the pending root pays, in seconds, 0 if none
/// is pending (40) | seat of the active root (1) | depth in seat 1 (8) | depth in seat 0 (8).
/// @notice The pending root has the other seat. A window that has passed makes it the active one without
/// a transaction; the next publication turns the seat instead of moving the root.
type Stage is uint256;

using {total, epoch, activeAtS, waiting, seat, depthIn} for Stage global;

function stageOf(uint256 total_, uint256 epoch_, uint256 activeAtS_, uint256 seat_, uint256 depths)
    pure
    returns (Stage)
{
    return Stage.wrap((total_ << 89) | (epoch_ << 57) | (activeAtS_ << 17) | (seat_ << 16) | depths);
}

function total(Stage stage) pure returns (uint256) {
    return Stage.unwrap(stage) >> 89;
}

function epoch(Stage stage) pure returns (uint256) {
    return (Stage.unwrap(stage) >> 57) & 0xffffffff;
}

function activeAtS(Stage stage) pure returns (uint256) {
    return (Stage.unwrap(stage) >> 17) & 0xffffffffff;
}

function waiting(Stage stage) view returns (bool) {
    return activeAtS(stage) > block.timestamp;
}

/// @dev Seat of the root that pays now.
function seat(Stage stage) view returns (uint256) {
    uint256 since = activeAtS(stage);
    bool passed = since != 0 && block.timestamp >= since;
    uint256 kept = (Stage.unwrap(stage) >> 16) & 1;
    return passed ? kept ^ 1 : kept;
}

function depthIn(Stage stage, uint256 seat_) pure returns (uint256) {
    return (Stage.unwrap(stage) >> (seat_ << 3)) & 0xff;
}
