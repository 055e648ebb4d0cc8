"""A book of 200,000 accounts: a block to its verdict, what it weighs, and how its cost grows."""

from __future__ import annotations

import gc
import resource
from dataclasses import replace
from itertools import islice
from multiprocessing import get_context
from typing import Any

from tests.benchmarks.crowd import Crowd, crowd
from tests.benchmarks.row import Row, best, faster
from tests.benchmarks.screen import LINES
from watcher.adapter import Which
from watcher.adapters import adapter
from watcher.book.book import Book
from watcher.book.verdict import verdict
from watcher.model import Moment

ACCOUNTS, MOVED, SAMPLE, ROUNDS = 200_000, 200, 20_000, 3


def rows() -> list[Row]:
    found = crowd(ACCOUNTS)
    book = found.book()
    gc.collect()
    gc.freeze()
    taken = [(best(5, lambda: _block(found, book)), best(1, lambda: _sample(found))) for _ in range(ROUNDS)]
    gc.unfreeze()
    ours, sample = (min(column) for column in zip(*taken, strict=True))
    exact = sample * ACCOUNTS / SAMPLE
    return [
        faster(f"block to verdict, {ACCOUNTS:,} accounts, theirs from {SAMPLE:,}", "ms", ours * 1e3, exact * 1e3, 20),
        _growth(),
        _weight(),
    ]


def _block(found: Crowd, book: Book[Any, Any, Any]) -> None:
    """A new block: interest, every price, some accounts moved; then where everyone stands."""
    of = adapter("aave_v3")
    prices = {
        token.address: (price or 0) + 1 for token, price in zip(found.terms.assets, found.quote.prices, strict=True)
    }
    quote = of.reprice(found.terms, found.quote, prices)
    at = found.quote.at or Moment(0, 0)
    quote = of.accrue(found.terms, quote, replace(at, timestamp=at.timestamp + 12), Which.ALL)
    book.put(dict(islice(found.holdings.items(), MOVED)))
    verdict(book, quote, LINES)


def _sample(found: Crowd) -> None:
    value, terms, quote = adapter("aave_v3").value, found.terms, found.quote
    for holding in islice(found.holdings.values(), SAMPLE):
        value(terms, quote, holding)


def _growth() -> Row:
    """A block's cost at 20,000 accounts over that at 10,000."""
    small, large = crowd(10_000), crowd(20_000)
    books = small.book(), large.book()
    taken = [(best(10, lambda: _block(small, books[0])), best(10, lambda: _block(large, books[1]))) for _ in range(5)]
    less, more = (min(column) * 1e3 for column in zip(*taken, strict=True))
    return Row("block at 20,000 accounts over 10,000", "ms", more, less, more / less, 2.5, at_most=True)


def _weight() -> Row:
    """A process of its own, so that nothing but the book is in it."""
    with get_context("spawn").Pool(1) as pool:
        idle, full = pool.apply(_resident)
    return Row(f"book of {ACCOUNTS:,} over idle", "MB resident", full - idle, 400, full - idle, 400, at_most=True)


def _resident() -> tuple[float, float]:
    crowd(10).book()
    idle = _now()
    book = crowd(ACCOUNTS).book()
    full = _now()
    assert len(book) == ACCOUNTS
    return idle, full


def _now() -> float:
    """Resident megabytes now; the most that ever was, where the system does not tell."""
    gc.collect()
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123 - a file of the system
            return int(file.read().split()[1]) * resource.getpagesize() / 1e6
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
