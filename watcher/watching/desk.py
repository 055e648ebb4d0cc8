"""All watched chains of one run: each takes its turns, and what comes of a turn is logged, delivered, and said where it fails."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

from watcher.alerts.channels import Channel
from watcher.alerts.message import Message
from watcher.alerts.outbox import announce
from watcher.alerts.render import store_failing
from watcher.alerts.throttle import Throttle
from watcher.chain.endpoint import Endpoint
from watcher.errors import StoreError
from watcher.model import BlockRef
from watcher.watching.chain import Broken, WatchedChain
from watcher.watching.dead_man import ping
from watcher.watching.turn import Turn, line_of

log = logging.getLogger(__name__)

LEAVING: Final = 3.0  # seconds that a turn under way has when the run ends


class Bell(Protocol):
    """What is told that the outbox may hold something new."""

    def ring(self) -> None: ...


class Desk:
    """`turn` may be called for different chains at once. `last` is each chain's latest turn, by name."""

    def __init__(
        self,
        chains: Sequence[WatchedChain],
        channels: Sequence[Channel],
        bell: Bell,
        dead_man: Endpoint | None = None,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.chains = {chain.line.chain.name: chain for chain in chains}
        self.last: dict[str, Turn] = {}
        self.stopped: set[str] = set()
        self.store_error: StoreError | None = None
        self._channels, self._bell, self._dead_man = tuple(channels), bell, dead_man
        self._clock, self._steady = clock, steady
        self._locks = {name: asyncio.Lock() for name in self.chains}
        self._throttle = Throttle()
        self._good: BlockRef | None = None
        self._leaving = False
        self._errands: set[asyncio.Task[Any]] = set()

    async def turn(self, name: str) -> Turn | None:
        """One turn of a chain, with all that follows from it; None where nothing could be recorded or the chain has stopped."""
        if name in self.stopped or self._leaving:
            return None
        async with self._locks[name]:
            try:
                turn = await self.chains[name].turn()
            except Broken as error:
                self._stop(name, error)
                return None
            except StoreError as error:
                self._failing(error)
                return None
        self.store_error = None
        log.log(logging.INFO if turn.new or turn.error else logging.DEBUG, "%s", line_of(turn))
        if turn.new or turn.error is not None:
            self.last[name] = turn
        if turn.new:
            self._good = turn.block
        if turn.transitions:
            self._bell.ring()
        if turn.complete and self._dead_man is not None and self.complete:
            self._send(ping(self._dead_man))
        return turn

    @property
    def complete(self) -> bool:
        """Nothing that is watched is missing: every chain's latest turn was complete."""
        return self.last.keys() == self.chains.keys() and all(turn.complete for turn in self.last.values())

    async def leave(self, patience: float = LEAVING) -> None:
        """Waits for turns under way, so long that none is cut off while it writes, and for messages that are on their way."""
        self._leaving = True
        try:
            async with asyncio.timeout(patience):
                for lock in self._locks.values():
                    async with lock:
                        pass
                await self.said()
        except TimeoutError:
            log.warning("a cycle was still reading and is given up; nothing of it is recorded")

    async def said(self) -> None:
        """Waits for messages that are on their way."""
        if self._errands:
            await asyncio.wait(self._errands)

    def _stop(self, name: str, error: Broken) -> None:
        self.stopped.add(name)
        self.warn(f"{name.upper()} IS NOT WATCHED ANY MORE", str(error))

    def warn(self, title: str, text: str) -> None:
        """Something about the watching itself, which no transition tells: to the log, and straight to every channel."""
        self._announce(logging.ERROR, title, text)

    def tell(self, title: str, text: str) -> None:
        """As `warn`, where it is no trouble."""
        self._announce(logging.INFO, title, text)

    def _announce(self, level: int, title: str, text: str) -> None:
        for line in text.splitlines():
            log.log(level, "%s", line)
        now = int(self._clock())
        id = f"warning-{now}-{sha256(f'{title} {text}'.encode()).hexdigest()[:8]}"
        self._say(Message(id, title, f"{text}\nid {id}"))

    async def write(self, work: Awaitable[object]) -> None:
        """Something else that is written to the store; where it fails, that is said as for a cycle."""
        try:
            await work
        except StoreError as error:
            self._failing(error)

    def _failing(self, error: StoreError) -> None:
        """Straight to the channels, since the outbox is in the store; not more often than the throttle allows."""
        self.store_error = error
        log.error("%s", error)
        if self._throttle.open(self._steady()):
            self._throttle = self._throttle.said(self._steady())
            self._say(store_failing(str(error), self._good, int(self._clock())))

    def _say(self, message: Message) -> None:
        async def say() -> None:
            for failure in await announce(self._channels, message):
                log.error("%s", failure)

        self._send(say())

    def _send(self, errand: Coroutine[Any, Any, Any]) -> None:
        """Something that no cycle waits for."""
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
