"""The standing proof of a followed market: that nobody is missing, and that the contract says of some positions what we say."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from watcher.adapter import Reported
from watcher.book.screen import screen
from watcher.connection import Connection
from watcher.errors import WatcherError
from watcher.following.followed import Followed
from watcher.health.audit import Mismatch, compare
from watcher.model import BlockRef, PositionKey
from watcher.survey.coverage import Coverage, coverage
from watcher.units import WAD, Wad

SAMPLE: Final = 100  # positions taken by chance, beside those near the line
NEAR: Final = Wad(WAD * 11 // 10)
MOST: Final = 2_000  # of those near the line; the most endangered first


@dataclass(frozen=True, slots=True)
class Sampled:
    """`mismatches` are the figures that differ, by position; `unread` positions are those that the contract gave no answer for."""

    block: BlockRef
    looked: int
    mismatches: Mapping[PositionKey, tuple[Mismatch, ...]]
    unread: int

    @property
    def exact(self) -> bool:
        return not self.mismatches and not self.unread


def covered(followed: Followed) -> Coverage:
    """What the book owes against the market's own totals of the same block; nothing is asked."""
    holdings = (held for _, held in followed.book.holdings())
    return coverage(followed.of, followed.terms, followed.quote, holdings)


def chosen(followed: Followed, near: Wad = NEAR, sample: int = SAMPLE) -> tuple[PositionKey, ...]:
    """Who may be below `near`, the most endangered first, and some others; the same at the same block."""
    book = followed.book
    seen = screen(book, followed.accrued())
    endangered = np.flatnonzero(seen.owes & ~seen.unknown & ~seen.above(near))
    first = endangered[np.argsort(seen.health.low[endangered])][:MOST].tolist()
    rest = sorted(set(np.flatnonzero(seen.owes).tolist()) - set(first))
    chance = random.Random(followed.block.hash)
    return tuple(book.keys[row] for row in (*first, *chance.sample(rest, min(sample, len(rest)))))


async def sampled(line: Connection, followed: Followed, keys: tuple[PositionKey, ...]) -> Sampled:
    """The contract's own answer for these positions at the book's block, figure by figure. Raises `ChainError` where none is given."""
    of, block = followed.of, followed.block
    said: Mapping[PositionKey, Reported] = await line.reader.run(of.reported(followed.terms, keys), block)
    wrong: dict[PositionKey, tuple[Mismatch, ...]] = {}
    unread = 0
    quotes: dict[Any, Any] = {}
    for key in keys:
        reported = said.get(key)
        if reported is None:
            unread += 1
            continue
        quote = quotes.get(reported.which)
        if quote is None:
            quote = quotes[reported.which] = of.accrue(followed.terms, followed.quote, block, reported.which)
        try:
            worth = of.value(followed.terms, quote, followed.book.holding(followed.book.row(key)))
        except WatcherError:  # around one position: it is unknown, which is no agreement
            unread += 1
            continue
        different = compare(worth, reported)
        if different:
            wrong[key] = different
    return Sampled(block, len(keys), wrong, unread)
