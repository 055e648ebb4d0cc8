"""What follows from a turn: one line in the log, the sign of life, and a direct word where the store fails or a chain stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.chain.server import Exchange, closed_port, honest
from tests.watching.scene import Scene, scene
from watcher.alerts.message import Message
from watcher.chain.endpoint import Endpoint
from watcher.errors import DeliveryError, StoreError
from watcher.watching.dead_man import ping
from watcher.watching.desk import Desk


@dataclass
class Heard:
    """A channel that remembers what it was told."""

    name: str = "heard"
    said: list[Message] = field(default_factory=list)

    async def deliver(self, message: Message) -> None:
        self.said.append(message)


@dataclass
class Deaf:
    """A channel that never answers in time."""

    name: str = "deaf"

    async def deliver(self, message: Message) -> None:
        raise DeliveryError(self.name, "no answer", permanent=False)


@dataclass
class Rung:
    count: int = 0

    def ring(self) -> None:
        self.count += 1


@dataclass
class Ticks:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def listening(status: int, seen: list[str]) -> AsyncIterator[str]:
    """The URL of somebody who waits for a sign of life."""

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def desk(at: Scene, channels: Sequence[Any] = (), **values: Any) -> Desk:
    return Desk([at.watched], channels, values.pop("bell", Rung()), **values)


def test_a_cycle_is_one_line_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with scene(tmp_path, ("eth", "btc")) as at:
            one = desk(at)
            for _ in range(3):
                await one.turn("testnet")
            await one.leave()

    with caplog.at_level(logging.INFO, "watcher"):
        asyncio.run(story())
    (line,) = [record.getMessage() for record in caplog.records if record.name == "watcher.watching.desk"]
    assert line.startswith("testnet: block 100; 2 safe; 2 transitions; 1 endpoint; ")


def test_the_outbox_is_rung_for_a_transition_and_for_nothing_else(tmp_path: Path) -> None:
    async def story() -> int:
        async with scene(tmp_path) as at:
            bell = Rung()
            one = desk(at, bell=bell)
            for _ in range(3):
                at.node.head += 1
                await one.turn("testnet")
            await one.leave()
            return bell.count

    assert asyncio.run(story()) == 1


def test_a_sign_of_life_follows_every_complete_cycle_and_no_other(tmp_path: Path) -> None:
    async def story() -> tuple[list[str], list[str]]:
        seen: list[str] = []
        async with scene(tmp_path) as at, listening(200, seen) as url:
            one = desk(at, dead_man=Endpoint("the dead-man URL", f"{url}/alive"))
            await one.turn("testnet")
            await one.turn("testnet")  # the same head
            await one.leave()
            first = list(seen)
            other = desk(at, dead_man=Endpoint("the dead-man URL", f"{url}/alive"))
            at.lending.pools["eth"].price = None
            at.node.head += 1
            await other.turn("testnet")
            await other.leave()
            return first, seen

    assert asyncio.run(story()) == (["/alive"], ["/alive"])


@pytest.mark.parametrize("status", [302, 404, 500])
def test_f49_a_sign_of_life_that_is_not_taken_is_logged_without_its_url(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> bool:
        async with listening(status, seen) as url:
            return await ping(Endpoint("the dead-man URL", f"{url}/secret"))

    seen: list[str] = []
    assert not asyncio.run(story())
    assert seen == ["/secret"]  # and not where it points to
    assert [record.getMessage() for record in caplog.records] == [f"the dead-man URL answered {status}"]


def test_a_sign_of_life_that_reaches_nobody_is_logged_without_its_url(caplog: pytest.LogCaptureFixture) -> None:
    assert not asyncio.run(ping(Endpoint("the dead-man URL", closed_port() + "/secret")))
    (record,) = caplog.records
    assert "secret" not in record.getMessage()
    assert "127.0.0.1" not in record.getMessage()


def test_f44_a_failing_store_is_said_directly_and_at_most_every_fifteen_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> list[int]:
        heard, ticks, counts = Heard(), Ticks(), []
        async with scene(tmp_path) as at:
            one = desk(at, [heard, Deaf()], steady=ticks, clock=at.now)
            await one.turn("testnet")

            def full(*_: Any, **__: Any) -> None:
                raise StoreError("watcher.db: database or disk is full")

            with monkeypatch.context() as broken:
                broken.setattr("watcher.watching.journal.history.record", full)
                for seconds in (0, 12, 888, 899, 1):
                    ticks.now += seconds
                    at.node.head += 1
                    assert await one.turn("testnet") is None
                    await one.said()
                    counts.append(len(heard.said))
            assert one.store_error is not None
            at.node.head += 1
            assert await one.turn("testnet") is not None
            assert one.store_error is None
            assert at.words() == ["None → safe"]
        assert "last good block 100" in heard.said[0].title
        assert "disk is full" in heard.said[0].body
        return counts

    assert asyncio.run(story()) == [1, 1, 2, 2, 3]


def test_f21_a_chain_that_stops_is_said_once_and_not_asked_again(tmp_path: Path) -> None:
    async def story() -> None:
        heard = Heard()
        async with scene(tmp_path) as at:
            one = desk(at, [heard])
            for _ in range(70):
                at.node.head += 1
                await one.turn("testnet")
            at.node.reorg(66)
            assert await one.turn("testnet") is None
            asked = at.server.hits
            assert await one.turn("testnet") is None
            await one.leave()
            assert at.server.hits == asked
            assert one.stopped == {"testnet"}
        (message,) = heard.said
        assert message.title == "TESTNET IS NOT WATCHED ANY MORE"

    asyncio.run(story())


def test_f43_a_turn_under_way_is_waited_for_and_none_begins_after(tmp_path: Path) -> None:
    async def story() -> None:
        gate = asyncio.Event()

        async def slow(exchange: Exchange) -> web.StreamResponse:
            if at.server.seen[-1] == "eth_call":
                asking.set()
                await gate.wait()
            return await honest(exchange)

        asking = asyncio.Event()
        async with scene(tmp_path) as at:
            at.server.always = slow
            one = desk(at)
            turn = asyncio.create_task(one.turn("testnet"))
            await asking.wait()
            leaving = asyncio.create_task(one.leave())
            await asyncio.sleep(0)
            assert await one.turn("testnet") is None
            gate.set()
            await leaving
            assert turn.done()
            assert len(at.kept()) == 1

    asyncio.run(story())


def test_f43_a_turn_that_hangs_is_given_up_with_nothing_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async def hang(exchange: Exchange) -> web.StreamResponse:
            asking.set()
            await asyncio.Event().wait()
            return await honest(exchange)

        asking = asyncio.Event()
        async with scene(tmp_path) as at:
            at.server.always = hang
            one = desk(at)
            turn = asyncio.create_task(one.turn("testnet"))
            await asking.wait()
            await one.leave(0.01)
            turn.cancel()
            await asyncio.wait([turn])
            assert at.kept() == []

    asyncio.run(story())
    assert "given up" in caplog.text
