// SPDX-License-Identifier: MIT
pragma solidity 0.8.27;

import {CometAssets} from "./CometAssets.sol";
import {CometState, IMoney, Rules} from "./CometState.sol";

/// What people do to a Comet, with its refusals, logs and rounding. Liquidator points, signatures and ERC-20 approvals are left out.
contract CometTwin is CometState {
    error AlreadyInitialized();
    error BorrowTooSmall();
    error InsufficientReserves();
    error NoSelfTransfer();
    error NotCollateralized();
    error NotForSale();
    error NotLiquidatable();
    error Paused();
    error SupplyCapExceeded();
    error TooMuchSlippage();
    error Unauthorized();

    event Supply(address indexed from, address indexed dst, uint256 amount);
    event Transfer(address indexed from, address indexed to, uint256 amount);
    event Withdraw(address indexed src, address indexed to, uint256 amount);
    event SupplyCollateral(address indexed from, address indexed dst, address indexed asset, uint256 amount);
    event TransferCollateral(address indexed from, address indexed to, address indexed asset, uint256 amount);
    event WithdrawCollateral(address indexed src, address indexed to, address indexed asset, uint256 amount);
    event AbsorbDebt(address indexed absorber, address indexed borrower, uint256 basePaidOut, uint256 usdValue);
    event AbsorbCollateral(
        address indexed absorber,
        address indexed borrower,
        address indexed asset,
        uint256 collateralAbsorbed,
        uint256 usdValue
    );
    event BuyCollateral(address indexed buyer, address indexed asset, uint256 baseAmount, uint256 collateralAmount);
    event PauseAction(
        bool supplyPaused, bool transferPaused, bool withdrawPaused, bool absorbPaused, bool buyPaused
    );
    event WithdrawReserves(address indexed to, uint256 amount);

    uint8 private constant SUPPLY = 0;
    uint8 private constant TRANSFER = 1;
    uint8 private constant WITHDRAW = 2;
    uint8 private constant ABSORB = 3;
    uint8 private constant BUY = 4;

    constructor(Rules memory rules, CometAssets list) CometState(rules, list) {}

    modifier open(uint8 action) {
        if (totals.pauseFlags >> action & 1 == 1) revert Paused();
        _;
    }

    modifier by(address owner) {
        if (msg.sender != owner && !isAllowed[owner][msg.sender]) revert Unauthorized();
        _;
    }

    function initializeStorage() external {
        if (totals.lastAccrualTime != 0) revert AlreadyInitialized();
        totals.lastAccrualTime = uint40(block.timestamp);
        totals.baseSupplyIndex = INDEX;
        totals.baseBorrowIndex = INDEX;
    }

    function allow(address manager, bool yes) external {
        isAllowed[msg.sender][manager] = yes;
    }

    function pause(bool supply_, bool transfer_, bool withdraw_, bool absorb_, bool buy_) external {
        if (msg.sender != governor) revert Unauthorized();
        uint8 flags = supply_ ? uint8(1) << SUPPLY : 0;
        if (transfer_) flags |= uint8(1) << TRANSFER;
        if (withdraw_) flags |= uint8(1) << WITHDRAW;
        if (absorb_) flags |= uint8(1) << ABSORB;
        if (buy_) flags |= uint8(1) << BUY;
        totals.pauseFlags = flags;
        emit PauseAction(supply_, transfer_, withdraw_, absorb_, buy_);
    }

    function isAbsorbPaused() external view returns (bool) {
        return totals.pauseFlags >> ABSORB & 1 == 1;
    }

    function accrueAccount(address owner) external {
        accrue();
        settle(owner, userBasic[owner], userBasic[owner].principal);
    }

    // In

    function supply(address asset, uint256 amount) external {
        supplyFrom(msg.sender, msg.sender, asset, amount);
    }

    function supplyTo(address dst, address asset, uint256 amount) external {
        supplyFrom(msg.sender, dst, asset, amount);
    }

    function supplyFrom(address from, address dst, address asset, uint256 amount) public open(SUPPLY) by(from) {
        if (asset != baseToken) return putIn(from, dst, asset, to128(amount));
        if (amount == type(uint256).max) amount = borrowBalanceOf(dst);
        amount = take(baseToken, from, amount);
        accrue();
        uint104 grown = changed(dst, present(userBasic[dst].principal) + int256(amount), true);
        emit Supply(from, dst, amount);
        if (grown > 0) emit Transfer(address(0), dst, worth(grown, totals.baseSupplyIndex));
    }

    function putIn(address from, address dst, address asset, uint128 amount) private {
        amount = to128(take(asset, from, amount));
        AssetInfo memory info = getAssetInfoByAddress(asset);
        uint128 all = totalsCollateral[asset].totalSupplyAsset + amount;
        if (all > info.supplyCap) revert SupplyCapExceeded();
        totalsCollateral[asset].totalSupplyAsset = all;
        hold(dst, info, userCollateral[dst][asset].balance + amount);
        emit SupplyCollateral(from, dst, asset, amount);
    }

    // Out

    function withdraw(address asset, uint256 amount) external {
        withdrawFrom(msg.sender, msg.sender, asset, amount);
    }

    function withdrawTo(address to, address asset, uint256 amount) external {
        withdrawFrom(msg.sender, to, asset, amount);
    }

    function withdrawFrom(address src, address to, address asset, uint256 amount) public open(WITHDRAW) by(src) {
        if (asset != baseToken) return takeOut(src, to, asset, to128(amount));
        if (amount == type(uint256).max) amount = balanceOf(src);
        accrue();
        int256 left = present(userBasic[src].principal) - int256(amount);
        uint104 shrunk = changed(src, left, false);
        mayOwe(src, left);
        IMoney(baseToken).transfer(to, amount);
        emit Withdraw(src, to, amount);
        if (shrunk > 0) emit Transfer(src, address(0), worth(shrunk, totals.baseSupplyIndex));
    }

    function takeOut(address src, address to, address asset, uint128 amount) private {
        uint128 left = userCollateral[src][asset].balance - amount;
        totalsCollateral[asset].totalSupplyAsset -= amount;
        hold(src, getAssetInfoByAddress(asset), left);
        if (!isBorrowCollateralized(src)) revert NotCollateralized();
        IMoney(asset).transfer(to, amount);
        emit WithdrawCollateral(src, to, asset, amount);
    }

    // Across

    function transfer(address dst, uint256 amount) external returns (bool) {
        transferAssetFrom(msg.sender, dst, baseToken, amount);
        return true;
    }

    function transferAsset(address dst, address asset, uint256 amount) external {
        transferAssetFrom(msg.sender, dst, asset, amount);
    }

    function transferAssetFrom(address src, address dst, address asset, uint256 amount)
        public
        open(TRANSFER)
        by(src)
    {
        if (src == dst) revert NoSelfTransfer();
        if (asset != baseToken) return handOver(src, dst, asset, to128(amount));
        if (amount == type(uint256).max) amount = balanceOf(src);
        accrue();
        int256 left = present(userBasic[src].principal) - int256(amount);
        int256 raised = present(userBasic[dst].principal) + int256(amount);
        uint104 grown = changed(dst, raised, true);
        uint104 shrunk = changed(src, left, false);
        mayOwe(src, left);
        if (shrunk > 0) emit Transfer(src, address(0), worth(shrunk, totals.baseSupplyIndex));
        if (grown > 0) emit Transfer(address(0), dst, worth(grown, totals.baseSupplyIndex));
    }

    function handOver(address src, address dst, address asset, uint128 amount) private {
        AssetInfo memory info = getAssetInfoByAddress(asset);
        hold(src, info, userCollateral[src][asset].balance - amount);
        hold(dst, info, userCollateral[dst][asset].balance + amount);
        if (!isBorrowCollateralized(src)) revert NotCollateralized();
        emit TransferCollateral(src, dst, asset, amount);
    }

    // Liquidation

    function absorb(address absorber, address[] calldata owners) external open(ABSORB) {
        accrue();
        for (uint256 i = 0; i < owners.length; i++) absorbOne(absorber, owners[i]);
    }

    /// All collateral becomes the protocol's, all debt is forgiven; what the collateral was worth beyond it stays with its owner as base.
    function absorbOne(address absorber, address owner) private {
        if (!isLiquidatable(owner)) revert NotLiquidatable();
        User memory user = userBasic[owner];
        int256 before = present(user.principal);
        uint256 basePrice = getPrice(baseTokenPriceFeed);
        uint256 credit = 0;
        for (uint8 i = 0; i < numAssets; i++) {
            if (entered(user, i)) credit += seize(absorber, owner, getAssetInfo(i));
        }
        int256 left = before + int256(credit * baseScale / basePrice);
        if (left < 0) left = 0;
        (userBasic[owner].assetsIn, userBasic[owner]._reserved) = (0, 0);
        changed(owner, left, true);
        uint256 paid = uint256(left - before);
        emit AbsorbDebt(absorber, owner, paid, paid * basePrice / baseScale);
        int104 principal = userBasic[owner].principal;
        if (principal > 0) emit Transfer(address(0), owner, worth(uint104(principal), totals.baseSupplyIndex));
    }

    function seize(address absorber, address owner, AssetInfo memory info) private returns (uint256) {
        uint128 amount = userCollateral[owner][info.asset].balance;
        userCollateral[owner][info.asset].balance = 0;
        totalsCollateral[info.asset].totalSupplyAsset -= amount;
        uint256 value = amount * getPrice(info.priceFeed) / info.scale;
        emit AbsorbCollateral(absorber, owner, info.asset, amount, value);
        return share(value, info.liquidationFactor);
    }

    function buyCollateral(address asset, uint256 least, uint256 amount, address to) external open(BUY) {
        int256 reserves = getReserves();
        if (reserves >= 0 && uint256(reserves) >= targetReserves) revert NotForSale();
        amount = take(baseToken, msg.sender, amount);
        uint256 sold = quoteCollateral(asset, amount);
        if (sold < least) revert TooMuchSlippage();
        if (sold > getCollateralReserves(asset)) revert InsufficientReserves();
        IMoney(asset).transfer(to, to128(sold));
        emit BuyCollateral(msg.sender, asset, amount, sold);
    }

    function withdrawReserves(address to, uint256 amount) external {
        if (msg.sender != governor) revert Unauthorized();
        int256 reserves = getReserves();
        if (reserves < 0 || amount > uint256(reserves)) revert InsufficientReserves();
        IMoney(baseToken).transfer(to, amount);
        emit WithdrawReserves(to, amount);
    }

    // Books

    function mayOwe(address owner, int256 balance) private view {
        if (balance >= 0) return;
        if (uint256(-balance) < baseBorrowMin) revert BorrowTooSmall();
        if (!isBorrowCollateralized(owner)) revert NotCollateralized();
    }

    /// The new balance in the owner's principal and, where it moved the way that was meant, in both totals: of nothing, or of next to
    /// nothing, rounding may move a principal the other way, which the totals are not told. The positive part that was added or taken.
    function changed(address owner, int256 balance, bool rising) private returns (uint104) {
        User memory user = userBasic[owner];
        (int104 old, int104 next) = (user.principal, principalOf(balance));
        settle(owner, user, next);
        if (rising ? next < old : next > old) return 0;
        (uint104 had, uint104 owed) = split(old);
        (uint104 has, uint104 owes) = split(next);
        totals.totalSupplyBase = totals.totalSupplyBase + has - had;
        totals.totalBorrowBase = totals.totalBorrowBase + owes - owed;
        return rising ? has - had : had - has;
    }

    function split(int104 principal) private pure returns (uint104, uint104) {
        return principal >= 0 ? (uint104(principal), uint104(0)) : (uint104(0), uint104(-principal));
    }

    function settle(address owner, User memory user, int104 next) private {
        (uint104 had, uint104 owed) = split(user.principal);
        uint64 index = owed > 0 ? totals.trackingBorrowIndex : totals.trackingSupplyIndex;
        uint256 grown = uint256(had + owed) * (index - user.baseTrackingIndex);
        user.baseTrackingAccrued += to64(grown / trackingIndexScale / (baseScale / 1e6));
        user.baseTrackingIndex = next >= 0 ? totals.trackingSupplyIndex : totals.trackingBorrowIndex;
        user.principal = next;
        userBasic[owner] = user;
    }

    function hold(address owner, AssetInfo memory info, uint128 balance) private {
        userCollateral[owner][info.asset].balance = balance;
        uint24 bits = uint24(userBasic[owner].assetsIn) | uint24(userBasic[owner]._reserved) << 16;
        uint24 bit = uint24(1) << info.offset;
        bits = balance > 0 ? bits | bit : bits & ~bit;
        (userBasic[owner].assetsIn, userBasic[owner]._reserved) = (uint16(bits), uint8(bits >> 16));
    }

    function take(address token, address from, uint256 amount) private returns (uint256) {
        uint256 before = IMoney(token).balanceOf(address(this));
        IMoney(token).transferFrom(from, address(this), amount);
        return IMoney(token).balanceOf(address(this)) - before;
    }
}
