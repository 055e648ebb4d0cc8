"""Recognises a vToken's interest rate model by its getters and by what it charges now: an address proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.adapters.venus_isolated.rates import Kind, Model, borrow_rate, utilisation
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import Curve, TwoKinks
from watcher.query import Batch, each

STRAIGHT: Final = ("baseRatePerBlock", "multiplierPerBlock")
JUMP: Final = (*STRAIGHT, "jumpMultiplierPerBlock", "kink")
TWO_KINKS: Final = (
    "BASE_RATE_PER_BLOCK_OR_SECOND",
    "MULTIPLIER_PER_BLOCK_OR_SECOND",
    "KINK_1",
    "BASE_RATE_2_PER_BLOCK_OR_SECOND",
    "MULTIPLIER_2_PER_BLOCK_OR_SECOND",
    "KINK_2",
    "JUMP_MULTIPLIER_PER_BLOCK_OR_SECOND",
)
GETTERS: Final = (*JUMP, *TWO_KINKS)
WORDS: Final = {Kind.TWO_KINKS: TWO_KINKS, Kind.JUMP: JUMP, Kind.STRAIGHT: STRAIGHT}  # in the order they are tried
Answers = Sequence[tuple[Any, ...] | None]  # one for each of GETTERS


@dataclass(frozen=True, slots=True)
class Now:
    """A vToken's books as it answers them, and the rate that it charges on them."""

    stamp: int
    index: int
    borrows: int
    reserves: int
    supply: int
    bad: int
    cash: int
    rate: int


def reads(models: Sequence[ChecksumAddress]) -> tuple[Batch, ...]:
    """Every getter of every kind, on each model."""
    return tuple(each(f"venus_isolated/rates.{name}", models, optional=True) for name in GETTERS)


def model(address: ChecksumAddress, answers: Answers, now: Now) -> Model:
    """The first kind whose getters are all there, if it charges what is charged; else its rate can only be read."""
    books = Pool(now.cash, now.borrows, now.reserves, now.supply, now.index, now.stamp)
    found = next((one for one in (_model(address, kind, answers) for kind in WORDS) if one is not None), None)
    if found is None or borrow_rate(found, utilisation(books, now.bad)) != now.rate:
        return Model(address, Kind.OTHER)
    return found


def again(known: Model, answers: Answers) -> Model | None:
    """The same model with the parameters that it has now; None where it does not answer them any more."""
    return known if known.kind is Kind.OTHER else _model(known.address, known.kind, answers)


def _model(address: ChecksumAddress, kind: Kind, answers: Answers) -> Model | None:
    """None where a getter is missing, and for slopes that fall: no wad holds them."""
    rows = dict(zip(GETTERS, answers, strict=True))
    words = [row[0] for row in (rows[name] for name in WORDS[kind]) if row is not None]
    if len(words) < len(WORDS[kind]) or min(words) < 0:
        return None
    if kind is Kind.TWO_KINKS:
        return Model(address, kind, kinks=TwoKinks(*words))
    base, slope, jump, kink = (*words, 0, None)[:4]
    return Model(address, kind, Curve(base, slope, jump, kink))
