// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {IPlainFeed} from "./CappedRate.sol";

/// A feed less a yearly discount until maturity, with the getters of Aave's adapters for principal tokens.
contract DiscountedFeed {
    IPlainFeed public immutable ASSET_TO_USD_AGGREGATOR;
    address public immutable PENDLE_PRINCIPAL_TOKEN;
    uint256 public immutable MATURITY;
    uint8 public immutable decimals;
    string public description;
    uint64 public discountRatePerYear;

    constructor(IPlainFeed asset, address token, string memory description_, uint256 maturity, uint64 rate) {
        ASSET_TO_USD_AGGREGATOR = asset;
        PENDLE_PRINCIPAL_TOKEN = token;
        MATURITY = maturity;
        decimals = asset.decimals();
        description = description_;
        discountRatePerYear = rate;
    }

    function getCurrentDiscount() public view returns (uint256) {
        uint256 left = MATURITY > block.timestamp ? MATURITY - block.timestamp : 0;
        return left * discountRatePerYear / 365 days;
    }

    function latestAnswer() external view returns (int256) {
        int256 asset = ASSET_TO_USD_AGGREGATOR.latestAnswer();
        return asset <= 0 ? int256(0) : int256(uint256(asset) * (1e18 - getCurrentDiscount()) / 1e18);
    }
}
