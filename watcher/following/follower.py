"""The followed markets of one chain: brought to the same block as its wallets, written in the same transaction, taken back with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from watcher.connection import Pin
from watcher.errors import AnswerError, BlockChanged, ChainError, Transient, WatcherError
from watcher.following.followed import Followed
from watcher.following.stages import stage
from watcher.following.stride import Stride, leads, stride, words
from watcher.following.weigh import Scale
from watcher.health.fold import Standing
from watcher.model import BlockRef, PositionKey, Status, Transition
from watcher.search import Windows
from watcher.store.entry import Entry

PATIENCE: Final = 12.0  # seconds for one market's step: wallets wait for it
Strides: TypeAlias = Mapping[str, Stride | WatcherError]


@dataclass(frozen=True, slots=True)
class Weighed:
    """One block of all followed markets. `failed` are those that stay where they were; the next step brings them on."""

    entries: tuple[Entry, ...] = ()
    transitions: tuple[Transition, ...] = ()
    failed: tuple[str, ...] = ()
    moved: int | None = None  # None where no market is followed


@dataclass(slots=True)
class Follower:
    """``strides = await follower.read(pin)``, ``weighed = follower.weigh(strides, …)``, then `keep` once it is written, else `back`.

    `scales` has every market that is to be followed, `markets` those that are open.
    """

    scales: Mapping[str, Scale] = field(default_factory=dict)
    windows: Windows = field(default_factory=dict)
    markets: dict[str, Followed] = field(default_factory=dict)
    _taken: list[Followed] = field(default_factory=list)

    @property
    def missing(self) -> tuple[str, ...]:
        """Markets that are to be followed and are not open yet, or not any more."""
        return tuple(name for name in self.scales if name not in self.markets)

    def add(self, one: Followed) -> None:
        """Another market, that stands at a block of its own; the next step brings it to the others."""
        self.markets[one.market.name] = one

    def standing(self, key: PositionKey) -> Standing | None:
        """How a position of an open market stands; None for one that is in no book."""
        one = self.markets.get(key.market)
        if one is None or key not in one.book:
            return None
        known = one.standings.get(key)
        return Standing(Status.SAFE, None, one.block.hash) if known is None else known

    async def read(self, pin: Pin) -> Strides:
        """Every market's step to the pinned block, or why there is none. `BlockChanged` where the block is gone.

        One that was opened at a block which the chain has taken back since is left out from now on: open it again.
        """
        head = pin.block.number
        for one in [one for one in self.markets.values() if not one.undone and one.block.number <= head]:
            if not await leads(pin.line, one.block, pin.block):
                del self.markets[one.market.name]
        asked = [
            one for one in self.markets.values() if one.block.number < head or (one.block == pin.block and not one.told)
        ]
        found = await asyncio.gather(*(self._read(one, pin) for one in asked))
        return {one.market.name: answer for one, answer in zip(asked, found, strict=True)}

    async def _read(self, one: Followed, pin: Pin) -> Stride | WatcherError:
        try:
            async with asyncio.timeout(PATIENCE):
                step = await stride(
                    pin.line, one.market, one.of, one.terms, one.book.keys, one.heard, pin.block, self.windows
                )
                with stage("second endpoint"):
                    await self._confirmed(one, step, pin)
        except BlockChanged:
            one.heard.forget()
            raise
        except TimeoutError:
            behind = pin.block.number - one.heard.upto
            return Transient(pin.line.chain.name, f"{one.market.name}: {behind} blocks of logs are still to be read")
        except WatcherError as error:  # around one market: the others go on
            return error
        return step

    async def _confirmed(self, one: Followed, step: Stride, pin: Pin) -> None:
        """What decides for everybody is asked of a second holder of the block, where there is one. `AnswerError` where it differs."""
        for other in pin.holders[1:2]:
            try:
                terms, quote = await words(pin.line.through(other), one.of, one.market, step)
            except ChainError:
                return  # it has nothing to say against it
            if (terms, quote) != (step.terms, step.quote):
                raise AnswerError(
                    f"{pin.holders[0]} and {other} differ about {one.market.name} at block {step.block.number}"
                )

    def weigh(self, strides: Strides, head: BlockRef, read_at: int, *, confirmed: bool) -> Weighed:
        """The steps taken and weighed. Nothing is certain before it is written: then `keep`, else `back`."""
        entries: list[Entry] = []
        changes: list[Transition] = []
        failed: list[str] = []
        moved = 0 if self.scales else None
        for name, step in strides.items():
            one = self.markets[name]
            if isinstance(step, WatcherError):
                failed.append(name)
                entries.append(Entry(one.market, error=step))
                continue
            keys = one.take(step)
            self._taken.append(one)
            with stage("weighing, screen and exact included"):
                told = self.scales[name].told(one, keys, read_at, confirmed=confirmed)
            entries.append(told.entry)
            changes.extend(told.transitions)
            moved = (moved or 0) + len(keys)
        return Weighed(tuple(entries), tuple(changes), tuple(failed), moved)

    def keep(self) -> None:
        """What was weighed last is written."""
        self._taken.clear()

    def back(self) -> None:
        """What was weighed last could not be written: as if it had not been read."""
        while self._taken:
            self._taken.pop().back()

    def rolled_back(self, above: int) -> tuple[str, ...]:
        """Without the blocks after number `above`. The markets that memory cannot bring back are left out and named: open them again."""
        lost = [name for name, one in self.markets.items() if not one.rolled_back(above)]
        for name in lost:
            del self.markets[name]
        return tuple(lost)


def agreeing(strides: Strides, wallets: Mapping[str, tuple[Any, Any]]) -> Strides:
    """The steps whose terms and stored quote are those that the wallets of the same market were read under at the same block.

    The others failed: what decides for everybody is not to be two things at once.
    """
    return {
        name: AnswerError(f"{name} was read twice at block {step.block.number}, with different answers")
        if isinstance(step, Stride) and wallets.get(name, (step.terms, step.quote)) != (step.terms, step.quote)
        else step
        for name, step in strides.items()
    }


def merged(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """One entry for each market: what wallets hold beside what everybody moved, the facts being those of the same block."""
    found: dict[str, Entry] = {}
    for entry in entries:
        known = found.get(entry.market.name)
        found[entry.market.name] = entry if known is None else _both(known, entry)
    return tuple(found.values())


def _both(one: Entry, other: Entry) -> Entry:
    """The facts of the one that has any; where both have some, they are the same."""
    if one.error is not None:
        return other
    if other.error is not None:
        return one
    known = {each.reading.key for each in one.seen}
    more = (each for each in other.seen if each.reading.key not in known)
    return replace(
        one, seen=(*one.seen, *more), followed=one.followed or other.followed, joined=(*one.joined, *other.joined)
    )
