from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.alerts.letters import NOW, Inbox, Memory, change, owner, recovery, retraction, unknown, who
from watcher.alerts.channels import Channel
from watcher.alerts.message import Message
from watcher.alerts.outbox import PER_MINUTE, SINGLE, Outbox, announce
from watcher.alerts.render import trial
from watcher.errors import DeliveryError, WatcherError


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def down(name: str, *, permanent: bool = False) -> DeliveryError:
    return DeliveryError(
        name, "the service answered 503" if not permanent else "the service answered 403", permanent=permanent
    )


def outbox(memory: Memory, *channels: Channel, clock: Clock | None = None) -> Outbox:
    time = clock or Clock()
    return Outbox(memory, channels, who, clock=time, ticks=time)


def ids(inbox: Inbox) -> list[str]:
    return [message.id for message in inbox.messages]


def test_changes_arrive_in_the_order_of_their_causes_each_with_its_id() -> None:
    memory, inbox = Memory(), Inbox()
    memory.put(change("a"), change("b", key=owner(2)), change("c"), channels=["inbox"])
    asyncio.run(outbox(memory, inbox).deliver(inbox))
    assert ids(inbox) == ["a", "b", "c"]
    assert all(f"id {message.id}" in message.body for message in inbox.messages)
    assert set(memory.state("inbox").values()) == {"sent"}


def test_what_was_told_is_not_told_again() -> None:
    memory, inbox = Memory(), Inbox()
    memory.put(change("a"), channels=["inbox"])
    for _ in range(3):
        asyncio.run(outbox(memory, inbox).deliver(inbox))
    assert ids(inbox) == ["a"]


def test_f50_a_channel_that_is_down_is_tried_again_in_order_and_says_when() -> None:
    memory, clock = Memory(), Clock()
    inbox = Inbox(failures=[down("inbox"), down("inbox")])
    memory.put(change("a"), change("b"), channels=["inbox"])
    box = outbox(memory, inbox, clock=clock)
    waited = []
    while "b" not in ids(inbox):
        pause = asyncio.run(box.deliver(inbox))
        waited.append(pause)
        clock.now += pause
    assert ids(inbox) == ["a", "b"]
    assert sum(waited[:-1]) == 15 + 30
    assert memory.rows["inbox", "a"][1] == 3


def test_f50_what_fails_for_good_is_parked_with_the_reason_and_the_next_one_goes() -> None:
    memory, inbox = Memory(), Inbox(failures=[down("inbox", permanent=True)])
    memory.put(change("a"), change("b"), channels=["inbox"])
    asyncio.run(outbox(memory, inbox).deliver(inbox))
    assert ids(inbox) == ["b"]
    assert memory.state("inbox") == {"a": "parked", "b": "sent"}
    assert memory.rows["inbox", "a"][3] == "the service answered 403"


class Stuck:
    """A channel that never answers."""

    name = "stuck"

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def deliver(self, message: Message) -> None:
        self.asked.set()
        await asyncio.Event().wait()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  # what is waited for is the work of others
            await asyncio.sleep(0.001)


async def beside(box: Outbox, then: Coroutine[Any, Any, None]) -> None:
    """Run the outbox while `then` goes on."""
    running = asyncio.create_task(box.run())
    try:
        await then
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_f50_a_channel_that_hangs_delays_no_other() -> None:
    async def scene() -> None:
        memory, stuck, inbox = Memory(), Stuck(), Inbox()
        memory.put(change("a"), channels=["stuck", "inbox"])
        box = outbox(memory, stuck, inbox)

        async def then() -> None:
            await until(lambda: stuck.asked.is_set() and ids(inbox) == ["a"])
            memory.put(change("b"), channels=["stuck", "inbox"])
            box.ring()
            await until(lambda: ids(inbox) == ["a", "b"])

        await beside(box, then())
        assert memory.state("stuck") == {"a": "pending", "b": "pending"}

    asyncio.run(scene())


def test_f44_nothing_is_told_while_it_cannot_be_noted() -> None:
    class Broken(Memory):
        async def begin(self, channel: str, ids: object) -> None:
            raise WatcherError("the disk is full")

    async def scene() -> None:
        memory, inbox = Broken(), Inbox()
        memory.put(change("a"), channels=["inbox"])
        box = outbox(memory, inbox)

        async def then() -> None:
            for _ in range(5):
                box.ring()
                await asyncio.sleep(0.002)

        await beside(box, then())
        assert inbox.messages == [], "told without being able to note it"

    asyncio.run(scene())


