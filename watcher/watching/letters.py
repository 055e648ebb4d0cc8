"""The outbox's stored side, in the store's own thread."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from watcher.alerts.plan import Letter
from watcher.store import deliveries
from watcher.watching.journal import Journal


class StoredLetters:
    """What `alerts.outbox.Letters` asks for, of a journal."""

    def __init__(self, journal: Journal) -> None:
        self._call = journal.call

    async def waiting(self, channel: str) -> Sequence[Letter]:
        return [Letter(*one) for one in await self._call(deliveries.waiting, channel)]

    async def seen(self, channel: str, ids: Collection[str]) -> Collection[str]:
        return await self._call(deliveries.seen, channel, ids)

    async def begin(self, channel: str, ids: Sequence[str]) -> None:
        await self._call(deliveries.begin, channel, ids)

    async def sent(self, channel: str, ids: Sequence[str], now: int) -> None:
        await self._call(deliveries.mark, channel, ids, "sent", now)

    async def again(self, channel: str, ids: Sequence[str], due: int, error: str) -> None:
        await self._call(deliveries.mark, channel, ids, "pending", due, error)

    async def park(self, channel: str, ids: Sequence[str], now: int, error: str) -> None:
        await self._call(deliveries.mark, channel, ids, "parked", now, error)

    async def drop(self, channel: str, ids: Sequence[str], now: int) -> None:
        await self._call(deliveries.mark, channel, ids, "dropped", now)
