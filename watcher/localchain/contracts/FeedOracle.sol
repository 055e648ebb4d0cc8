// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

interface Round {
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80);
}

/// An oracle for Morpho Blue over one base and one quote feed, with the getters by which its parts can be read.
contract FeedOracle {
    address public constant BASE_VAULT = address(0);
    address public constant QUOTE_VAULT = address(0);
    address public constant BASE_FEED_2 = address(0);
    address public constant QUOTE_FEED_2 = address(0);
    address public immutable BASE_FEED_1;
    address public immutable QUOTE_FEED_1;
    uint256 public immutable SCALE_FACTOR;

    constructor(address base, address quote, uint256 scale) {
        BASE_FEED_1 = base;
        QUOTE_FEED_1 = quote;
        SCALE_FACTOR = scale;
    }

    function price() external view returns (uint256) {
        return SCALE_FACTOR * answer(BASE_FEED_1) / answer(QUOTE_FEED_1);
    }

    function answer(address feed) private view returns (uint256) {
        (, int256 latest,,,) = Round(feed).latestRoundData();
        require(latest >= 0, "negative answer");
        return uint256(latest);
    }
}
