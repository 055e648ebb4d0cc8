"""Pre-liquidation of a Morpho position: a contract that the borrower has authorised repays and seizes before Morpho's own line.

Source: morpho-org/pre-liquidation, PreLiquidation.sol (commit 9e8b7f4), and Morpho.sol for what it calls. Proved by vectors that this
contract's own bytecode answered. Close factor and incentive factor rise linearly between the two lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watcher.formula.morpho import (
    PRICE_SCALE,
    Pot,
    max_borrow,
    quoted_down,
    rounded_up,
    to_assets_down,
    to_assets_up,
    uint128,
)
from watcher.units import WAD, mul_div_down

BEYOND: Final = "LiquidatablePosition"  # in the contract's own words
NOT_YET: Final = "NotPreLiquidatablePosition"
POOR: Final = "insufficient collateral"
NOTHING: Final = "zero assets"


@dataclass(frozen=True, slots=True)
class Rules:
    """`PreLiquidationParams` and the market's LLTV, all wads. Of a pair the first holds at `pre_lltv`, the second at `lltv`."""

    lltv: int
    pre_lltv: int
    close: tuple[int, int]
    factor: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Owed:
    """One position and the pot that its debt is counted in; `price` is what the pre-liquidation contract's own oracle answers."""

    borrow: Pot
    collateral: int  # raw
    shares: int
    price: int

    @property
    def debt(self) -> int:
        return to_assets_up(self.shares, self.borrow)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the contract grants at this LTV: collateral per unit repaid (wad), for at most these shares, which may be more than all."""

    factor: int
    shares: int


@dataclass(frozen=True, slots=True)
class Taken:
    """One call of `preLiquidate`."""

    seized: int  # raw collateral
    repaid: int  # raw loan token
    left: Owed


def offer(rules: Rules, owed: Owed) -> Offer | str:
    """Where pre_lltv·collateral < debt ≤ lltv·collateral, each product rounded down; else the refusal's name.

    The LTV is rounded up, the way between the lines and both factors down.
    """
    debt = owed.debt
    if debt > max_borrow(owed.collateral, owed.price, rules.lltv):
        return BEYOND
    if debt <= max_borrow(owed.collateral, owed.price, rules.pre_lltv):
        return NOT_YET
    ltv = rounded_up(debt, WAD, quoted_down(owed.collateral, owed.price))
    way = mul_div_down(ltv - rules.pre_lltv, WAD, rules.lltv - rules.pre_lltv)
    close, factor = (low + mul_div_down(way, high - low, WAD) for low, high in (rules.close, rules.factor))
    return Offer(factor, mul_div_down(owed.shares, close, WAD))


def taken(owed: Owed, factor: int, shares: int) -> Taken:
    """The amounts of `preLiquidate` for so many shares: seized is rounded down, repaid up. `Overflow` beyond what is there."""
    value = mul_div_down(to_assets_down(shares, owed.borrow), factor, WAD)
    seized = mul_div_down(value, PRICE_SCALE, owed.price)
    repaid = to_assets_up(shares, owed.borrow)
    rest = uint128(owed.shares - shares)
    left = Owed(owed.borrow.repaid(repaid, shares), uint128(owed.collateral - seized), rest, owed.price)
    return Taken(seized, repaid, left)


def refusal(rules: Rules, done: Taken, market_price: int) -> str | None:
    """What Morpho says when the collateral is withdrawn: something must be, and what is left be healthy at the *market's* price."""
    if not done.seized:
        return NOTHING
    left = done.left
    healthy = not left.shares or left.debt <= max_borrow(left.collateral, market_price, rules.lltv)
    return None if healthy else POOR


def largest(rules: Rules, owed: Owed, market_price: int) -> tuple[Offer, Taken] | str:
    """The most shares that the contract lets anybody repay, or the refusal's name.

    Incentive times LTV is never above one, so that a larger part always leaves the rest in better health: where the most is refused
    for what is left, which takes a position past Morpho's own line, so is every smaller part.
    """
    found = offer(rules, owed)
    if isinstance(found, str):
        return found
    done = taken(owed, found.factor, min(found.shares, owed.shares))
    return refusal(rules, done, market_price) or (found, done)
