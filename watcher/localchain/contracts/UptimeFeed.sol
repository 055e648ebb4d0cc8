// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

/// Whether a sequencer is up (0) or down (1), and since when: Chainlink's uptime feed, which anybody may set.
contract UptimeFeed {
    int256 private state;
    uint256 private since;

    constructor() {
        since = block.timestamp;
    }

    function set(int256 state_, uint256 since_) external {
        state = state_;
        since = since_;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (1, state, since, block.timestamp, 1);
    }
}
