"""What must hold of the store whatever happened: each is checked against the scripted chain, which the watcher knows only by asking."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import func, select

from tests.simulation.loan import WORSE, Loan
from tests.simulation.world import BLOCK_TIME, Made, World
from watcher.adapter import Which
from watcher.adapters import adapter
from watcher.errors import WatcherError
from watcher.health.bands import LADDER
from watcher.health.fold import fold
from watcher.model import BlockRef, DoubtKind, Market, PositionKey, Sighting, Status, Transition
from watcher.store import outbox, recall
from watcher.store.open import Store
from watcher.store.tables import BLOCK, CYCLE, DELIVERY, HOLDING, QUOTE, READING, TERMS

CHAIN: Final = 1
ROWS: Final = """
    SELECT m.name, r.status, r.health, r.debt, r.confirmed, r.exact, r.doubts
    FROM reading r JOIN position p ON p.id = r.position_id JOIN market m ON m.id = p.market_id
    WHERE r.number = ?
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A stored reading as the table holds it."""

    status: Status
    health: int | None
    debt: int | None
    confirmed: bool
    exact: bool
    disputed: bool


@dataclass(slots=True)
class Witness:
    """`markets` in the order of the world's loans; `keys` are the positions that are watched there."""

    world: World
    markets: Sequence[Market]
    keys: Sequence[PositionKey]
    channels: Sequence[str]
    seen: int = 0  # readings that were compared when they were recorded
    lone: int = 0  # of them, unconfirmed ones that repeat the lie of the only endpoint that answered
    disputed: int = 0  # of them, without a majority
    _tip: str = field(default="", repr=False)

    def newly(self, path: Path) -> None:
        """The newest recorded block, compared as soon as it is there. The table is read past the program's own code."""
        file = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            tip = file.execute("SELECT number, hash FROM cursor WHERE chain = ?", (CHAIN,)).fetchone()
            if tip is None or tip[1] == self._tip:
                return
            number, self._tip = tip
            names = [market.name for market in self.markets]
            for name, status, *amounts, confirmed, exact, doubts in file.execute(ROWS, (number,)).fetchall():
                kinds = [kind for kind, _ in json.loads(doubts or "[]")]
                health, debt = (None if amount is None else int(amount) for amount in amounts)
                shown = Shown(
                    Status(status), health, debt, bool(confirmed), bool(exact), DoubtKind.DISPUTED.value in kinds
                )
                self.seen += 1
                self.true(shown, self.world.made[self._tip], names.index(name))
        finally:
            file.close()

    def lately(self, store: Store, head: BlockRef | None, back: int) -> None:
        """The newest `back` blocks. `head` is the block that the watcher has just seen, None where it saw none."""
        tip = recall.cursor(store, CHAIN)
        if tip is not None:
            self._checked(store, head, max(0, tip.number - back), tip.number)

    def wholly(self, store: Store, head: BlockRef | None) -> None:
        """Everything that is stored."""
        tip = recall.cursor(store, CHAIN)
        if tip is not None:
            self._checked(store, head, 0, tip.number)
            self.tied(store)
            self.told(store)
            for place in range(len(self.keys)):
                self.folded(store, self.keys[place])

    def _checked(self, store: Store, head: BlockRef | None, since: int, tip: int) -> None:
        blocks = recall.blocks(store, CHAIN, since)[::-1]
        assert blocks, "the cursor stands at a block that is not stored"
        assert blocks[-1].number == tip, "the cursor is not the newest stored block"
        self.linked(blocks)
        self.missed(store, blocks)
        if head is not None:
            for block in blocks:
                assert block.number > head.number or self.world.canonical(block.hash), f"{block} is not on the chain"
        for place, (market, key) in enumerate(zip(self.markets, self.keys, strict=True)):
            self.again(store, place, market, key, blocks[0].timestamp)

    def linked(self, blocks: Sequence[BlockRef]) -> None:
        """Each stored block descends from the one stored before it, also while the chain is elsewhere."""
        for below, above in pairwise(blocks):
            made: Made | None = self.world.made[above.hash]
            while made is not None and made.number > below.number:
                made = self.world.made.get(made.parent)
            assert made is not None, f"{above} has no ancestor {below.number}"
            assert made.hash == below.hash, f"{above} does not descend from {below}"

    def missed(self, store: Store, blocks: Sequence[BlockRef]) -> None:
        """Blocks between two that were read are in a gap, where as much time of the chain lies between as two of its blocks take."""
        gaps = recall.gaps(store, CHAIN)
        for below, above in pairwise(blocks):
            if above.timestamp - below.timestamp < 2 * BLOCK_TIME:
                continue
            open_ = below.number + 1
            for gap in gaps:
                if gap.first <= open_ <= gap.last:
                    open_ = gap.last + 1
            assert open_ >= above.number, f"nobody watched {open_} to {above.number - 1}, and no gap says so"

    def true(self, shown: Shown, block: Made, place: int) -> None:
        """A reading that was made says what the chain says at that very block; what cannot be told is never anything else.

        Where an endpoint lied, what two agree on is still the truth, what they dispute is no better than it, and only an endpoint that
        was left alone is believed, unconfirmed.
        """
        loan = block.loans[place]
        if shown.status is Status.UNKNOWN:
            assert shown.health is None, f"{shown} is unknown and has a health"
        elif fits(shown, loan):
            assert shown.exact or shown.disputed, f"{shown} cannot be had again"
        elif shown.disputed and block.hash in self.world.lies:
            self.disputed += 1
            assert not shown.confirmed, f"{shown} is disputed and confirmed"
            least = min(WORSE.index(status) for status in loan.statuses)
            assert WORSE.index(shown.status) >= least, f"{shown} is better than {loan.statuses}"
            if loan.readable and loan.price is not None and loan.health is not None and shown.health is not None:
                assert shown.health <= loan.health, f"{shown} is better than {loan.health}"
        else:
            lies = self.world.lies.get(block.hash, ())
            assert any(fits(shown, loan.told(lie)) for lie in lies), f"{shown} is not {loan}, {loan.statuses}"
            assert not shown.confirmed, f"{shown} is a lie that was confirmed"
            self.lone += 1

    def again(self, store: Store, place: int, market: Market, key: PositionKey, since: int) -> None:
        """Out of the stored words every exact reading is had again, and is the chain's truth at its block but for lies that were shown."""
        of = adapter(market.protocol)
        for found in recall.course(store, of, market, key, since):
            at = found.kept.block
            loan = self.world.made[at.hash].loans[place]
            quote = of.accrue(found.terms, found.quote, at, Which.ALL)
            if found.kept.status is Status.UNKNOWN:
                with pytest.raises(WatcherError):
                    of.value(found.terms, quote, found.holding)
                assert Status.UNKNOWN in loan.statuses, f"{found.kept} could be told"
                continue
            worth = of.value(found.terms, quote, found.holding)
            assert worth.health == found.kept.health, f"{found.kept} is {worth.health} by its words"
            if at.hash not in self.world.lies:
                assert worth.health == loan.health, f"{found.kept} is not {loan.health}"
                assert worth.liquidatable == (Status.LIQUIDATABLE in loan.statuses)

    def tied(self, store: Store) -> None:
        """No fact, reading or cycle stands at a block that is not stored."""
        with store.read() as connection:
            for table in (READING, HOLDING, TERMS, QUOTE, CYCLE):
                stored = select(BLOCK.c.number).where(BLOCK.c.chain == CHAIN)
                loose = select(func.count()).select_from(table).where(table.c.number.not_in(stored))
                assert connection.scalar(loose) == 0, f"rows of {table.name} stand at blocks that are gone"

    def told(self, store: Store) -> None:
        """Every change that is to be told is in the outbox once for each channel, and every worsening is one of them."""
        with store.read() as connection:
            rows: list[Any] = list(connection.execute(select(DELIVERY.c.transition_id, DELIVERY.c.channel)))
        assert len(rows) == len({tuple(row) for row in rows})
        held = {name: {id for id, channel in rows if channel == name} for name in self.channels}
        changes = (*self.changes(store), *outbox.transitions(store, chain=CHAIN, orphaned=True))
        for one in changes:
            for name in self.channels:
                assert (one.id in held[name]) == (one.due is not None), f"{one} is not in the outbox as it should be"
            assert one.due is not None or not worse(one), f"{one} is worse and nobody is to hear of it"

    def changes(self, store: Store, key: PositionKey | None = None) -> tuple[Transition, ...]:
        """The transitions that hold, without those that take others back."""
        return tuple(one for one in outbox.transitions(store, chain=CHAIN, key=key) if one.retracts is None)

    def folded(self, store: Store, key: PositionKey) -> None:
        """The stored readings give the stored transitions again, and no reading is worse than what was said by then."""
        changes = self.changes(store, key)
        seen = list(timeline(recall.sightings(store, key, CHAIN), changes))
        _, made_again = fold(seen)
        again = {one.id: one for one in made_again}  # an unknown that lasts is the same transition, due earlier
        for made, one in zip_longest(again.values(), changes):
            assert made is not None and one is not None and spoken(made) == spoken(one), f"{made} again is not {one}"
        for before, after in pairwise(changes):
            assert after.before is before.after, f"{after} does not follow {before}"
        standing, left = None, list(changes)
        for one in seen:
            while left and (left[0].block.number, left[0].read_at) == (one.block.number, one.read_at):
                standing = left.pop(0).after
            assert standing is not None, f"{one} and nothing was said"
            if one.status is Status.UNKNOWN:
                assert standing is Status.UNKNOWN, f"{one} counts as {standing}"
            elif standing is not Status.UNKNOWN:
                assert LADDER.index(standing) >= LADDER.index(one.status), f"{one} counts as {standing}"
        assert not left


