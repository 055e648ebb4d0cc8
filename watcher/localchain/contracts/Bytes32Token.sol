// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {Balances} from "./Balances.sol";

/// Names itself with bytes32 instead of string, as the oldest tokens do.
contract Bytes32Token is Balances {
    bytes32 public immutable name;
    bytes32 public immutable symbol;
    uint8 public constant decimals = 18;

    constructor(bytes32 name_, bytes32 symbol_) {
        name = name_;
        symbol = symbol_;
    }
}
