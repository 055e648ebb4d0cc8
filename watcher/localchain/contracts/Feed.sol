// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {Misbehaving} from "./Misbehaving.sol";

/// A price feed in the shape of a Chainlink aggregator whose answer and age anybody may set.
contract Feed is Misbehaving {
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);
    event NewRound(uint256 indexed roundId, address indexed startedBy, uint256 startedAt);

    uint8 public immutable decimals;
    uint256 public constant version = 4;
    string public description;
    uint80 private round;
    mapping(uint80 => int256) private answers;
    mapping(uint80 => uint256) private times;

    constructor(uint8 decimals_, string memory description_, int256 answer) {
        decimals = decimals_;
        description = description_;
        setAt(answer, block.timestamp);
    }

    function set(int256 answer) external {
        setAt(answer, block.timestamp);
    }

    function setAt(int256 answer, uint256 updatedAt) public {
        round += 1;
        answers[round] = answer;
        times[round] = updatedAt;
        emit NewRound(round, msg.sender, updatedAt);
        emit AnswerUpdated(answer, round, updatedAt);
    }

    /// There is no proxy in front: the feed is its own aggregator.
    function aggregator() external view returns (address) {
        return address(this);
    }

    function latestAnswer() external view misbehaving returns (int256) {
        return answers[round];
    }

    function latestTimestamp() external view misbehaving returns (uint256) {
        return times[round];
    }

    function latestRound() external view misbehaving returns (uint256) {
        return round;
    }

    function getAnswer(uint256 id) external view misbehaving returns (int256) {
        return answers[uint80(id)];
    }

    function latestRoundData() external view misbehaving returns (uint80, int256, uint256, uint256, uint80) {
        return (round, answers[round], times[round], times[round], round);
    }

    function getRoundData(uint80 id) external view misbehaving returns (uint80, int256, uint256, uint256, uint80) {
        require(times[id] != 0, "No data present");
        return (id, answers[id], times[id], times[id], id);
    }
}
