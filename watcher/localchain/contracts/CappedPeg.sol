// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {IPlainFeed} from "./CappedRate.sol";

/// A feed that never answers more than a fixed price, with the getters of Aave's adapters for stablecoins.
contract CappedPeg {
    IPlainFeed public immutable ASSET_TO_USD_AGGREGATOR;
    uint8 public immutable decimals;
    string public description;
    int256 public getPriceCap;

    constructor(IPlainFeed asset, string memory description_, int256 cap) {
        ASSET_TO_USD_AGGREGATOR = asset;
        decimals = asset.decimals();
        description = description_;
        getPriceCap = cap;
    }

    function setPriceCap(int256 cap) external {
        getPriceCap = cap;
    }

    function isCapped() external view returns (bool) {
        return ASSET_TO_USD_AGGREGATOR.latestAnswer() > getPriceCap;
    }

    function latestAnswer() external view returns (int256) {
        int256 answer = ASSET_TO_USD_AGGREGATOR.latestAnswer();
        if (answer > getPriceCap) return getPriceCap;
        return answer <= 0 ? int256(0) : answer;
    }
}