class Killed(BaseException):
    """The process is gone."""


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_f42_killed_at_any_point_it_loses_nothing_and_what_comes_twice_has_the_same_id(data: st.DataObject) -> None:
    """Kills before or after any of the writes and deliveries; then it is started again, until all is told."""

    class Mortal(Memory):
        async def begin(self, channel: str, ids: Any) -> None:
            mortal()
            await super().begin(channel, ids)
            mortal()

        async def sent(self, channel: str, ids: Any, now: int) -> None:
            mortal()
            await super().sent(channel, ids, now)
            mortal()

    lives = [data.draw(st.integers(0, 12)) for _ in range(4)] + [1_000]
    steps = 0

    def mortal() -> None:
        nonlocal steps
        steps += 1
        if steps > lives[0]:
            raise Killed

    memory, inbox = Mortal(), Inbox()
    told = [change(name, key=owner(at)) for at, name in enumerate("abcd"[: data.draw(st.integers(1, 4))])]
    memory.put(*told, channels=["inbox"])
    while lives:
        steps = 0
        with suppress(Killed):
            asyncio.run(outbox(memory, inbox).deliver(inbox))
        lives.pop(0)
    assert list(dict.fromkeys(ids(inbox))) == [one.id for one in told]
    assert set(memory.state("inbox").values()) == {"sent"}
    assert all(ids(inbox).count(one.id) <= 5 for one in told)


def test_f19_a_retraction_follows_what_was_told_also_where_only_the_note_of_it_is_missing() -> None:
    memory, inbox = Memory(), Inbox()
    memory.put(change("a"), channels=["inbox"])
    asyncio.run(memory.begin("inbox", ["a"]))  # and killed after the delivery
    memory.put(retraction("x", "a"), channels=["inbox"])
    asyncio.run(outbox(memory, inbox).deliver(inbox))
    assert ids(inbox) == ["x"]
    assert memory.state("inbox") == {"a": "dropped", "x": "sent"}


def test_an_unknown_that_passes_within_five_minutes_reaches_nobody_and_a_longer_one_is_told_and_ended() -> None:
    memory, inbox, clock = Memory(), Inbox(), Clock()
    box = outbox(memory, inbox, clock=clock)
    memory.put(unknown("u"), channels=["inbox"])
    assert asyncio.run(box.deliver(inbox)) == 30
    memory.put(recovery("r", "u"), channels=["inbox"])
    asyncio.run(box.deliver(inbox))
    assert ids(inbox) == []
    memory.put(unknown("v"), channels=["inbox"])
    clock.now += 300
    asyncio.run(box.deliver(inbox))
    memory.put(recovery("w", "v"), channels=["inbox"])
    asyncio.run(box.deliver(inbox))
    assert ids(inbox) == ["v", "w"]


def test_f51_a_storm_is_a_digest() -> None:
    memory, inbox = Memory(), Inbox()
    memory.put(*(change(f"{n:02}", key=owner(n)) for n in range(SINGLE + 1)), channels=["inbox"])
    asyncio.run(outbox(memory, inbox).deliver(inbox))
    (message,) = inbox.messages
    assert message.title.startswith(f"{SINGLE + 1} changes of {SINGLE + 1} positions")
    assert set(memory.state("inbox").values()) == {"sent"}


def test_f51_no_channel_is_sent_more_than_its_rate_and_the_rest_comes_as_one() -> None:
    memory, inbox, clock = Memory(), Inbox(), Clock()
    box = outbox(memory, inbox, clock=clock)
    for n in range(40):
        memory.put(change(f"{n:02}", key=owner(n)), channels=["inbox"])
        asyncio.run(box.deliver(inbox))
        clock.now += 1
    assert len(inbox.messages) == PER_MINUTE
    clock.now += 60
    asyncio.run(box.deliver(inbox))
    assert len(inbox.messages) == PER_MINUTE + 1
    assert inbox.messages[-1].title.startswith("30 changes")


def test_a_message_past_the_store_goes_to_every_channel_once_and_failures_are_returned() -> None:
    fine, broken = Inbox("fine"), Inbox("broken", failures=[down("broken")])
    failed = asyncio.run(announce([broken, fine], trial(NOW)))
    assert ids(fine) == [f"test-{NOW}"]
    assert [error.channel for error in failed] == ["broken"]
