"""The columns of a book under a quote, as floats: each made by one correctly rounded division of exact integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watcher.adapter import Factor, H, Q, Ratio, T
from watcher.book.book import Book
from watcher.book.entries import Bools, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Quoted:
    """`value`, `grain` and `spread` of one stored unit of each column, in the valuation's unit, and 0 for nothing at the end.

    A column without a price is NaN and `missing`. `strained` columns have an amount that the contract's products may not hold: `limit`
    is what they surely do.
    """

    value: Floats
    grain: Floats
    spread: Floats
    missing: Bools
    strained: Bools
    limit: Floats


def quoted(book: Book[T, Q, H], quote: Q) -> Quoted:
    """The columns under an accrued quote."""
    linear = book.adapter.linear
    found = linear.factors(book.terms, quote) if linear else ()
    pairs = list(zip(found, book.largest, strict=True))
    return Quoted(
        value=np.array([*(_float(factor.value if factor else None) for factor in found), 0.0]),
        grain=np.array([*(_float(factor.grain if factor else None) for factor in found), 0.0]),
        spread=np.array([*(_float(factor.spread if factor else None) for factor in found), 0.0]),
        missing=np.array([*(factor is None for factor in found), False]),
        strained=np.array([*(factor is not None and most > factor.limit for factor, most in pairs), False]),
        limit=np.array([*(_limit(factor) for factor in found), np.inf]),
    )


def _float(ratio: Ratio | None) -> float:
    """NaN for what is missing, inf beyond the floats: neither ever decides."""
    if ratio is None:
        return np.nan
    above, below = ratio
    try:
        return above / below
    except OverflowError:
        return np.inf


def _limit(factor: Factor | None) -> float:
    """Rounded down by more than the division could round up."""
    return np.nan if factor is None else float(min(factor.limit, 2**256)) * (1 - 2**-50)
