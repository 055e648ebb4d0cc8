"""Venus' three interest rate models as integers: straight, with one kink, with two. Any other model's rate is read and not computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from eth_typing import ChecksumAddress

from watcher.adapter import Curve
from watcher.formula.compound.pool import Pool
from watcher.units import RAY, WAD, Ray, mul_div_down


class Kind(StrEnum):
    STRAIGHT = "straight"  # WhitePaperInterestRateModel
    JUMP = "one kink"  # JumpRateModelV2
    TWO_KINKS = "two kinks"  # TwoKinksInterestRateModel
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Model:
    """The contract at `address`. `words` are its own getters, wads per tick and kinks as wads.

    Base and slope; with one kink also the slope above it and the kink; with two kinks: base, slope, kink, second base, second slope,
    second kink, slope above it, and the rates at both kinks.
    """

    address: ChecksumAddress
    kind: Kind
    words: tuple[int, ...]


def utilisation(books: Pool, bad: int) -> int:
    """⌊(borrows + bad debt) · 1e18 / (cash + borrows + bad debt − reserves)⌋, at most 1e18; a wad (`utilizationRate`)."""
    lent = books.borrows + bad
    if lent == 0:
        return 0
    return min(WAD, mul_div_down(lent, WAD, books.cash + lent - books.reserves))


def borrow_rate(model: Model, used: int) -> int | None:
    """`getBorrowRate` at a utilisation; a wad per tick. None for a model that is not one of the three."""
    words: Sequence[int] = model.words
    match model.kind:
        case Kind.STRAIGHT:
            base, slope = words
            return used * slope // WAD + base
        case Kind.JUMP:
            base, slope, jump, kink = words
            if used <= kink:
                return used * slope // WAD + base
            return (used - kink) * jump // WAD + (kink * slope // WAD + base)
        case Kind.TWO_KINKS:
            return max(0, _two_kinks(words, used))
        case Kind.OTHER:
            return None


def _two_kinks(words: Sequence[int], used: int) -> int:
    """Signed integers, whose division cuts towards zero."""
    base, slope, kink, second_base, second_slope, second_kink, jump, first, second = words
    if used < kink:
        return _cut(used * slope) + base
    if used < second_kink:
        return first + _cut((used - kink) * second_slope) + second_base
    return first + second + _cut((used - second_kink) * jump)


def _cut(product: int) -> int:
    return product // WAD if product >= 0 else -(-product // WAD)


def supply_rate(rate: int, books: Pool, bad: int, reserve_factor: int) -> int:
    """`getSupplyRate`: the borrow rate on what is lent, less the reserves' share; a wad per tick, 0 where there is nothing."""
    supplied = books.cash + books.borrows + bad - books.reserves
    return books.borrows * (rate * (WAD - reserve_factor) // WAD) // supplied if supplied > 0 else 0


def yearly(rate: int, ticks: int) -> Ray:
    """A wad per tick as a simple yearly ray."""
    return Ray(rate * ticks * (RAY // WAD))


def curve(model: Model, ticks: int) -> Curve:
    """The model through its corners; where it jumps, a corner has a point on either side."""
    match model.kind:
        case Kind.STRAIGHT:
            corners = [0, WAD]
        case Kind.JUMP:
            corners = [0, model.words[3], WAD]
        case Kind.TWO_KINKS:
            kink, second = model.words[2], model.words[5]
            corners = [0, kink - 1, kink, second - 1, second, WAD]
        case Kind.OTHER:
            corners = []
    points = [(used, borrow_rate(model, used)) for used in corners if 0 <= used <= WAD]
    return Curve(tuple((Ray(used * (RAY // WAD)), yearly(rate, ticks)) for used, rate in points if rate is not None))
