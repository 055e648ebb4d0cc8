"""Morpho Blue's arithmetic: interest, shares with a virtual offset, health and liquidation amounts.

Source: @morpho-org/morpho-blue 1.0.0 (Morpho.sol, MathLib, SharesMathLib, ConstantsLib). Assets are raw token units. `Overflow` is
raised where the contract's checked arithmetic or its cast to 128 bits reverts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from watcher.errors import Overflow
from watcher.units import WAD, checked, mul_div_down, mul_div_up

PRICE_SCALE: Final = 10**36
VIRTUAL_SHARES: Final = 10**6
VIRTUAL_ASSETS: Final = 1
CURSOR: Final = 3 * WAD // 10
MAX_INCENTIVE: Final = 115 * WAD // 100


def uint128(value: int) -> int:
    """``value`` itself, or `Overflow` where `UtilsLib.toUint128`, or a subtraction in 128 bits, reverts."""
    if 0 <= value < 2**128:
        return value
    raise Overflow(f"{'underflow' if value < 0 else 'overflow'} of a 128-bit integer")


@dataclass(frozen=True, slots=True)
class Pot:
    """Assets and the shares in them: all that was supplied, or all that is borrowed."""

    assets: int  # raw loan token
    shares: int

    def moved(self, assets: int, shares: int) -> Pot:
        """Changed by these amounts, which may be negative. `Overflow` outside 128 bits."""
        return Pot(uint128(self.assets + assets), uint128(self.shares + shares))

    def repaid(self, assets: int, shares: int) -> Pot:
        """Less these amounts; the assets may round to one more than there are, and then end at zero."""
        return Pot(max(0, self.assets - assets), uint128(self.shares - shares))


def rounded_up(a: int, b: int, d: int) -> int:
    """⌈a·b / d⌉ as `MathLib.mulDivUp`, which reverts already where a·b + d - 1 leaves 256 bits."""
    checked(a * b + d - 1)
    return mul_div_up(a, b, d)


def to_shares_down(assets: int, pot: Pot) -> int:
    return mul_div_down(assets, pot.shares + VIRTUAL_SHARES, pot.assets + VIRTUAL_ASSETS)


def to_shares_up(assets: int, pot: Pot) -> int:
    return rounded_up(assets, pot.shares + VIRTUAL_SHARES, pot.assets + VIRTUAL_ASSETS)


def to_assets_down(shares: int, pot: Pot) -> int:
    return mul_div_down(shares, pot.assets + VIRTUAL_ASSETS, pot.shares + VIRTUAL_SHARES)


def to_assets_up(shares: int, pot: Pot) -> int:
    return rounded_up(shares, pot.assets + VIRTUAL_ASSETS, pot.shares + VIRTUAL_SHARES)


def compounded(rate: int, elapsed: int) -> int:
    """The first three terms of e^(rate·elapsed) - 1 as a wad, as `MathLib.wTaylorCompounded`; ``rate`` is a wad per second."""
    first = checked(rate * elapsed)
    second = mul_div_down(first, first, 2 * WAD)
    third = mul_div_down(second, first, 3 * WAD)
    return checked(first + second + third)


@dataclass(frozen=True, slots=True)
class Totals:
    supply: Pot
    borrow: Pot


@dataclass(frozen=True, slots=True)
class Interest:
    totals: Totals
    fee_shares: int  # minted to the fee recipient; inside `totals` already


def with_interest(totals: Totals, rate: int, elapsed: int, fee: int) -> Interest:
    """`Morpho._accrueInterest` for ``elapsed`` > 0 seconds at ``rate`` (wad per second); ``fee`` is the protocol's share as a wad.

    Interest is rounded down and added to both sides; the fee is paid in supply shares, valued as if it had not been added yet.
    """
    interest = mul_div_down(totals.borrow.assets, compounded(rate, elapsed), WAD)
    borrow = totals.borrow.moved(uint128(interest), 0)
    supply = totals.supply.moved(interest, 0)
    cut = mul_div_down(interest, fee, WAD)
    minted = to_shares_down(cut, Pot(supply.assets - cut, supply.shares))
    return Interest(Totals(supply.moved(0, minted), borrow), minted)


def quoted_down(collateral: int, price: int) -> int:
    """Collateral in raw loan tokens, rounded down; ``price`` is what the oracle answers, scaled by 1e36."""
    return mul_div_down(collateral, price, PRICE_SCALE)


def max_borrow(collateral: int, price: int, lltv: int) -> int:
    """The most that this collateral may owe, in raw loan tokens, rounded down twice as `Morpho._isHealthy`; healthy at equality."""
    return mul_div_down(quoted_down(collateral, price), lltv, WAD)


def room(borrow: Pot, borrow_shares: int, limit: int) -> int:
    """The most that can still be borrowed while what is owed stays at or below ``limit``, free liquidity aside.

    Shares round up, so this may be one unit less than the difference; where a single share is worth more than one unit it may fall
    short of the exact answer by that share's worth, never above it.
    """
    fits = min(2**128 - 1 - borrow.assets, to_assets_down(2**128 - 1 - borrow.shares, borrow))
    spare = min(limit - to_assets_up(borrow_shares, borrow), fits)
    for assets in (spare, spare - to_assets_up(1, borrow)):
        if assets > 0:
            shares = to_shares_up(assets, borrow)
            if to_assets_up(borrow_shares + shares, borrow.moved(assets, shares)) <= limit:
                return assets
    return 0


def incentive(lltv: int) -> int:
    """What a liquidator seizes per unit repaid, as a wad: min(1.15, 1 / (1 - 0.3·(1 - lltv))), rounded down."""
    return min(MAX_INCENTIVE, mul_div_down(WAD, WAD, WAD - mul_div_down(CURSOR, WAD - lltv, WAD)))


def seized_for(shares: int, borrow: Pot, price: int, factor: int) -> int:
    """Collateral handed out for repaying ``shares``, rounded down. A ``price`` of zero divides by zero: the contract reverts."""
    return mul_div_down(mul_div_down(to_assets_down(shares, borrow), factor, WAD), PRICE_SCALE, price)


def repaid_for(seized: int, borrow: Pot, price: int, factor: int) -> int:
    """Borrow shares that must be repaid to seize so much collateral, rounded up."""
    return to_shares_up(rounded_up(rounded_up(seized, price, PRICE_SCALE), WAD, factor), borrow)


@dataclass(frozen=True, slots=True)
class Seizure:
    """One call of `Morpho.liquidate`. `repaid` may be one unit above the market's total; `bad_debt` is what lenders then lose."""

    seized: int  # raw collateral
    shares: int  # borrow shares repaid
    repaid: int  # raw loan token
    bad_debt: int  # raw loan token
    totals: Totals
    collateral: int  # left to the borrower
    borrow_shares: int  # left to the borrower


