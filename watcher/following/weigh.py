"""What a step of a followed market comes to: who is in which band by the screen and exact integers, and who changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from watcher.adapter import Position
from watcher.book.book import Book
from watcher.book.entries import Bools, Places
from watcher.book.loops import loops
from watcher.book.screen import screen
from watcher.book.verdict import Lines, Verdict, judged
from watcher.following.followed import Followed
from watcher.following.stages import stage
from watcher.following.steps import LIQUIDATABLE, NO_DEBT, Steps, steps
from watcher.health.bands import LADDER, Bands, cleared, level, reaches
from watcher.health.correlated import Group
from watcher.health.fold import step
from watcher.health.status import read
from watcher.model import PositionKey, Reading, Sighting, Status, Transition
from watcher.store.entry import Entry, Seen

UNKNOWN: Final = -1
SAFE: Final = LADDER.index(Status.SAFE)

Choose = Callable[[int, bool], Bands]  # by e-mode, and whether all of a position moves together


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """Every row's place on the ladder by itself, and the best that it may rise to; -1 where it is unknown."""

    verdict: Verdict
    status: NDArray[np.int8]
    clears: NDArray[np.int8]
    bands: tuple[Bands, ...]
    of: Places  # which of the bands are each row's


@dataclass(frozen=True, slots=True)
class Told:
    """What is written down of a step: the market's facts, the readings of who moved or changed, and the changes."""

    entry: Entry
    transitions: tuple[Transition, ...]


