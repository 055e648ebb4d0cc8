// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

struct MarketParams {
    address loanToken;
    address collateralToken;
    address oracle;
    address irm;
    uint256 lltv;
}

struct MarketState {
    uint128 totalSupplyAssets;
    uint128 totalSupplyShares;
    uint128 totalBorrowAssets;
    uint128 totalBorrowShares;
    uint128 lastUpdate;
    uint128 fee;
}

/// An interest rate model whose rate (per second, 1e18 is one) anybody may set at any time: what it will be later nobody can tell.
contract FlatModel {
    uint256 public rate;

    constructor(uint256 rate_) {
        rate = rate_;
    }

    function set(uint256 rate_) external {
        rate = rate_;
    }

    function borrowRateView(MarketParams calldata, MarketState calldata) external view returns (uint256) {
        return rate;
    }

    function borrowRate(MarketParams calldata, MarketState calldata) external view returns (uint256) {
        return rate;
    }
}