def fits(shown: Shown, loan: Loan) -> bool:
    """Whether that is the truth, to the last unit."""
    return shown.status in loan.statuses and shown.health == loan.health and shown.debt == loan.debt


def timeline(stored: Sequence[Sighting], changes: Iterable[Transition]) -> Iterator[Sighting]:
    """The canonical sightings in their order, and behind those of its block what leaves no reading: no block, or a block read again.

    The order is the chain's: the machine's clock may have gone back.
    """
    at = {(one.block.hash, one.read_at) for one in stored}
    by_hash = {one.block.hash: one for one in stored}
    more = []
    for one in changes:
        if (one.block.hash, one.read_at) in at:
            continue
        if one.after is Status.UNKNOWN:
            more.append(Sighting(one.key, one.block, one.read_at, Status.UNKNOWN, None, None, True, one.cause))
        else:
            more.append(replace(by_hash[one.block.hash], read_at=one.read_at, confirmed=one.confirmed))
    yield from sorted((*stored, *more), key=lambda one: one.block.number)


def spoken(one: Transition) -> tuple[Any, ...]:
    """What a replay must give again: all but when an unknown was told and the words beside it."""
    return (
        one.id,
        one.block.hash,
        one.read_at,
        one.before,
        one.after,
        one.health,
        one.confirmed,
        one.recovers,
        one.news,
    )


def worse(one: Transition) -> bool:
    if one.after is Status.UNKNOWN:
        return one.before is not Status.UNKNOWN
    return one.before in LADDER and LADDER.index(one.after) > LADDER.index(one.before)
