// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {Balances} from "./Balances.sol";
import {Misbehaving} from "./Misbehaving.sol";

/// An ERC-20 with any name, symbol and decimals. What it says about itself can be made to misbehave after it was listed.
contract Token is Balances, Misbehaving {
    string private title;
    string private ticker;
    uint8 private immutable places;

    constructor(string memory name_, string memory symbol_, uint8 decimals_) {
        title = name_;
        ticker = symbol_;
        places = decimals_;
    }

    function name() external view misbehaving returns (string memory) {
        return title;
    }

    function symbol() external view misbehaving returns (string memory) {
        return ticker;
    }

    function decimals() external view misbehaving returns (uint8) {
        return places;
    }
}
