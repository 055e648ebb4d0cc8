"""One run of the watcher: store, lines, chains, channels and timetable opened in order, and closed the other way round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Final, TextIO

from watcher.alerts.channels import Apprise, Channel, Console
from watcher.alerts.message import Subject
from watcher.alerts.outbox import Outbox
from watcher.chain.ens import Pinned
from watcher.chain.heads import Head, Heads
from watcher.config.watch import Checks, Watch
from watcher.connection import connect
from watcher.errors import WatcherError
from watcher.following.follower import Follower
from watcher.model import PositionKey
from watcher.store.open import open_store
from watcher.watching.appraising import Appraising
from watcher.watching.chain import WatchedChain
from watcher.watching.desk import Desk
from watcher.watching.journal import Journal
from watcher.watching.lag import measured
from watcher.watching.letters import StoredLetters
from watcher.watching.opening import Opening, scale
from watcher.watching.policy import Policy, owner
from watcher.watching.upkeep import Upkeep
from watcher.watching.wallets import pinned

PATIENCE: Final = 2.0  # seconds that messages have which are due when the run ends
LOOK: Final = 0.05  # seconds between two looks at them
POLL: Final = (1.0, 12.0)  # seconds: how often a head is asked for at most and at least, where no pace is set
LEAST: Final = 1.0  # seconds between two looks, however many heads are announced
SILENCE: Final = (
    5,
    15.0,
)  # block times, and seconds, for which a WebSocket may announce nothing: the longer of the two


@dataclass(frozen=True, slots=True)
class Session:
    """Everything of a run that is open. `turn` of the desk is what a timetable calls."""

    desk: Desk
    journal: Journal
    upkeep: Upkeep
    checks: Checks
    outbox: Outbox
    channels: tuple[Channel, ...]
    appraising: Appraising
    openings: tuple[Opening, ...] = ()

    def seconds(self, name: str) -> float:
        """How often a chain's head is looked at: at its pace, else twice in a block's time."""
        chain = self.desk.chains[name]
        return chain.every or min(max(float(chain.line.chain.block_time) / 2, POLL[0]), POLL[1])

    def heads(self, name: str, heard: Callable[[Head], object]) -> Heads | None:
        """Who announces a chain's heads; None where nobody does, or it has a pace of its own."""
        chain = self.desk.chains[name]
        known = chain.line.chain
        if chain.every is not None or not known.heads:
            return None
        blocks, least = SILENCE
        return Heads(known.heads, known.id, heard, silence=max(blocks * float(known.block_time), least))

    def least(self, name: str) -> float:
        """Seconds between two turns, however many heads are announced."""
        return max(LEAST, float(self.desk.chains[name].line.chain.block_time) / 4)

    async def once(self) -> None:
        """One turn of every chain, another one where markets to follow were opened, an appraisal of what is due for one, then everything
        that is due to every channel."""
        await asyncio.gather(*(self.desk.turn(name) for name in self.desk.chains))
        await asyncio.gather(*(self._opened(opening) for opening in self.openings))
        await self.appraising.once()
        if self.desk.store_error is None:
            await self.tell()

    async def _opened(self, opening: Opening) -> None:
        if opening.chain.stood.is_set():
            await opening.once()
            opening.chain.done = False  # the same block again, with what was not open before
            await self.desk.turn(opening.chain.line.chain.name)

    async def told(self, patience: float = PATIENCE) -> None:
        """Waits, a little, until the running outbox has nothing left that is due: what it has begun is not begun once more."""
        letters = StoredLetters(self.journal)
        end = time.monotonic() + patience
        while self.desk.store_error is None and time.monotonic() < end:
            waiting = [letter for channel in self.channels for letter in await letters.waiting(channel.name)]
            if not any(letter.due <= time.time() for letter in waiting):
                return
            await asyncio.sleep(LOOK)

    async def tell(self) -> None:
        """Everything that is due now, on every channel, until one fails there."""
        await asyncio.gather(*(self.outbox.deliver(channel) for channel in self.channels))


def channels_of(watch: Watch, console: TextIO) -> tuple[Channel, ...]:
    """The ways out that the file names. Raises `ConfigError` for a service that is not allowed."""
    found: list[Channel] = [Console(console)] if watch.console else []
    return (*found, *(Apprise(one.name, one.url, one.allow_private) for one in watch.channels))


def openings(watch: Watch, chains: Iterable[WatchedChain]) -> tuple[Opening, ...]:
    """The markets that are followed, by chain, with the bands that their positions are judged by."""
    found = []
    for chain in chains:
        follows = tuple(one for one in watch.follow if one.market.chain == chain.line.chain.id)
        if follows:
            scales = {one.market.name: scale(one, chain.policy, chain.owners) for one in follows}
            chain.follower = Follower(scales)
            found.append(Opening(chain, follows))
    return tuple(found)


@asynccontextmanager
async def opened(
    watch: Watch, present: Mapping[str, Pinned | WatcherError], console: TextIO, *, accept: bool = False
) -> AsyncIterator[Session]:
    """The session of `watch`; `present` is what its names mean now. Raises `StoreError` where the store cannot be written."""
    channels = channels_of(watch, console)
    store = open_store(watch.db, write=True, create=True)

    def who(key: PositionKey) -> Subject:
        account = owners.get(owner(key))
        return Subject(owner(key) if account is None else account.label, account is not None)

    async with measured(), AsyncExitStack() as stack:
        journal = Journal(store, [channel.name for channel in channels])
        stack.callback(journal.close)
        resolved, moved = pinned(watch, present, store)
        owners = watch.owners(resolved)
        chains = [
            WatchedChain(
                await stack.enter_async_context(connect(chain)),
                tuple(owners),
                Policy.of(watch, chain, resolved),
                journal,
                watch.every.get(chain.id),
                accept,
            )
            for chain in watch.config.chains
        ]
        outbox = Outbox(StoredLetters(journal), channels, who)
        desk = Desk(chains, channels, outbox, watch.dead_man)
        for warning in moved:
            desk.warn("A NAME HAS MOVED", str(warning))
        try:
            upkeep = Upkeep(desk, journal, asdict(watch.keep), who)
            appraising = Appraising(desk, journal, watch.risk, who)
            await appraising.recall()
            yield Session(desk, journal, upkeep, watch.checks, outbox, channels, appraising, openings(watch, chains))
        finally:
            await desk.leave()
