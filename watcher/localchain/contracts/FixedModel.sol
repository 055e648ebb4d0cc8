// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

/// One rate for each market, set once and before the market is made: the read interface of Morpho's fixed-rate model.
contract FixedModel {
    struct Params {
        address loan;
        address collateral;
        address oracle;
        address irm;
        uint256 lltv;
    }

    struct Market {
        uint128 totalSupplyAssets;
        uint128 totalSupplyShares;
        uint128 totalBorrowAssets;
        uint128 totalBorrowShares;
        uint128 lastUpdate;
        uint128 fee;
    }

    uint256 public constant MAX_BORROW_RATE = 8 ether / uint256(365 days);
    mapping(bytes32 => uint256) public borrowRateStored;

    function setBorrowRate(bytes32 id, uint256 rate) external {
        require(borrowRateStored[id] == 0 && rate != 0 && rate <= MAX_BORROW_RATE, "not so");
        borrowRateStored[id] = rate;
    }

    function borrowRateView(Params memory params, Market memory) public view returns (uint256 rate) {
        rate = borrowRateStored[keccak256(abi.encode(params))];
        require(rate != 0, "rate not set");
    }

    function borrowRate(Params memory params, Market memory market) external view returns (uint256) {
        return borrowRateView(params, market);
    }
}