def liquidated(totals: Totals, collateral: int, borrow_shares: int, seized: int, shares: int) -> Seizure:
    """The state after `Morpho.liquidate` moved these amounts: without collateral left, what is still owed becomes bad debt."""
    repaid = to_assets_up(shares, totals.borrow)
    left_shares = uint128(borrow_shares - shares)
    borrow = totals.borrow.repaid(repaid, shares)
    left = uint128(collateral - seized)
    if left or not left_shares:
        return Seizure(seized, shares, repaid, 0, replace(totals, borrow=borrow), left, left_shares)
    bad = min(borrow.assets, to_assets_up(left_shares, borrow))
    written_off = Totals(totals.supply.moved(-bad, 0), borrow.moved(-bad, -left_shares))
    return Seizure(seized, shares, repaid, bad, written_off, 0, 0)


def largest_seizure(totals: Totals, collateral: int, borrow_shares: int, price: int, lltv: int) -> Seizure | None:
    """The largest liquidation of an unhealthy position: all its debt, or all its collateral where that buys less.

    On dust both may round past what is there and the contract refuses either; then the most shares whose seizure is there. None where
    even one share is worth more collateral than is held.
    """
    factor = incentive(lltv)
    borrow = totals.borrow
    seized = seized_for(borrow_shares, borrow, price, factor)
    if seized <= collateral:
        return liquidated(totals, collateral, borrow_shares, seized, borrow_shares)
    shares = repaid_for(collateral, borrow, price, factor)
    if shares <= borrow_shares:
        return liquidated(totals, collateral, borrow_shares, collateral, shares)
    low, high = 0, borrow_shares  # the collateral is enough for `low` and not for `high`
    while high - low > 1:
        middle = (low + high) // 2
        if seized_for(middle, borrow, price, factor) <= collateral:
            low = middle
        else:
            high = middle
    return liquidated(totals, collateral, borrow_shares, seized_for(low, borrow, price, factor), low) if low else None
