// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {CometAssets, Listed} from "./CometAssets.sol";

interface IPrice {
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80);
}

interface IMoney {
    function balanceOf(address owner) external view returns (uint256);

    function transfer(address to, uint256 value) external returns (bool);

    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// Rates are per second and scaled by 1e18, kinks are utilisations.
struct Curve {
    uint64 kink;
    uint64 low;
    uint64 high;
    uint64 base;
}

struct Rules {
    address governor;
    address base;
    address baseFeed;
    uint8 decimals;
    Curve supply;
    Curve borrow;
    uint64 storeFront;
    uint64 trackingScale;
    uint64 supplySpeed;
    uint64 borrowSpeed;
    uint104 minForRewards;
    uint104 borrowMin;
    uint104 targetReserves;
}

/// What our stand-in for Compound's Comet stores, its interest, and what it lets others read. Written anew from the protocol's behaviour:
/// no package carries the original. A test holds it to the original's answers.
abstract contract CometState {
    error BadAsset();
    error BadPrice();
    error InvalidUInt64();
    error InvalidUInt104();
    error InvalidUInt128();
    error InvalidInt104();

    uint64 internal constant INDEX = 1e15;
    uint64 internal constant ONE = 1e18;

    struct Totals {
        uint64 baseSupplyIndex;
        uint64 baseBorrowIndex;
        uint64 trackingSupplyIndex;
        uint64 trackingBorrowIndex;
        uint104 totalSupplyBase;
        uint104 totalBorrowBase;
        uint40 lastAccrualTime;
        uint8 pauseFlags;
    }

    struct User {
        int104 principal;
        uint64 baseTrackingIndex;
        uint64 baseTrackingAccrued;
        uint16 assetsIn;
        uint8 _reserved;
    }

    struct Held {
        uint128 balance;
        uint128 _reserved;
    }

    struct Supplied {
        uint128 totalSupplyAsset;
        uint128 _reserved;
    }

    struct AssetInfo {
        uint8 offset;
        address asset;
        address priceFeed;
        uint64 scale;
        uint64 borrowCollateralFactor;
        uint64 liquidateCollateralFactor;
        uint64 liquidationFactor;
        uint128 supplyCap;
    }

    Totals internal totals;
    mapping(address => Supplied) public totalsCollateral;
    mapping(address => mapping(address => bool)) public isAllowed;
    mapping(address => User) public userBasic;
    mapping(address => mapping(address => Held)) public userCollateral;

    address public immutable governor;
    address public immutable baseToken;
    address public immutable baseTokenPriceFeed;
    uint8 public immutable decimals;
    uint256 public immutable baseScale;
    uint256 public immutable supplyKink;
    uint256 public immutable supplyPerSecondInterestRateSlopeLow;
    uint256 public immutable supplyPerSecondInterestRateSlopeHigh;
    uint256 public immutable supplyPerSecondInterestRateBase;
    uint256 public immutable borrowKink;
    uint256 public immutable borrowPerSecondInterestRateSlopeLow;
    uint256 public immutable borrowPerSecondInterestRateSlopeHigh;
    uint256 public immutable borrowPerSecondInterestRateBase;
    uint256 public immutable storeFrontPriceFactor;
    uint256 public immutable trackingIndexScale;
    uint256 public immutable baseTrackingSupplySpeed;
    uint256 public immutable baseTrackingBorrowSpeed;
    uint256 public immutable baseMinForRewards;
    uint256 public immutable baseBorrowMin;
    uint256 public immutable targetReserves;
    uint8 public immutable numAssets;
    address public immutable assetList;

    constructor(Rules memory rules, CometAssets list) {
        governor = rules.governor;
        baseToken = rules.base;
        baseTokenPriceFeed = rules.baseFeed;
        decimals = rules.decimals;
        baseScale = 10 ** rules.decimals;
        supplyKink = rules.supply.kink;
        supplyPerSecondInterestRateSlopeLow = rules.supply.low;
        supplyPerSecondInterestRateSlopeHigh = rules.supply.high;
        supplyPerSecondInterestRateBase = rules.supply.base;
        borrowKink = rules.borrow.kink;
        borrowPerSecondInterestRateSlopeLow = rules.borrow.low;
        borrowPerSecondInterestRateSlopeHigh = rules.borrow.high;
        borrowPerSecondInterestRateBase = rules.borrow.base;
        storeFrontPriceFactor = rules.storeFront;
        trackingIndexScale = rules.trackingScale;
        baseTrackingSupplySpeed = rules.supplySpeed;
        baseTrackingBorrowSpeed = rules.borrowSpeed;
        baseMinForRewards = rules.minForRewards;
        baseBorrowMin = rules.borrowMin;
        targetReserves = rules.targetReserves;
        assetList = address(list);
        numAssets = list.count();
    }

    // Views

    function totalsBasic() external view returns (Totals memory) {
        return totals;
    }

    function getAssetInfo(uint8 i) public view returns (AssetInfo memory) {
        if (i >= numAssets) revert BadAsset();
        Listed memory one = CometAssets(assetList).at(i);
        return AssetInfo(
            i,
            one.asset,
            one.priceFeed,
            one.scale,
            one.borrowFactor,
            one.liquidateFactor,
            one.liquidationFactor,
            one.supplyCap
        );
    }

    function getAssetInfoByAddress(address asset) public view returns (AssetInfo memory info) {
        for (uint8 i = 0; i < numAssets; i++) {
            info = getAssetInfo(i);
            if (info.asset == asset) return info;
        }
        revert BadAsset();
    }

    function getPrice(address feed) public view returns (uint256) {
        (, int256 answer,,,) = IPrice(feed).latestRoundData();
        if (answer <= 0) revert BadPrice();
        return uint256(answer);
    }

    function getUtilization() public view returns (uint256) {
        uint256 supplied = worth(totals.totalSupplyBase, totals.baseSupplyIndex);
        if (supplied == 0) return 0;
        return worth(totals.totalBorrowBase, totals.baseBorrowIndex) * ONE / supplied;
    }

    function getSupplyRate(uint256 used) public view returns (uint64) {
        uint256 start = supplyPerSecondInterestRateBase;
        uint256 low = supplyPerSecondInterestRateSlopeLow;
        return to64(start + bent(used, supplyKink, low, supplyPerSecondInterestRateSlopeHigh));
    }

    function getBorrowRate(uint256 used) public view returns (uint64) {
        uint256 start = borrowPerSecondInterestRateBase;
        uint256 low = borrowPerSecondInterestRateSlopeLow;
        return to64(start + bent(used, borrowKink, low, borrowPerSecondInterestRateSlopeHigh));
    }

    function balanceOf(address owner) public view returns (uint256) {
        int104 principal = userBasic[owner].principal;
        (uint64 index,) = indices();
        return principal > 0 ? worth(uint104(principal), index) : 0;
    }

    function borrowBalanceOf(address owner) public view returns (uint256) {
        int104 principal = userBasic[owner].principal;
        (, uint64 index) = indices();
        return principal < 0 ? worth(uint104(-principal), index) : 0;
    }

    function totalSupply() external view returns (uint256) {
        (uint64 index,) = indices();
        return worth(totals.totalSupplyBase, index);
    }

    function totalBorrow() external view returns (uint256) {
        (, uint64 index) = indices();
        return worth(totals.totalBorrowBase, index);
    }

    function collateralBalanceOf(address owner, address asset) external view returns (uint128) {
        return userCollateral[owner][asset].balance;
    }

    function getReserves() public view returns (int256) {
        (uint64 supplyIndex, uint64 borrowIndex) = indices();
        int256 cash = int256(IMoney(baseToken).balanceOf(address(this)));
        return cash - int256(worth(totals.totalSupplyBase, supplyIndex))
            + int256(worth(totals.totalBorrowBase, borrowIndex));
    }

    function getCollateralReserves(address asset) public view returns (uint256) {
        return IMoney(asset).balanceOf(address(this)) - totalsCollateral[asset].totalSupplyAsset;
    }

    function quoteCollateral(address asset, uint256 amount) public view returns (uint256) {
        AssetInfo memory info = getAssetInfoByAddress(asset);
        uint256 rebate = share(storeFrontPriceFactor, ONE - info.liquidationFactor);
        uint256 asked = share(getPrice(info.priceFeed), ONE - rebate);
        return getPrice(baseTokenPriceFeed) * amount * info.scale / asked / baseScale;
    }

    function isBorrowCollateralized(address owner) public view returns (bool) {
        return covered(owner, false);
    }

    function isLiquidatable(address owner) public view returns (bool) {
        return !covered(owner, true);
    }

    /// Whether what was stored of the debt is covered. Nothing more is read once it is.
    function covered(address owner, bool liquidating) private view returns (bool) {
        User memory user = userBasic[owner];
        if (user.principal >= 0) return true;
        uint256 debt = worth(uint104(-user.principal), totals.baseBorrowIndex);
        int256 left = -int256(debt * getPrice(baseTokenPriceFeed) / baseScale);
        for (uint8 i = 0; i < numAssets; i++) {
            if (!entered(user, i)) continue;
            if (left >= 0) return true;
            AssetInfo memory info = getAssetInfo(i);
            uint256 value = userCollateral[owner][info.asset].balance * getPrice(info.priceFeed) / info.scale;
            left += int256(share(value, liquidating ? info.liquidateCollateralFactor : info.borrowCollateralFactor));
        }
        return left >= 0;
    }

    // Interest

    function indices() internal view returns (uint64 supplyIndex, uint64 borrowIndex) {
        (supplyIndex, borrowIndex) = (totals.baseSupplyIndex, totals.baseBorrowIndex);
        uint256 elapsed = block.timestamp - totals.lastAccrualTime;
        if (elapsed == 0) return (supplyIndex, borrowIndex);
        uint256 used = getUtilization();
        supplyIndex += to64(share(supplyIndex, getSupplyRate(used) * elapsed));
        borrowIndex += to64(share(borrowIndex, getBorrowRate(used) * elapsed));
    }

    function accrue() internal {
        uint256 elapsed = block.timestamp - totals.lastAccrualTime;
        if (elapsed == 0) return;
        (totals.baseSupplyIndex, totals.baseBorrowIndex) = indices();
        if (totals.totalSupplyBase >= baseMinForRewards) {
            totals.trackingSupplyIndex += tracked(baseTrackingSupplySpeed * elapsed, totals.totalSupplyBase);
        }
        if (totals.totalBorrowBase >= baseMinForRewards) {
            totals.trackingBorrowIndex += tracked(baseTrackingBorrowSpeed * elapsed, totals.totalBorrowBase);
        }
        totals.lastAccrualTime = uint40(block.timestamp);
    }

    function tracked(uint256 grown, uint256 among) private view returns (uint64) {
        return to64(grown * baseScale / among);
    }

    // Arithmetic

    function entered(User memory user, uint8 i) internal pure returns (bool) {
        return (uint256(user.assetsIn) | uint256(user._reserved) << 16) >> i & 1 == 1;
    }

    /// Both sides round a present value down, and a principal away from the user.
    function worth(uint104 principal, uint64 index) internal pure returns (uint256) {
        return uint256(principal) * index / INDEX;
    }

    function present(int104 principal) internal view returns (int256) {
        if (principal >= 0) return int256(worth(uint104(principal), totals.baseSupplyIndex));
        return -int256(worth(uint104(-principal), totals.baseBorrowIndex));
    }

    function principalOf(int256 value) internal view returns (int104) {
        if (value >= 0) return signed(uint256(value) * INDEX / totals.baseSupplyIndex);
        uint64 index = totals.baseBorrowIndex;
        return -signed((uint256(-value) * INDEX + index - 1) / index);
    }

    function bent(uint256 used, uint256 kink, uint256 low, uint256 high) private pure returns (uint256) {
        return used <= kink ? share(low, used) : share(low, kink) + share(high, used - kink);
    }

    function share(uint256 n, uint256 factor) internal pure returns (uint256) {
        return n * factor / ONE;
    }

    function to64(uint256 n) internal pure returns (uint64) {
        if (n > type(uint64).max) revert InvalidUInt64();
        return uint64(n);
    }

    function to128(uint256 n) internal pure returns (uint128) {
        if (n > type(uint128).max) revert InvalidUInt128();
        return uint128(n);
    }

    function signed(uint256 n) private pure returns (int104) {
        if (n > type(uint104).max) revert InvalidUInt104();
        if (n > uint104(type(int104).max)) revert InvalidInt104();
        return int104(uint104(n));
    }
}
