"""What a run has written down, read back by another process: a block's figures recomputed from the stored words, changes, gaps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec.json import decode as decoded
from sqlalchemy import Connection, Table, select

from watcher.adapter import Position, Which
from watcher.adapters import adapter
from watcher.book.book import Book
from watcher.cycle import MarketCycle, Row
from watcher.errors import AnswerError
from watcher.following.followed import Followed
from watcher.health.audit import Mismatch
from watcher.health.status import read
from watcher.model import BlockRef, Doubt, DoubtKind, Market, PositionKey, Status, Transition
from watcher.store import outbox, recall, roll, trail
from watcher.store.entry import Missed
from watcher.store.facts import decode
from watcher.store.members import last_step
from watcher.store.open import Store, open_store
from watcher.store.roll import Place
from watcher.store.tables import CYCLE, HOLDING, MARKET, POSITION, QUOTE, READING, TERMS

AUDITS = (DoubtKind.MISMATCH, DoubtKind.UNAUDITED, DoubtKind.DISPUTED)


@dataclass(frozen=True, slots=True)
class Stored:
    """One chain in an open store. Nothing is written."""

    store: Store
    chain: int

    def tip(self) -> BlockRef | None:
        return recall.cursor(self.store, self.chain)

    def blocks(self) -> tuple[BlockRef, ...]:
        """Oldest first."""
        return recall.blocks(self.store, self.chain)[::-1]

    def gaps(self) -> tuple[Missed, ...]:
        return recall.gaps(self.store, self.chain)

    def transitions(self, *, orphaned: bool = False) -> tuple[Transition, ...]:
        return outbox.transitions(self.store, chain=self.chain, orphaned=orphaned)

    def cycles(self, block: BlockRef, owners: Collection[str]) -> tuple[MarketCycle, ...]:
        """Every market that was read at `block`, as the cycle had it: facts out of the store, figures computed anew from them.

        Rows are those of `owners`, whose keys are given in hex.

        What a row's mismatches say is how the stored figures differ from those, and what the run's own audit found.
        """
        return tuple(self._cycle(market, block, owners) for market in recall.markets(self.store, self.chain))

    def books(self, block: BlockRef) -> tuple[Followed, ...]:
        """The followed markets whose books stand at `block`, made of the stored words alone."""
        with self.store.read() as connection:
            return tuple(_book(connection, place, block) for place in _followed(connection, self.chain, block))

    def followed(self, block: BlockRef) -> int:
        """How many they are."""
        with self.store.read() as connection:
            return len(_followed(connection, self.chain, block))

    def _cycle(self, market: Market, block: BlockRef, owners: Collection[str]) -> MarketCycle:
        of, here = adapter(market.protocol), (MARKET.c.chain == self.chain, MARKET.c.name == market.name)
        with self.store.read() as connection:
            ran = connection.execute(
                select(CYCLE.c.error, MARKET.c.id).join(MARKET).where(*here, CYCLE.c.number == block.number)
            ).first()
            if ran is None or ran.error is not None:
                return MarketCycle(market, block, error=AnswerError("was not read" if ran is None else ran.error))
            found = select(READING, POSITION.c.key).join(POSITION)
            whose = POSITION.c.market_id == ran.id, POSITION.c.key.in_(owners)
            kept = connection.execute(
                found.where(*whose, READING.c.number == block.number).order_by(POSITION.c.id)
            ).all()
            terms = fact(connection, TERMS, of.terms_type, ran.id, block)
            stored = fact(connection, QUOTE, of.quote_type, ran.id, block)
            quote = of.accrue(terms, stored, block, Which.ALL)
            rows = []
            for row in kept:
                holding = fact(connection, HOLDING, of.holding_type, row.position_id, block)
                rows.append(_row(market, block, row, Position(of, terms, quote, holding)))
        return MarketCycle(market, block, terms, quote, stored, tuple(rows))


def opened(path: Path, chain: int) -> Stored:
    return Stored(open_store(path), chain)


def fact(connection: Connection, table: Table, kind: type, owner: int, block: BlockRef) -> Any:
    """What held at the block, by the table's last change up to it."""
    mark = trail.last(connection, table, owner, block.number)
    if mark is None:
        raise AnswerError(f"nothing of {table.name} {owner} is stored up to block {block.number}")
    return decode(kind, mark.body)


def _followed(connection: Connection, chain: int, block: BlockRef) -> tuple[Place, ...]:
    return tuple(
        place
        for place in roll.followed(connection)
        if place.market.chain == chain and last_step(connection, place.row, block.number) == block
    )


def _book(connection: Connection, place: Place, block: BlockRef) -> Followed:
    """Whoever has no stored holding is missing in it: coverage says so."""
    market, of = place.market, adapter(place.market.protocol)
    terms = fact(connection, TERMS, of.terms_type, place.row, block)
    quote = fact(connection, QUOTE, of.quote_type, place.row, block)
    held = {
        PositionKey(market.name, one.key): decode(of.holding_type, one.body)
        for one in roll.members(connection, place, block.number)
        if one.body is not None
    }
    return Followed(market, Book(market, of, terms, held), quote, block)


def _row(market: Market, block: BlockRef, kept: Any, position: Position[Any, Any, Any]) -> Row:
    """A stored reading as a row of a cycle: its status and doubts as they are stored, its figures computed anew."""
    of = PositionKey(market.name, bytes.fromhex(kept.key))
    reading = read(of, block, position)
    worth = reading.valuation
    figures = {
        name: (getattr(kept, name), None if worth is None else getattr(worth, name))
        for name in ("health", "collateral", "debt")
    }
    apart = [Mismatch(f"stored {name}", ours, theirs) for name, (ours, theirs) in figures.items() if ours != theirs]
    apart += [] if kept.exact else [Mismatch("exact", False, True)]
    doubts = () if kept.doubts is None else tuple(Doubt(*one) for one in decoded(kept.doubts, type=recall.DOUBTS))
    apart += [Mismatch(f"{doubt.kind} ({doubt.text})", True, False) for doubt in doubts if doubt.kind in AUDITS]
    return Row(market, position, replace(reading, status=Status(kept.status), doubts=doubts), True, tuple(apart))
