"""New heads over a WebSocket: told as hints, from servers that behave and from those that do not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from tests.chain.announcer import Announcer, Story, Wire, announcing
from tests.chain.server import FakeClock, Scripted
from watcher.chain.endpoint import Endpoint
from watcher.chain.heads import CAP, PAUSES, Head, Heads
from watcher.errors import ConfigError

PATIENCE = 20.0  # seconds until something that should have come is taken for lost
LONG = 60.0  # seconds of silence that no test waits for
CANARY = "c4n4ry-s3cret"


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever commands have set up in this process before."""
    caplog.set_level(logging.DEBUG, "watcher")


class Told:
    """What was told, and a way to wait for more of it."""

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self._more = asyncio.Event()

    def __call__(self, head: Head) -> None:
        self.heads.append(head)
        self._more.set()

    @property
    def numbers(self) -> list[int]:
        return [head.number for head in self.heads]

    async def reach(self, count: int) -> list[int]:
        async with asyncio.timeout(PATIENCE):
            while len(self.heads) < count:
                self._more.clear()
                await self._more.wait()
        return self.numbers


@asynccontextmanager
async def listening(
    *servers: Announcer, silence: float = LONG, clock: FakeClock | None = None
) -> AsyncIterator[tuple[Told, asyncio.Task[None]]]:
    told = Told()
    endpoints = [server.endpoint for server in servers]
    task = asyncio.create_task(Heads(endpoints, 1, told, silence=silence, clock=clock or FakeClock()).run())
    try:
        yield told, task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def heads(*numbers: int) -> Story:
    """A connection that opens as it should, announces these and waits."""

    async def story(wire: Wire) -> None:
        await wire.opened()
        for number in numbers:
            await wire.head(number)
        await wire.hold()

    return story


def heard(*stories: Story, count: int, silence: float = LONG) -> list[int]:
    """The numbers of the first `count` heads."""

    async def main() -> list[int]:
        async with announcing(*stories) as server, listening(server, silence=silence) as (told, _):
            return await told.reach(count)

    return asyncio.run(main())


def test_every_new_head_is_told_once_in_the_order_in_which_it_came() -> None:
    assert heard(heads(98, 99, 99, 99, 100), count=3) == [98, 99, 100]


def test_a_head_below_the_last_one_is_a_hint_like_any_other() -> None:
    assert heard(heads(100, 97, 100), count=3) == [100, 97, 100]


def test_f19_a_block_that_replaces_another_of_its_number_is_told() -> None:
    async def story(wire: Wire) -> None:
        await wire.opened()
        await wire.head(100)
        wire.chain.branch = "other"
        await wire.head(99)
        await wire.head(100)
        await wire.hold()

    async def main() -> list[Head]:
        async with announcing(story) as server, listening(server) as (told, _):
            await told.reach(3)
            return told.heads

    first, lower, again = asyncio.run(main())
    assert (first.number, lower.number, again.number) == (100, 99, 100)
    assert first.hash == Scripted().hash(100)
    assert again.hash == Scripted(branch="other").hash(100)


def test_an_announcement_before_the_answer_to_the_subscription_is_left_out() -> None:
    async def story(wire: Wire) -> None:
        await wire.answer()
        await wire.head(98)
        await wire.answer()
        await wire.head(99)
        await wire.hold()

    assert heard(story, count=1) == [99]


async def closed(wire: Wire) -> None:
    await wire.opened()
    await wire.head(1)


async def mute(wire: Wire) -> None:
    await wire.opened()
    await wire.head(1)
    await wire.hold()


async def repeating(wire: Wire) -> None:
    await wire.opened()
    with suppress(ConnectionError):
        while not wire.socket.closed:
            await wire.head(1)
            await asyncio.sleep(0.01)


async def garbage(wire: Wire) -> None:
    await wire.opened()
    await wire.head(1)
    await wire.send('{"jsonrpc":')
    await wire.hold()


async def binary(wire: Wire) -> None:
    await wire.opened()
    await wire.head(1)
    await wire.socket.send_bytes(b"\x00\x01")
    await wire.hold()


