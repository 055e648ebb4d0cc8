"""A lending chain of which every block can be replaced, and a watcher on it with a real store, stopped and started again at will."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.chain.evm import Evm, Reverted
from tests.chain.server import Fault, Scripted, Server, honest, serve
from tests.lending import MORPHO, OWNER, Lending, chain_at
from watcher.config import Chain
from watcher.connection import connect
from watcher.health.bands import CORRELATED, VOLATILE
from watcher.model import BlockRef, Transition
from watcher.store import outbox, recall
from watcher.store.open import open_store
from watcher.watching.chain import WatchedChain
from watcher.watching.journal import Journal
from watcher.watching.policy import Policy
from watcher.watching.turn import Turn

GENESIS = 1_700_000_000
COIN = 10**18
CHAIN = 1


@dataclass
class Forking(Scripted):
    """A history whose newest blocks can be replaced by others."""

    broken: set[bytes] = field(default_factory=set)  # ids of markets whose contract reverts
    course: Callable[[int], None] = lambda number: None  # sets the scene for the calls at a block
    forks: list[tuple[int, str]] = field(default_factory=list)  # (first block, name): later ones hide earlier ones

    def hash(self, number: int) -> str:
        branch, self.branch = self.branch, next((n for first, n in reversed(self.forks) if first <= number), "main")
        try:
            return super().hash(number)
        finally:
            self.branch = branch

    def reorg(self, depth: int, height: int = 0) -> None:
        """The newest `depth` blocks become others; the chain is then `height` blocks longer (or shorter)."""
        self.forks.append((self.head - depth + 1, f"fork {len(self.forks)}"))
        self.head += height


def forking(lending: Lending) -> Forking:
    """Blocks from 100 on; every call runs at the time of the block that it asks for."""
    plain = lending.node()
    evm = plain.call
    assert isinstance(evm, Evm)
    morpho = evm.contracts[MORPHO.lower()]

    def guarded(data: bytes) -> bytes:
        if any(id in data for id in node.broken):
            raise Reverted()
        return morpho(data)

    evm.contracts[MORPHO.lower()] = guarded

    def call(transaction: dict[str, Any], block: Any) -> str:
        number = node.number(block)
        evm.timestamp = GENESIS + 12 * number
        node.course(number)
        return evm(transaction, block)

    node = Forking(call=call, answers=plain.answers)
    return node


class Now:
    """The watcher's clock: a second after the newest block."""

    def __init__(self, node: Scripted) -> None:
        self.node = node
        self.late = 1.0

    def __call__(self) -> float:
        return GENESIS + 12 * self.node.head + self.late


@dataclass
class Scene:
    """``scene.lending.pools["eth"].debt = …; scene.node.head += 1; await scene.turn()``"""

    lending: Lending
    node: Forking
    server: Server
    chain: Chain
    db: Path
    now: Callable[[], float]
    journal: Journal
    watched: WatchedChain

    async def turn(self, blocks: int = 0) -> Turn:
        self.node.head += blocks
        return await self.watched.turn()

    def restart(self) -> None:
        """As after a kill: nothing is remembered but what is stored."""
        old = self.watched
        self.journal.close()
        self.journal = Journal(open_store(self.db, write=True), ["console"])
        self.watched = WatchedChain(
            old.line, old.owners, old.policy, self.journal, every=old.every, accept=old.accept, clock=old.clock
        )

    def health(self, name: str, hundredths: int) -> None:
        """100 units of collateral at 80 %: the debt that leaves this health factor."""
        self.lending.pools[name].debt = -(-80 * COIN * 100 // hundredths)

    def changes(self, *, orphaned: bool = False) -> tuple[Transition, ...]:
        return outbox.transitions(self.journal.store, chain=CHAIN, orphaned=orphaned)

    def words(self) -> list[str]:
        """The transitions that hold, each as "before → after"."""
        return [f"{one.before} → {one.after}" for one in self.changes() if one.retracts is None]

    def tip(self) -> BlockRef | None:
        return recall.cursor(self.journal.store, CHAIN)

    def kept(self) -> list[recall.Kept]:
        return list(recall.readings(self.journal.store, bytes.fromhex(OWNER[2:])))


@asynccontextmanager
async def scene(
    folder: Path, names: Sequence[str] = ("eth",), *, fault: Fault = honest, every: int | None = None, **values: Any
) -> AsyncIterator[Scene]:
    """One endpoint at block 100, and a watcher that has not looked yet. `values` are fields of the configured chain."""
    lending = Lending()
    for name in names:
        lending.pool(name)
    node = forking(lending)
    async with serve(node, always=fault, name="node") as server:
        markets = tuple(lending.market(name) for name in names)
        chain = chain_at(server, markets=markets, **values)
        db, now = folder / "watcher.db", Now(node)
        async with connect(chain) as line:
            journal = Journal(open_store(db, write=True, create=True), ["console"])
            policy = Policy((), (), VOLATILE, CORRELATED)
            watched = WatchedChain(line, (OWNER,), policy, journal, every=every, clock=now)
            made = Scene(lending, node, server, chain, db, now, journal, watched)
            try:
                yield made
            finally:
                made.journal.close()


def stale(scene: Scene) -> None:
    """From now on the head is too old to stand for the present."""
    line = scene.watched.line
    scene.watched.line = replace(line, chain=replace(line.chain, stale_head=1))
