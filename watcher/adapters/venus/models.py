"""Rate models by how they answer: one kink, two kinks, or another make, whose rate can be read and not foretold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.errors import AnswerError
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import Curve, TwoKinks, rate, twice_kinked, utilisation
from watcher.query import Read, Rows, each

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


def model_reads(addresses: Sequence[ChecksumAddress]) -> tuple[Read, ...]:
    """What `models` takes back: each kind has getters that the other lacks."""
    return tuple(each(f"venus/model.{name}", addresses, optional=True) for name in (*_ONE, *_TWO))


def models(
    addresses: Sequence[ChecksumAddress],
    answers: Sequence[Rows],
    pools: Sequence[Pool],
    rates: Sequence[int | None],
) -> tuple[Model, ...]:
    """A curve counts as known if it explains the rate that its vToken answers for its books as they are.

    A model that does not tell its blocks of a year counts them as the first that does; `AnswerError` where none does.
    """
    columns = [[column[place] for column in answers] for place in range(len(addresses))]
    years = [_year(rows) for rows in columns]
    usual = next((year for year in years if year), None)
    if usual is None:
        raise AnswerError(f"no rate model tells its blocks of a year, {addresses[0]} for one")
    return tuple(
        _model(rows, year or usual, pool, paid)
        for rows, year, pool, paid in zip(columns, years, pools, rates, strict=True)
    )


def _year(rows: Sequence[tuple[Any] | None]) -> int | None:
    told = rows[len(_ONE) - 1] or rows[-1]
    return told[0] if told else None


def _model(rows: Sequence[tuple[Any] | None], year: int, pool: Pool, paid: int | None) -> Model:
    words = [row[0] if row else None for row in rows]
    used = utilisation(pool)
    base, slope, jump, kink = words[: len(_ONE) - 1]
    curve = None
    if base is not None and slope is not None and (jump is None) == (kink is None):
        curve = Curve(base, slope, jump or 0, kink)
    if curve is not None and rate(curve, used) == paid:
        return Model(year, curve, None)
    whole = [word for word in words[len(_ONE) : -1] if word is not None and word >= 0]
    kinks = TwoKinks(*whole) if len(whole) == len(_TWO) - 1 else None
    return Model(year, None, kinks if kinks is not None and twice_kinked(kinks, used) == paid else None)
