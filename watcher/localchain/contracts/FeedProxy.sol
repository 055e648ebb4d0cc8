// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {Feed} from "./Feed.sol";

/// What stands before an aggregator, and lets it be replaced without anybody who reads here being told. Rounds are numbered by phase.
contract FeedProxy {
    Feed public aggregator;
    uint16 public phaseId;
    mapping(uint16 => Feed) public phaseAggregators;

    constructor(Feed first) {
        replace(first);
    }

    function replace(Feed other) public {
        phaseId += 1;
        phaseAggregators[phaseId] = other;
        aggregator = other;
    }

    function decimals() external view returns (uint8) {
        return aggregator.decimals();
    }

    function description() external view returns (string memory) {
        return aggregator.description();
    }

    function latestAnswer() external view returns (int256) {
        return aggregator.latestAnswer();
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        (uint80 id, int256 answer, uint256 started, uint256 updated, uint80 answered) = aggregator.latestRoundData();
        return (inPhase(phaseId, id), answer, started, updated, inPhase(phaseId, answered));
    }

    function getRoundData(uint80 id) external view returns (uint80, int256, uint256, uint256, uint80) {
        uint16 phase = uint16(id >> 64);
        (uint80 own, int256 answer, uint256 started, uint256 updated, uint80 answered) =
            phaseAggregators[phase].getRoundData(uint64(id));
        return (inPhase(phase, own), answer, started, updated, inPhase(phase, answered));
    }

    /// The aggregator's own number of a round, and above it which aggregator: as AggregatorProxy.addPhase.
    function inPhase(uint16 phase, uint80 id) private pure returns (uint80) {
        return (uint80(phase) << 64) | id;
    }
}
