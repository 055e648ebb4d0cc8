"""Every member of a followed market, valued in exact integers at one past block after another; one block in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from watcher.adapter import Position, Which
from watcher.adapters import adapter
from watcher.health.status import read
from watcher.model import BlockRef, PositionKey, Reading, Status
from watcher.store import roll, trail
from watcher.store.facts import decode
from watcher.store.members import missing
from watcher.store.recall import Trail
from watcher.store.roll import Member, Place, Tick
from watcher.store.tables import QUOTE, TERMS


@dataclass(frozen=True, slots=True)
class Weighed:
    """One member at one time of the grid. `holding` is None where it is not known; the reading then says why."""

    tick: Tick
    reading: Reading
    holding: Any


@dataclass(slots=True)
class Crowd:
    """``for tick in …: yield from crowd.at(tick)``, in the order of time: what changed between two blocks is all that is read."""

    connection: Connection
    place: Place
    _members: dict[int, Member] = field(default_factory=dict)
    _holdings: dict[int, Any] = field(default_factory=dict)
    _trails: list[Trail] = field(default_factory=list)
    _block: BlockRef | None = None

    def at(self, tick: Tick) -> Iterator[Weighed]:
        """Everybody who is known to have owed by then; nobody before the market was followed."""
        if tick.block is None:
            return
        self._advance(tick.block)
        if tick.reason is not None:
            yield from (
                Weighed(tick, self._unknown(one, tick.block, tick.reason), None) for one in self._there(tick.block)
            )
            return
        of = adapter(self.place.market.protocol)
        terms, quote = (one.at(tick.block.number) for one in self._trails)
        accrued = of.accrue(terms, quote, tick.block, Which.ALL)
        doubted = roll.doubted(self.connection, self.place, tick.block.number)
        for one in self._there(tick.block):
            holding = self._holdings.get(one.row)
            if holding is None or one.row in doubted:
                why = missing(one.since, tick.block.number) if holding is None else "endpoints differed about it"
                yield Weighed(tick, self._unknown(one, tick.block, why), None)
                continue
            position = Position(of, terms, accrued, holding)
            yield Weighed(tick, read(self._key(one), tick.block, position), holding)

    def _there(self, block: BlockRef) -> Iterator[Member]:
        """Without who came later."""
        for one in self._members.values():
            if one.row in self._holdings or one.since is None or one.since <= block.number:
                yield one

    def _advance(self, block: BlockRef) -> None:
        of = adapter(self.place.market.protocol)
        if self._block is None:
            self._trails = [
                Trail(trail.walk(self.connection, table, self.place.row, block.number), kind)
                for table, kind in ((TERMS, of.terms_type), (QUOTE, of.quote_type))
            ]
            self._members = {one.row: one for one in roll.members(self.connection, self.place, block.number)}
            held = ((one.row, one.body) for one in self._members.values() if one.body is not None)
            self._holdings = {row: decode(of.holding_type, body) for row, body in held}
        else:
            for row, body in roll.moved(self.connection, self.place, self._block.number, block.number):
                if row in self._members:
                    self._holdings[row] = decode(of.holding_type, body)
        self._block = block

    def _key(self, one: Member) -> PositionKey:
        return PositionKey(self.place.market.name, one.key)

    def _unknown(self, one: Member, block: BlockRef, reason: str) -> Reading:
        return Reading(self._key(one), block, Status.UNKNOWN, None, reason)
