// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

interface IPlainFeed {
    function latestAnswer() external view returns (int256);
    function decimals() external view returns (uint8);
}

/// A base feed times a rate that counts for no more than a line growing by the second. Written anew from the published formula of
/// Aave's adapters for staked tokens, with their getters; anybody may set the rate and the line.
contract CappedRate {
    IPlainFeed public immutable BASE_TO_USD_AGGREGATOR;
    uint8 public immutable decimals;
    uint8 public constant RATIO_DECIMALS = 18;
    string public description;
    int256 public getRatio;
    uint256 public getSnapshotRatio;
    uint256 public getSnapshotTimestamp;
    uint256 public getMaxRatioGrowthPerSecondScaled;

    constructor(IPlainFeed base, string memory description_, int256 ratio) {
        BASE_TO_USD_AGGREGATOR = base;
        decimals = base.decimals();
        description = description_;
        getRatio = ratio;
    }

    function setRatio(int256 ratio) external {
        getRatio = ratio;
    }

    /// `percent` a year in basis points, from `snapshot` at `since`.
    function setCap(uint256 snapshot, uint256 since, uint256 percent) external {
        getSnapshotRatio = snapshot;
        getSnapshotTimestamp = since;
        getMaxRatioGrowthPerSecondScaled = snapshot * percent * 1e6 / 1e4 / 365 days;
    }

    /// The rate is kept here: there is no other contract to ask for it.
    function RATIO_PROVIDER() external view returns (address) {
        return address(this);
    }

    function isCapped() external view returns (bool) {
        return getRatio > most();
    }

    function latestAnswer() external view returns (int256) {
        int256 base = BASE_TO_USD_AGGREGATOR.latestAnswer();
        if (base <= 0 || getRatio <= 0) return 0;
        int256 ratio = most() < getRatio ? most() : getRatio;
        return base * ratio / int256(10 ** RATIO_DECIMALS);
    }

    function most() private view returns (int256) {
        uint256 grown = getMaxRatioGrowthPerSecondScaled * (block.timestamp - getSnapshotTimestamp) / 1e6;
        return int256(getSnapshotRatio + grown);
    }
}