async def huge(wire: Wire) -> None:
    await wire.opened()
    await wire.head(1)
    await wire.head(2, extraData="0x" + "00" * CAP)
    await wire.hold()


async def deep(wire: Wire) -> None:
    await wire.opened()
    await wire.head(1)
    await wire.send("[" * 50_000)
    await wire.hold()


@pytest.mark.parametrize("story", [closed, garbage, binary, huge, deep])
def test_a_connection_that_breaks_is_made_anew(story: Story) -> None:
    assert heard(story, heads(2, 3), count=3) == [1, 2, 3]


@pytest.mark.parametrize("story", [mute, repeating])
def test_a_server_that_announces_nothing_new_for_too_long_is_left(story: Story) -> None:
    assert heard(story, heads(2, 3), count=3, silence=0.2) == [1, 2, 3]


async def another_chain(wire: Wire) -> None:
    await wire.answer(result="0x2")
    await wire.hold()


async def another_id(wire: Wire) -> None:
    await wire.answer()
    await wire.answer(id=7)
    await wire.hold()


async def no_id(wire: Wire) -> None:
    await wire.answer()
    await wire.answer(result=5)
    await wire.hold()


async def no_answer(wire: Wire) -> None:
    await wire.asked()
    await wire.send([])
    await wire.hold()


async def another_subscription(wire: Wire) -> None:
    await wire.opened()
    await wire.head(100, of="0x1")
    await wire.hold()


async def unasked(wire: Wire) -> None:
    await wire.opened()
    await wire.send({"jsonrpc": "2.0", "id": 3, "result": "0x5"})
    await wire.hold()


async def odd_number(wire: Wire) -> None:
    await wire.opened()
    await wire.head(100, number=100)
    await wire.hold()


async def odd_hash(wire: Wire) -> None:
    await wire.opened()
    await wire.head(100, hash="0x12")
    await wire.hold()


