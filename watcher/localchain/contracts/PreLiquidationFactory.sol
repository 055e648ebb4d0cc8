// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {IBlue, PreLiquidation} from "./PreLiquidation.sol";

/// Makes the stand-ins, and says which it has made as Morpho's factory does.
contract PreLiquidationFactory {
    IBlue public immutable MORPHO;
    mapping(address => bool) public isPreLiquidation;

    event CreatePreLiquidation(address indexed preLiquidation, bytes32 id, PreLiquidation.Line preLiquidationParams);

    constructor(IBlue morpho) {
        MORPHO = morpho;
    }

    function createPreLiquidation(bytes32 id, PreLiquidation.Line calldata line) external returns (address made) {
        made = address(new PreLiquidation{salt: 0}(MORPHO, id, line));
        emit CreatePreLiquidation(made, id, line);
        isPreLiquidation[made] = true;
    }
}
