"""What a run has written down, read back by another process: a block's figures recomputed from the stored words, changes, gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from watcher.adapter import Position, Which
from watcher.adapters import adapter
from watcher.cycle import MarketCycle, Row
from watcher.errors import AnswerError
from watcher.health.audit import Mismatch
from watcher.health.status import read
from watcher.model import BlockRef, DoubtKind, Market, PositionKey, Transition, Valuation
from watcher.store import outbox, recall
from watcher.store.entry import Missed
from watcher.store.open import Store, open_store
from watcher.store.recall import Recalled
from watcher.store.tables import CYCLE, MARKET, POSITION, READING

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

    def cycles(self, block: BlockRef) -> tuple[MarketCycle, ...]:
        """Every market that was read at `block`, as the cycle had it: facts out of the store, figures computed anew from them.

        What a row's mismatches say is how the stored figures differ from those, and what the run's own audit found.
        """
        return tuple(self._cycle(market, block) for market in recall.markets(self.store, self.chain))

    def _cycle(self, market: Market, block: BlockRef) -> MarketCycle:
        here = (MARKET.c.chain == self.chain, MARKET.c.name == market.name)
        with self.store.read() as connection:
            ran = connection.execute(
                select(CYCLE.c.error).join(MARKET).where(*here, CYCLE.c.number == block.number)
            ).first()
            keys = connection.scalars(
                select(POSITION.c.key)
                .join(MARKET)
                .join(READING, READING.c.position_id == POSITION.c.id)
                .where(*here, READING.c.number == block.number)
                .order_by(POSITION.c.id)
            ).all()
        if ran is None or ran.error is not None:
            return MarketCycle(market, block, error=AnswerError("was not read" if ran is None else ran.error))
        of = adapter(market.protocol)
        found = [recall.facts_at(self.store, of, market, key(market, one), block.number) for one in keys]
        exact = [one for one in found if one is not None and one.kept.block == block]
        if not exact:
            return MarketCycle(market, block)
        quote = of.accrue(exact[0].terms, exact[0].quote, block, Which.ALL)
        rows = tuple(_row(market, one, Position(of, one.terms, quote, one.holding)) for one in exact)
        return MarketCycle(market, block, exact[0].terms, quote, exact[0].quote, rows)


def opened(path: Path, chain: int) -> Stored:
    return Stored(open_store(path), chain)


def key(market: Market, text: str) -> PositionKey:
    return PositionKey(market.name, bytes.fromhex(text))


def _row(market: Market, found: Recalled[Any, Any, Any], position: Position[Any, Any, Any]) -> Row:
    kept = found.kept
    reading = read(kept.key, kept.block, position)
    mismatches = tuple(_mismatches(found, reading.valuation))
    return Row(market, position, replace(reading, status=kept.status, doubts=kept.doubts), True, mismatches)


def _mismatches(found: Recalled[Any, Any, Any], worth: Valuation | None) -> Iterator[Mismatch]:
    kept = found.kept
    for name in ("health", "collateral", "debt"):
        ours = None if worth is None else getattr(worth, name)
        if getattr(kept, name) != ours:
            yield Mismatch(f"stored {name}", getattr(kept, name), ours)
    for doubt in kept.doubts:
        if doubt.kind in AUDITS:
            yield Mismatch(f"{doubt.kind} ({doubt.text})", True, False)