@dataclass(slots=True)
class Scale:
    """How a market's positions are judged: by level alone. `alert` is the band from which a change is told, None for nobody.

    The clock of correlated positions belongs to wallets. `apart` are positions that are watched as wallets and judged there.
    """

    choose: Choose
    groups: tuple[Group, ...] = ()  # of tokens whose prices move together
    by_mode: bool = False  # whether the bands hang on the e-mode at all
    alert: Status | None = None
    apart: Collection[bytes] = ()
    _known: dict[Bands, Steps] = field(default_factory=dict)

    def ranks(self, book: Book[Any, Any, Any], quote: Any) -> Ranks:
        """All positions under an accrued quote."""
        with stage("screen"):
            seen = screen(book, quote)
            kinds, of = self._kinds(book, loops(book, quote, seen, self.groups) >= 0)
        sets = [self._known.setdefault(bands, steps(bands)) for bands in kinds]
        with stage("exact"):
            found = judged(book, quote, Lines(tuple(one.lines for one in sets), of), seen)
        width = 1 + max(len(one.lines) for one in sets)
        tables = np.zeros((2, len(sets), width), np.int8)
        for place, one in enumerate(sets):
            tables[0, place, : len(one.status)], tables[1, place, : len(one.clears)] = one.status, one.clears
        status, clears = (table[of, np.maximum(found.level, 0)] for table in tables)
        for ranks in (status, clears):
            ranks[~found.owes] = NO_DEBT
            ranks[found.liquidatable] = LIQUIDATABLE
            ranks[found.unknown] = UNKNOWN
        return Ranks(found, status, clears, tuple(kinds), of)

    def _kinds(self, book: Book[Any, Any, Any], together: Bools) -> tuple[list[Bands], Places]:
        """The bands in use, and each row's place among them."""
        pairs = self._modes(book) * 2 + together
        kinds: dict[Bands, int] = {}
        of = np.zeros(len(book), np.intp)
        for pair in np.unique(pairs).tolist():
            bands = self.choose(pair // 2, bool(pair % 2))
            of[pairs == pair] = kinds.setdefault(bands, len(kinds))
        return list(kinds) or [self.choose(0, False)], of

    def _modes(self, book: Book[Any, Any, Any]) -> Places:
        mode = book.adapter.mode
        if not self.by_mode or mode is None:
            return np.zeros(len(book), np.intp)
        return np.fromiter((mode(held) for _, held in book.holdings()), np.intp, len(book))

    def told(self, followed: Followed, moved: Iterable[PositionKey], read_at: int, *, confirmed: bool) -> Told:
        """The step that was taken last, weighed. Standings move with it; `Followed.back` undoes that too."""
        quote = followed.accrued()
        ranks = self.ranks(followed.book, quote)
        weighing = _Weighing(followed, quote, ranks, read_at, confirmed)
        changes: list[Transition] = []
        keys = dict.fromkeys(moved)
        for row in self._restless(followed, ranks).tolist():
            key = followed.book.keys[row]
            seen = weighing.sighting(key, row)
            before = followed.standing(key)
            standing, made = step(before, seen)
            if made and before is not None and before.status is not Status.UNKNOWN:
                standing, made = step(replace(before, health=followed.health(key)), seen)
            followed.stand(key, standing)
            changes.extend(self._due(change) for change in made)
            keys[key] = None
        followed.told = True
        return Told(weighing.entry(keys), tuple(changes))

    def _restless(self, followed: Followed, ranks: Ranks) -> Places:
        """Rows whose standing may change: worse, better, unknown, or on the way up."""
        stood = np.full(len(followed.book), SAFE, np.int8)
        stood[~ranks.verdict.owes] = NO_DEBT
        wait = np.zeros(len(followed.book), np.bool_)
        for key, standing in followed.standings.items():
            row = followed.book.row(key)
            stood[row] = UNKNOWN if standing.status is Status.UNKNOWN else LADDER.index(standing.status)
            wait[row] = bool(standing.rising)
        for key in self._apart(followed.book):
            wait[row := followed.book.row(key)] = False
            stood[row] = ranks.status[row]
        changed = (ranks.status > stood) | (ranks.clears < stood) | (stood == UNKNOWN) | (ranks.status == UNKNOWN)
        return np.flatnonzero(changed | wait)

    def _apart(self, book: Book[Any, Any, Any]) -> Iterable[PositionKey]:
        keys = (PositionKey(book.market.name, key) for key in self.apart)
        return [key for key in keys if key in book]

    def _due(self, change: Transition) -> Transition:
        """Told only where somebody asked for the band that it enters or leaves."""
        if self.alert is None:
            return replace(change, due=None)
        about = (one for one in (change.before, change.after) if one is not None)
        wanted = any(one is Status.UNKNOWN or reaches(one, self.alert) for one in about)
        return change if wanted else replace(change, due=None)


@dataclass(frozen=True, slots=True)
class _Weighing:
    followed: Followed
    quote: Any  # accrued
    ranks: Ranks
    read_at: int
    confirmed: bool
    seen: dict[PositionKey, tuple[Reading, Sighting]] = field(default_factory=dict)

    def reading(self, key: PositionKey, row: int) -> Reading:
        """In exact integers, under its own bands."""
        book = self.followed.book
        position = Position(book.adapter, book.terms, self.quote, book.holding(row))
        found = read(key, self.followed.block, position)
        if found.valuation is None:
            return found
        return replace(found, status=level(found.valuation, self._bands(row)))

    def sighting(self, key: PositionKey, row: int) -> Sighting:
        return self._seen(key, row)[1]

    def _seen(self, key: PositionKey, row: int) -> tuple[Reading, Sighting]:
        if key not in self.seen:
            self.seen[key] = self._sighted(key, row)
        return self.seen[key]

    def _sighted(self, key: PositionKey, row: int) -> tuple[Reading, Sighting]:
        found = self.reading(key, row)
        worth = found.valuation
        clears = None if worth is None else cleared(worth, self._bands(row))
        health = None if worth is None else worth.health
        return found, Sighting(
            key, found.block, self.read_at, found.status, clears, health, self.confirmed, found.reason
        )

    def _bands(self, row: int) -> Bands:
        return self.ranks.bands[int(self.ranks.of[row])]

    def entry(self, keys: Mapping[PositionKey, None]) -> Entry:
        """The market's facts, and these positions with what they hold."""
        book, seen = self.followed.book, []
        for key in keys:
            row = book.row(key)
            reading, sighting = self._seen(key, row)
            seen.append(Seen(reading, book.holding(row), sighting))
        one = self.followed
        return Entry(one.market, book.terms, one.quote, tuple(seen), followed=True, joined=one.joined)
