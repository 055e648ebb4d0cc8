// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {Balances} from "./Balances.sol";

/// The side of ERC-4626 that is read: shares of 18 decimals that convert to an asset at a rate that anybody may set. It keeps no assets.
contract Vault is Balances {
    address public immutable asset;
    string public symbol;
    uint8 public constant decimals = 18;
    uint256 public rate; // raw units of the asset for 1e18 shares

    constructor(address asset_, string memory symbol_, uint256 rate_) {
        asset = asset_;
        symbol = symbol_;
        rate = rate_;
    }

    function setRate(uint256 rate_) external {
        rate = rate_;
    }

    function convertToAssets(uint256 shares) external view returns (uint256) {
        return shares * rate / 1e18;
    }
}
