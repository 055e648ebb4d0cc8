"""The stretch of a position out of the store: the facts of every block at which it was read, or at which its market was followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from typing import Any, Final, TypeAlias

from sqlalchemy import select

from watcher.adapters import adapter
from watcher.causes.stretch import Known, Stretch, Unread, cut
from watcher.cli.history.at import at_block, block_at
from watcher.cli.history.course import Place
from watcher.model import BlockRef
from watcher.store import recall
from watcher.store.members import stood_course
from watcher.store.open import Store
from watcher.store.tables import BLOCK

SOURCE: Final = "store"
Fact: TypeAlias = tuple[BlockRef, Any, Any, Any]  # terms, quote as stored, holding


@dataclass(frozen=True, slots=True)
class Wanted:
    """A block by its number or its time (Unix seconds); neither: the newest that is stored."""

    number: int | None = None
    time: int | None = None

    def block(self, store: Store, chain: int) -> int | None:
        """Its number, or None where no stored block says."""
        if self.number is not None:
            return self.number
        if self.time is not None:
            return block_at(store, chain, self.time)
        found = recall.blocks(store, chain)
        return found[0].number if found else None


def stretch(store: Store, place: Place, begin: Wanted, end: Wanted) -> Stretch | Unread:
    """From what was known at the first wanted block to what was known at the last one; or why the store does not say."""
    ends: list[int] = []
    for wanted in (begin, end):
        number = wanted.block(store, place.market.chain)
        seen = "no stored block says how it was then" if number is None else at_block(store, place, number)
        if isinstance(seen, str):
            return Unread(place.market.name, f"{seen}{_earliest(store, place)}")
        ends.append(seen.kept.block.number)
    first, last = ends
    if first >= last:
        return Unread(
            place.market.name, f"the store has nothing new of it between the two ends, which are both block {first}"
        )
    return Stretch(
        place.market, place.key, cut(_known(store, place, first, last)), SOURCE, _unwatched(store, place, first, last)
    )


def _known(store: Store, place: Place, first: int, last: int) -> Iterator[Known]:
    """Every block from `first` to `last` at which its facts are known, in order."""
    of = adapter(place.market.protocol)
    with store.read() as connection:
        here = (BLOCK.c.chain == place.market.chain, BLOCK.c.number == first)
        since = connection.execute(select(BLOCK.c.timestamp).where(*here)).scalar_one()
    read: Iterator[Fact] = (
        (one.kept.block, one.terms, one.quote, one.holding)
        for one in recall.course(store, of, place.market, place.key, since)
    )
    stood: Iterator[Fact] = (
        (one.block, one.terms, one.quote, one.holding)
        for one in stood_course(store, of, place.market, place.key, since)
    )
    before = first - 1
    for block, terms, quote, holding in merge(read, stood, key=lambda one: one[0].number):
        if block.number > last:
            return
        if block.number > before:
            yield Known(block, terms, quote, holding, before)
            before = block.number


def _unwatched(store: Store, place: Place, first: int, last: int) -> tuple[str, ...]:
    return tuple(
        f"nobody watched blocks {gap.first} to {gap.last}: what happened there is one piece"
        for gap in recall.gaps(store, place.market.chain)
        if gap.last > first and gap.first < last
    )


def _earliest(store: Store, place: Place) -> str:
    """Where the store's knowledge of it begins."""
    of = adapter(place.market.protocol)
    read = next(recall.course(store, of, place.market, place.key), None)
    stood = next(stood_course(store, of, place.market, place.key), None)
    known = [*([] if read is None else [read.kept.block.number]), *([] if stood is None else [stood.block.number])]
    return f"; the earliest block that the store has of it is {min(known)}" if known else ""
