// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {Misbehaving} from "./Misbehaving.sol";

/// An oracle in the shape that Morpho Blue asks: one loan-token price of one collateral unit, scaled by 1e36. Anybody may set it.
contract ScaledOracle is Misbehaving {
    uint256 private answer;

    constructor(uint256 answer_) {
        answer = answer_;
    }

    function set(uint256 answer_) external {
        answer = answer_;
    }

    function price() external view misbehaving returns (uint256) {
        return answer;
    }
}
