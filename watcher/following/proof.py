"""The proof of a followed market: nobody is missing, by shares; and the contract says the same of those who were looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import numpy as np

from watcher.adapter import Accrued, Which
from watcher.book.screen import screen
from watcher.connection import Connection
from watcher.errors import WatcherError
from watcher.following.followed import Followed
from watcher.health.audit import Mismatch, compare
from watcher.model import BlockRef, PositionKey
from watcher.survey.coverage import Coverage, coverage
from watcher.units import WAD, Wad

SAMPLE: Final = 50  # positions of a market that are looked at whatever their health is
NEAR: Final = Wad(WAD * 11 // 10)
MOST: Final = 2_000  # positions near the line in one audit


@dataclass(frozen=True, slots=True)
class Audit:
    """`looked` positions were compared with the contract's own answers at the book's block. `silent` are those it has none for.

    `failure` says why it was not asked, or did not answer.
    """

    looked: int
    mismatches: Mapping[PositionKey, tuple[Mismatch, ...]]
    silent: tuple[PositionKey, ...] = ()
    failure: str | None = None

    @property
    def clean(self) -> bool:
        return self.failure is None and not self.mismatches and not self.silent


def covered(one: Followed) -> Coverage:
    """Debt shares of the book against the market's own totals, at its block."""
    return coverage(one.of, one.terms, one.quote, (held for _, held in one.book.holdings()))


def chosen(keys: Iterable[PositionKey], block: BlockRef, always: Iterable[PositionKey]) -> tuple[PositionKey, ...]:
    """`always`, and a random few of all: by the block's hash, so that a second look is at the same ones."""
    known = list(keys)
    some = Random(int(block.hash, 16)).sample(known, min(SAMPLE, len(known)))
    return tuple(dict.fromkeys((*always, *some)))


def endangered(one: Followed, near: Wad = NEAR) -> tuple[PositionKey, ...]:
    """Whoever may be below `near`, at most `MOST`, the most endangered first."""
    seen = screen(one.book, one.accrued())
    rows = np.flatnonzero(seen.owes & ~seen.unknown & ~seen.above(near))
    return tuple(one.book.keys[row] for row in rows[np.argsort(seen.health.low[rows])][:MOST].tolist())


async def audited(line: Connection, one: Followed, keys: tuple[PositionKey, ...]) -> Audit:
    """These positions at the book's block. What has no valuation is left out: it is unknown, and said to be.

    The book may be brought on meanwhile: what it held at the beginning is what is compared.
    """
    block, terms, quote = one.block, one.terms, one.quote
    held = {key: one.book.holding(one.book.row(key)) for key in keys}
    try:
        reported = await line.reader.run(one.of.reported(terms, keys), block)
    except WatcherError as error:
        return Audit(0, {}, failure=str(error))
    quotes: dict[Accrued, Any] = {}
    mismatches: dict[PositionKey, tuple[Mismatch, ...]] = {}
    silent: list[PositionKey] = []
    looked = 0
    for key in keys:
        said = reported.get(key)
        which = Which.ALL if said is None else said.which
        if which not in quotes:
            quotes[which] = one.of.accrue(terms, quote, block, which)
        try:
            ours = one.of.value(terms, quotes[which], held[key])
        except WatcherError:  # around one position
            continue
        if said is None:
            silent.append(key)
            continue
        looked += 1
        if found := compare(ours, said):
            mismatches[key] = found
    return Audit(looked, mismatches, tuple(silent))
