// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {MarketParams, MarketState} from "./FlatModel.sol";

/// Morpho's adaptive curve, written anew from its formulas: the original is not in any package. A test holds it to the original's answers.
contract CurveModel {
    int256 private constant WAD = 1e18;
    int256 private constant STEEPNESS = 4e18;
    int256 private constant TARGET = 0.9e18;
    int256 private constant SPEED = 50e18 / int256(365 days);
    int256 private constant FIRST = 0.04e18 / int256(365 days);
    int256 private constant LEAST = 0.001e18 / int256(365 days);
    int256 private constant MOST = 2e18 / int256(365 days);

    int256 private constant LN2 = 693147180559945309;
    int256 private constant LN_LEAST = -41446531673892822312;
    int256 private constant EXP_BOUND = 93859467695000404319;
    int256 private constant EXP_MOST = 57716089161558943949701069502944508345128422502756744429568;

    address public immutable MORPHO;
    mapping(bytes32 => int256) public rateAtTarget;

    constructor(address morpho) {
        MORPHO = morpho;
    }

    function borrowRateView(MarketParams calldata params, MarketState calldata state) external view returns (uint256) {
        (int256 average,) = rates(rateAtTarget[keccak256(abi.encode(params))], state);
        return uint256(average);
    }

    function borrowRate(MarketParams calldata params, MarketState calldata state) external returns (uint256) {
        require(msg.sender == MORPHO, "not Morpho");
        bytes32 id = keccak256(abi.encode(params));
        (int256 average, int256 end) = rates(rateAtTarget[id], state);
        rateAtTarget[id] = end;
        return uint256(average);
    }

    function rates(int256 start, MarketState calldata state) private view returns (int256, int256) {
        int256 distance = distanceOf(state);
        if (start == 0) return (curve(FIRST, distance), FIRST);
        int256 change = SPEED * distance / WAD * int256(block.timestamp - state.lastUpdate);
        if (change == 0) return (curve(start, distance), start);
        int256 end = grown(start, change);
        int256 middle = grown(start, change / 2);
        return (curve((start + end + 2 * middle) / 4, distance), end);
    }

    function distanceOf(MarketState calldata state) private pure returns (int256) {
        if (state.totalSupplyAssets == 0) return -WAD;
        int256 used = int256(uint256(state.totalBorrowAssets) * 1e18 / state.totalSupplyAssets);
        return (used - TARGET) * WAD / (used > TARGET ? WAD - TARGET : TARGET);
    }

    function curve(int256 atTarget, int256 distance) private pure returns (int256) {
        int256 slope = distance < 0 ? WAD - WAD * WAD / STEEPNESS : STEEPNESS - WAD;
        return (slope * distance / WAD + WAD) * atTarget / WAD;
    }

    function grown(int256 start, int256 change) private pure returns (int256 end) {
        end = start * exponential(change) / WAD;
        if (end < LEAST) end = LEAST;
        if (end > MOST) end = MOST;
    }

    function exponential(int256 x) public pure returns (int256) {
        if (x < LN_LEAST) return 0;
        if (x >= EXP_BOUND) return EXP_MOST;
        int256 q = (x + (x < 0 ? -(LN2 / 2) : LN2 / 2)) / LN2;
        int256 r = x - q * LN2;
        int256 series = WAD + r + r * r / WAD / 2;
        return q >= 0 ? series << uint256(q) : series >> uint256(-q);
    }
}
