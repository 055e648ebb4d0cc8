"""Takes what waits to every channel: at least once, in the order of the causes, each channel at its own pace.

Before a message goes out its letters are marked as begun, so that whatever dies in between leaves a duplicate with the same id and
never a loss.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol

from watcher.alerts.channels import Channel
from watcher.alerts.message import Message, Subject
from watcher.alerts.plan import Letter, answered, patience, plan
from watcher.alerts.render import digest, render
from watcher.errors import DeliveryError, WatcherError
from watcher.model import PositionKey

SINGLE: Final = 5  # messages at once; more changes than that are one digest
PER_MINUTE: Final = 10  # messages to one channel
LOOK: Final = 30.0  # seconds until a channel looks again by itself
STUCK: Final = 15.0  # seconds until it does where the letters could not be had


class Letters(Protocol):
    """The stored side of the outbox, by channel. Each method is one transaction; `StoreError` where it cannot be."""

    async def waiting(self, channel: str) -> Sequence[Letter]:
        """All that is neither sent, parked nor dropped, in the order of the causes, due or not."""

    async def seen(self, channel: str, ids: Collection[str]) -> Collection[str]:
        """Those of the transitions that were sent, or begun at least once."""

    async def begin(self, channel: str, ids: Sequence[str]) -> None:
        """Count one more attempt, before it is made."""

    async def sent(self, channel: str, ids: Sequence[str], now: int) -> None: ...

    async def again(self, channel: str, ids: Sequence[str], due: int, error: str) -> None: ...

    async def park(self, channel: str, ids: Sequence[str], now: int, error: str) -> None:
        """Not tried any more, and visible."""

    async def drop(self, channel: str, ids: Sequence[str], now: int) -> None:
        """Not told: it was answered before anyone heard of it."""


class Outbox:
    """`who` says whom a position belongs to. `clock` is the watcher's clock in seconds; pauses go by one that never goes back."""

    def __init__(
        self,
        letters: Letters,
        channels: Sequence[Channel],
        who: Callable[[PositionKey], Subject],
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._letters = letters
        self._channels = tuple(channels)
        self._who = who
        self._clock = clock
        self._ticks = ticks
        self._bells = {channel.name: asyncio.Event() for channel in channels}
        self._sent: dict[str, deque[float]] = {channel.name: deque() for channel in channels}

    async def run(self) -> None:
        """Deliver until cancelled; every channel in a task of its own."""
        async with asyncio.TaskGroup() as group:
            for channel in self._channels:
                group.create_task(self._serve(channel))

    def ring(self) -> None:
        """There may be something new. Never waits."""
        for bell in self._bells.values():
            bell.set()

    async def deliver(self, channel: Channel) -> float:
        """Everything that is due for one channel, until one fails. Answers in how many seconds to look again."""
        while True:
            now = int(self._clock())
            letters = await self._letters.waiting(channel.name)
            about = {of for letter in letters if (of := answered(letter.transition)) is not None}
            seen = await self._letters.seen(channel.name, about) if about else ()
            todo = plan(letters, seen, now)
            if todo.drop:
                await self._letters.drop(channel.name, todo.drop, now)
            if not todo.send:
                return LOOK if todo.wake is None else min(LOOK, max(0.0, todo.wake - self._clock()))
            pause = self._pause(channel.name)
            if pause:
                return pause
            batch = todo.send if len(todo.send) > SINGLE else todo.send[:1]
            if not await self._send(channel, batch, now):
                return 0.0

    async def _serve(self, channel: Channel) -> None:
        bell = self._bells[channel.name]
        while True:
            bell.clear()
            try:
                pause = await self.deliver(channel)
            except WatcherError:
                pause = STUCK  # whoever writes the store says that it cannot be
            try:
                async with asyncio.timeout(pause):
                    await bell.wait()
            except TimeoutError:
                continue

    async def _send(self, channel: Channel, batch: Sequence[Letter], now: int) -> bool:
        """One message; false where it failed and is to be tried later."""
        ids = [letter.transition.id for letter in batch]
        await self._letters.begin(channel.name, ids)
        self._sent[channel.name].append(self._ticks())
        try:
            await channel.deliver(self._message(batch, now))
        except DeliveryError as error:
            if error.permanent:
                await self._letters.park(channel.name, ids, now, error.reason)
                return True
            due = int(self._clock()) + patience(batch[0].attempts + 1)
            await self._letters.again(channel.name, ids, due, error.reason)
            return False
        await self._letters.sent(channel.name, ids, int(self._clock()))
        return True

    def _message(self, batch: Sequence[Letter], now: int) -> Message:
        changes = [letter.transition for letter in batch]
        if len(changes) == 1:
            return render(changes[0], self._who(changes[0].key), now)
        return digest(changes, self._who, now)

    def _pause(self, channel: str) -> float:
        """Seconds until this channel may be sent another message."""
        sent, now = self._sent[channel], self._ticks()
        while sent and now - sent[0] >= 60:
            sent.popleft()
        return 60 - (now - sent[0]) if len(sent) >= PER_MINUTE else 0.0


async def announce(channels: Sequence[Channel], message: Message) -> tuple[DeliveryError, ...]:
    """Straight to every channel at once, past the store, once each; what failed is returned."""

    async def one(channel: Channel) -> DeliveryError | None:
        try:
            await channel.deliver(message)
        except DeliveryError as error:
            return error
        return None

    failures = await asyncio.gather(*(one(channel) for channel in channels))
    return tuple(failure for failure in failures if failure is not None)
