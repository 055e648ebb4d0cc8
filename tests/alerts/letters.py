"""Transitions to tell, and an outbox's stored side in memory, for tests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from tests.health.heads import head, wad
from watcher.alerts.message import Message, Subject
from watcher.alerts.plan import Letter
from watcher.errors import DeliveryError
from watcher.model import PositionKey, Status, Transition

MARKET = "ethereum/aave-v3/core"
NOW = 2_000_000


def owner(number: int) -> PositionKey:
    return PositionKey(MARKET, number.to_bytes(20, "big"))


def change(
    id: str,
    after: Status = Status.WARN,
    *,
    before: Status | None = Status.WATCH,
    key: PositionKey | None = None,
    due: int | None = NOW,
) -> Transition:
    """Health fell from 1.3 to 1.2 at head 100; replace what matters."""
    block = head(100)
    return Transition(
        id=id,
        key=key or owner(1),
        block=block,
        read_at=NOW,
        before=before,
        after=after,
        health_before=wad("1.3"),
        health=None if after is Status.UNKNOWN else wad("1.2"),
        confirmed=True,
        due=due,
    )


def unknown(id: str, due: int = NOW + 300) -> Transition:
    return change(id, Status.UNKNOWN, before=Status.WATCH, due=due)


def recovery(id: str, of: str, *, news: bool = False) -> Transition:
    return replace(change(id, Status.WATCH, before=Status.UNKNOWN), recovers=of, news=news)


def retraction(id: str, of: str) -> Transition:
    return replace(change(id, Status.WATCH, before=Status.WARN), retracts=of)


def who(key: PositionKey) -> Subject:
    return Subject(f"wallet {int.from_bytes(key.key, 'big')}", own=key.key[0] == 0)


@dataclass
class Memory:
    """What a store keeps of each channel's letters: state, attempts and when to try, in the order of the causes."""

    changes: list[Transition] = field(default_factory=list)
    rows: dict[tuple[str, str], list[object]] = field(
        default_factory=dict
    )  # (channel, id): state, attempts, due, error

    def put(self, *changes: Transition, channels: Sequence[str]) -> None:
        for one in changes:
            self.changes.append(one)
            for channel in channels:
                if one.due is not None:
                    self.rows[channel, one.id] = ["pending", 0, one.due, None]

    def state(self, channel: str) -> dict[str, object]:
        return {id: row[0] for (name, id), row in self.rows.items() if name == channel}

    async def waiting(self, channel: str) -> Sequence[Letter]:
        found = []
        for one in self.changes:
            row = self.rows.get((channel, one.id))
            if row is not None and row[0] == "pending":
                assert isinstance(row[1], int)
                assert isinstance(row[2], int)
                found.append(Letter(one, row[1], row[2]))
        return found

    async def seen(self, channel: str, ids: Collection[str]) -> Collection[str]:
        return {id for id in ids if (row := self.rows.get((channel, id))) and (row[0] == "sent" or row[1])}

    async def begin(self, channel: str, ids: Sequence[str]) -> None:
        for id in ids:
            attempts = self.rows[channel, id][1]
            assert isinstance(attempts, int)
            self.rows[channel, id][1] = attempts + 1

    async def sent(self, channel: str, ids: Sequence[str], now: int) -> None:
        self._mark(channel, ids, "sent", now, None)

    async def again(self, channel: str, ids: Sequence[str], due: int, error: str) -> None:
        self._mark(channel, ids, "pending", due, error)

    async def park(self, channel: str, ids: Sequence[str], now: int, error: str) -> None:
        self._mark(channel, ids, "parked", now, error)

    async def drop(self, channel: str, ids: Sequence[str], now: int) -> None:
        self._mark(channel, ids, "dropped", now, None)

    def _mark(self, channel: str, ids: Sequence[str], state: str, due: int, error: str | None) -> None:
        for id in ids:
            row = self.rows[channel, id]
            row[0], row[2], row[3] = state, due, error


@dataclass
class Inbox:
    """A channel that keeps what it is given, and fails as often as `failures` says."""

    name: str = "inbox"
    messages: list[Message] = field(default_factory=list)
    failures: list[DeliveryError] = field(default_factory=list)

    async def deliver(self, message: Message) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.messages.append(message)
