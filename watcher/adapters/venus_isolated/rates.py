"""What a vToken charges and pays: the models of the Compound family under Venus' utilisation, in which bad debt counts as lent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from eth_typing import ChecksumAddress

from watcher.adapter import Curve as Drawn
from watcher.formula.compound import rate as compound
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import Curve, TwoKinks, twice_kinked, yearly
from watcher.units import RAY, WAD, Ray


class Kind(StrEnum):
    """By the getters that a model has; `OTHER` is also one whose getters do not explain what it charges."""

    STRAIGHT = "straight"
    JUMP = "one kink"
    TWO_KINKS = "two kinks"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Model:
    """The contract at `address`; neither curve where its rate can be read and not computed."""

    address: ChecksumAddress
    kind: Kind
    curve: Curve | None = None
    kinks: TwoKinks | None = None


def utilisation(books: Pool, bad: int) -> int:
    """⌊(borrows + bad debt) · 1e18 / (cash + borrows + bad debt − reserves)⌋, at most 1e18; a wad (`utilizationRate`)."""
    return min(WAD, compound.utilisation(replace(books, borrows=books.borrows + bad)))


def borrow_rate(model: Model, used: int) -> int | None:
    """`getBorrowRate` at a utilisation of at most 1; a wad per tick. None for a model that is not known."""
    if model.curve is not None:
        return compound.rate(model.curve, used)
    return None if model.kinks is None else twice_kinked(model.kinks, used)


def supply_rate(rate: int, books: Pool, bad: int, reserve_factor: int) -> int:
    """`getSupplyRate`: the borrow rate on what is lent, less the reserves' share; a wad per tick, 0 where there is nothing."""
    supplied = books.cash + books.borrows + bad - books.reserves
    return books.borrows * (rate * (WAD - reserve_factor) // WAD) // supplied if supplied > 0 else 0


def drawn(model: Model, ticks: int) -> Drawn:
    """The model through its corners; where it jumps, a corner has a point on either side."""
    corners = [0, WAD]
    if model.curve is not None and model.curve.kink is not None:
        corners += [model.curve.kink]
    if model.kinks is not None:
        corners += [at - off for at in (model.kinks.kink, model.kinks.kink2) for off in (0, 1)]
    points = [(used, borrow_rate(model, used)) for used in sorted(set(corners)) if 0 <= used <= WAD]
    return Drawn(tuple((Ray(used * (RAY // WAD)), yearly(rate, ticks)) for used, rate in points if rate is not None))
