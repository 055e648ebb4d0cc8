// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

struct Listed {
    address asset;
    address priceFeed;
    uint64 scale;
    uint64 borrowFactor;
    uint64 liquidateFactor;
    uint64 liquidationFactor;
    uint128 supplyCap;
}

/// The collateral that one CometTwin implementation takes, in order. Like the rest of an implementation it never changes.
contract CometAssets {
    Listed[] private all;

    constructor(Listed[] memory listed) {
        for (uint256 i = 0; i < listed.length; i++) all.push(listed[i]);
    }

    function count() external view returns (uint8) {
        return uint8(all.length);
    }

    function at(uint256 place) external view returns (Listed memory) {
        return all[place];
    }
}