LIES: dict[Story, str] = {
    another_chain: "is on chain 2, not on 1",
    another_id: "the answer's id is not the one that was sent",
    no_id: "the subscription has no id",
    no_answer: "the answer is not JSON-RPC 2.0",
    another_subscription: "a subscription that is not ours",
    unasked: "something else than the announcements",
    odd_number: "number is not a hex quantity",
    odd_hash: "hash is not 32 bytes of hex",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_is_not_asked_again_and_the_next_one_is(
    lie: Story, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> tuple[list[int], int]:
        async with (
            announcing(lie) as liar,
            announcing(closed, heads(2)) as honest,
            listening(liar, honest) as (told, _),
        ):
            return await told.reach(2), liar.connections

    assert asyncio.run(main()) == ([1, 2], 1)
    assert LIES[lie] in caplog.text


def test_where_every_address_has_lied_nobody_is_asked_any_more() -> None:
    async def main() -> list[Head]:
        async with announcing(another_chain) as server, listening(server) as (told, task):
            async with asyncio.timeout(PATIENCE):
                await task
            return told.heads

    assert asyncio.run(main()) == []


async def refused(wire: Wire) -> None:
    await wire.answer()
    error = {"code": -32601, "message": f"notifications not supported {CANARY}"}
    await wire.answer(result=None, error=error)
    await wire.hold()


def test_a_server_without_subscriptions_says_so_in_its_own_words_without_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with announcing(refused, heads(1), path=f"/{CANARY}") as server, listening(server) as (told, _):
            await told.reach(1)

    asyncio.run(main())
    assert "node: eth_subscribe: notifications not supported" in caplog.text
    assert CANARY not in caplog.text


class Paused(FakeClock):
    """A clock that says when somebody has waited so often."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._more = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._more.set()
        await super().sleep(seconds)

    async def reach(self, count: int) -> list[float]:
        async with asyncio.timeout(PATIENCE):
            while len(self.pauses) < count:
                self._more.clear()
                await self._more.wait()
        return self.pauses[:count]


async def paused(server: Announcer, tries: int) -> list[float]:
    clock = Paused()
    async with listening(server, clock=clock):
        return await clock.reach(tries)


def test_each_pause_before_the_next_try_is_twice_as_long_up_to_a_limit() -> None:
    async def main() -> list[float]:
        async with announcing(instead=web.Response(status=503)) as server:
            return await paused(server, 8)

    pauses = asyncio.run(main())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (pauses[0], pauses[-1]) == PAUSES


def test_a_connection_that_held_for_long_starts_the_pauses_over() -> None:
    async def main() -> list[float]:
        clock = Paused()

        async def lasting(wire: Wire) -> None:
            await wire.opened()
            await wire.head(1)
            clock.pass_(2 * PAUSES[1])

        async with announcing(closed, closed, lasting, closed) as server, listening(server, clock=clock):
            return await clock.reach(4)

    assert asyncio.run(main()) == [1, 2, 1, 2]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> int:
        async with announcing(heads(1)) as other:
            away = web.Response(status=status, headers={"Location": other.url.replace("ws:", "http:")})
            async with announcing(instead=away) as server:
                await paused(server, 2)
            return other.connections + other.elsewhere

    assert asyncio.run(main()) == 0
    assert "a redirect, which is never followed" in caplog.text


@pytest.mark.parametrize("status", [200, 401, 404, 503])
def test_a_server_without_a_websocket_is_named_by_its_status(status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with announcing(instead=web.Response(status=status), path=f"/{CANARY}") as server:
            await paused(server, 1)

    asyncio.run(main())
    assert f"serves no WebSocket here (HTTP {status})" in caplog.text
    assert CANARY not in caplog.text


def test_f53_nothing_that_is_logged_or_raised_shows_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> str:
        asyncio.get_running_loop().set_debug(True)
        stories = (another_id, closed, garbage, huge, refused)
        for story in stories:
            async with announcing(story, path=f"/v2/{CANARY}") as server:
                await paused(server, 1)
        endpoint = Endpoint("node", f"ws://user:{CANARY}@127.0.0.1:9/{CANARY}?key={CANARY}")
        clock = Paused()
        found = Heads([endpoint], 1, print, silence=LONG, clock=clock)
        task = asyncio.create_task(found.run())
        await clock.reach(1)
        task.cancel()
        return repr(found)

    assert CANARY not in asyncio.run(main())
    assert "no connection" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"ws://elsewhere.example/{CANARY}", "plain ws goes only to this machine; use wss"),
        (f"https://elsewhere.example/{CANARY}", "its URL must be wss://host/path"),
        (f"ws:///{CANARY}", "its URL must be wss://host/path"),
    ],
)
def test_an_address_that_may_not_be_asked_is_refused_at_once(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refusal:
        Heads([Endpoint("node", url)], 1, print, silence=LONG)
    assert CANARY not in str(refusal.value)


def test_plain_ws_goes_to_other_machines_only_where_that_is_said() -> None:
    with pytest.raises(ConfigError):
        Heads([Endpoint("node", "ws://elsewhere.example/")], 1, print, silence=LONG)
    Heads([Endpoint("node", "ws://elsewhere.example/")], 1, print, silence=LONG, plain=True)
    Heads([Endpoint("node", "ws://localhost:8546/")], 1, print, silence=LONG)
    Heads([Endpoint("node", "wss://elsewhere.example/")], 1, print, silence=LONG)


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.levelno == logging.WARNING for record in caplog.records)


def test_a_failure_is_said_once_until_there_are_heads_again(caplog: pytest.LogCaptureFixture) -> None:
    async def down(wire: Wire) -> None:
        await wire.asked()

    async def main() -> list[int]:
        said = []
        for stories in ((down, down, down, heads(1)), (closed, down, down, heads(2))):
            caplog.clear()
            async with announcing(*stories) as server, listening(server) as (told, _):
                await told.reach(1 if stories[0] is down else 2)
            said.append(warnings(caplog))
        return said

    assert asyncio.run(main()) == [1, 1]
