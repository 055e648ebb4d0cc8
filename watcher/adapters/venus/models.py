"""Rate models by how they answer: one kink, two kinks, or another make, whose rate can be read and not foretold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.errors import AnswerError
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import Curve, TwoKinks, rate, twice_kinked, utilisation
from watcher.query import Query, Read, Rows, ask, each

_ONE: Final = ("baseRatePerBlock", "multiplierPerBlock", "jumpMultiplierPerBlock", "kink", "blocksPerYear")
_TWO: Final = (
    "BASE_RATE_PER_BLOCK",
    "MULTIPLIER_PER_BLOCK",
    "KINK_1",
    "BASE_RATE_2_PER_BLOCK",
    "MULTIPLIER_2_PER_BLOCK",
    "KINK_2",
    "JUMP_MULTIPLIER_PER_BLOCK",
    "BLOCKS_PER_YEAR",
)


@dataclass(frozen=True, slots=True)
class Model:
    """`year` is how many blocks it counts in one."""

    year: int
    curve: Curve | None
    kinks: TwoKinks | None


@dataclass(frozen=True, slots=True)
class Found:
    """`beside` are the answers to what else was asked."""

    models: tuple[Model, ...]
    beside: tuple[Rows, ...]


def models(
    addresses: Sequence[ChecksumAddress], pools: Sequence[Pool], rates: Sequence[int | None], beside: Sequence[Read]
) -> Query[Found]:
    """One round trip. A curve counts as known if it explains the rate that its vToken answers for its books as they are."""
    answers = yield from ask(
        *(each(f"venus/model.{name}", addresses, optional=True) for name in (*_ONE, *_TWO)), *beside
    )
    size = len(_ONE) + len(_TWO)
    found = tuple(
        _model(address, [column[place] for column in answers[:size]], pool, paid)
        for place, (address, pool, paid) in enumerate(zip(addresses, pools, rates, strict=True))
    )
    return Found(found, answers[size:])


def _model(address: ChecksumAddress, rows: Sequence[tuple[Any] | None], pool: Pool, paid: int | None) -> Model:
    words = [row[0] if row else None for row in rows]
    *one, year = words[: len(_ONE)]
    *two, long_year = words[len(_ONE) :]
    blocks = year or long_year
    if not blocks:
        raise AnswerError(f"the rate model {address} does not tell its blocks of a year")
    used = utilisation(pool)
    base, slope, jump, kink = one
    curve = (
        None
        if base is None or slope is None or (jump is None) != (kink is None)
        else Curve(base, slope, jump or 0, kink)
    )
    if curve is not None and rate(curve, used) == paid:
        return Model(blocks, curve, None)
    whole = [word for word in two if word is not None and word >= 0]
    kinks = TwoKinks(*whole) if len(whole) == len(two) else None
    return Model(blocks, None, kinks if kinks is not None and twice_kinked(kinks, used) == paid else None)
