"""From announced heads to turns: at once, never too often, once more where the block was not there yet, and none for a lie."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from eth_typing import HexStr

from tests.chain.announcer import Story, Wire, announcing
from tests.chain.server import Scripted
from tests.lending import Lending
from tests.watching.program import PATIENCE, program
from tests.watching.scene import CHAIN, Forking
from watcher.chain.heads import Head
from watcher.cli.run import Rounds
from watcher.config.read_watch import load_watch
from watcher.model import BlockRef
from watcher.store import recall
from watcher.store.open import open_store
from watcher.watching import session as pace
from watcher.watching.heads import Announced
from watcher.watching.session import opened
from watcher.watching.turn import Turn

LONG = 3_600.0  # seconds that no test waits


def head(number: int, branch: str = "main") -> Head:
    return Head(number, HexStr(Scripted(branch=branch).hash(number)))


def turn(number: int, branch: str = "main") -> Turn:
    return Turn("testnet", BlockRef(number, 0, 1, head(number, branch).hash))


def looks(story: Callable[[Announced], None], least: float = LONG) -> tuple[int, bool]:
    """How often it was due at once, and whether it will be once more."""
    due = []

    async def main() -> bool:
        announced = Announced(lambda: due.append(1), least)
        story(announced)
        waits = announced._timer is not None
        announced.close()
        return waits

    waits = asyncio.run(main())
    return len(due), waits


def test_a_head_is_looked_at_at_once() -> None:
    assert looks(lambda one: one.heard(head(101))) == (1, False)


def test_however_many_heads_come_at_once_there_is_one_look_more_when_its_time_has_come() -> None:
    def story(one: Announced) -> None:
        for number in range(101, 1_000):
            one.heard(head(number))

    assert looks(story) == (1, True)


def test_a_block_that_was_found_is_not_looked_for_again() -> None:
    def story(one: Announced) -> None:
        one.heard(head(101))
        one.turned(turn(101))

    assert looks(story) == (1, False)


def test_a_block_that_others_do_not_have_yet_is_looked_for_once_more_and_not_for_ever() -> None:
    def story(one: Announced) -> None:
        one.heard(head(10**60))
        for _ in range(20):
            one.turned(turn(100))

    assert looks(story, 0) == (2, False)


def test_a_block_that_replaces_the_one_that_was_read_is_looked_for() -> None:
    def story(one: Announced) -> None:
        one.heard(head(100, "other"))
        one.turned(turn(100))

    assert looks(story) == (1, True)


def test_a_look_that_is_planned_is_left_out_where_another_turn_has_found_the_block() -> None:
    def story(one: Announced) -> None:
        one.heard(head(101))
        one.heard(head(102))
        one.turned(turn(102))

    assert looks(story) == (1, False)


async def watched(
    folder: Path, story: Story, cycles: int, grow: Callable[[Forking], Coroutine[Any, Any, None]]
) -> list[int]:
    """The numbers of the blocks that a run of so many cycles has recorded, with `story` where heads are announced."""
    made = Lending()
    made.pool("eth")
    async with program(folder, made) as at, announcing(story, chain=at.node) as announcer:
        chains = folder / "chains.toml"
        chains.write_text(chains.read_text().replace("rpc = [", f'rpc = [{{ url = "{announcer.url}" }}, '))
        growing = asyncio.create_task(grow(at.node))
        async with opened(load_watch(folder / "watcher.toml", {}), {}, io.StringIO()) as session:
            async with asyncio.timeout(PATIENCE):
                await Rounds(session, cycles, asyncio.Event()).run()
        growing.cancel()
        assert announcer.connections >= 1
    with open_store(folder / "watcher.db") as store:
        return [block.number for block in reversed(recall.blocks(store, CHAIN))]


async def still(node: Forking) -> None:
    """Only whoever announces blocks makes them."""


async def growth(node: Forking) -> None:
    while True:
        await asyncio.sleep(0.05)
        node.head += 1


@pytest.mark.slow
def test_a_turn_comes_with_the_head_and_not_with_the_next_poll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "POLL", (LONG, LONG))
    monkeypatch.setattr(pace, "LEAST", 0.0)

    async def telling(wire: Wire) -> None:
        await wire.opened()
        while not wire.socket.closed:
            await asyncio.sleep(0.3)
            wire.chain.head += 1
            await wire.head(wire.chain.head)

    numbers = asyncio.run(watched(tmp_path, telling, 4, still))
    assert len(numbers) == 4
    assert numbers[0] in (100, 101)


async def mute(wire: Wire) -> None:
    await wire.opened()
    await wire.hold()


async def gone(wire: Wire) -> None:
    await wire.opened()


async def another_chain(wire: Wire) -> None:
    await wire.answer(result="0x5")
    await wire.hold()


async def nonsense(wire: Wire) -> None:
    await wire.opened()
    await wire.send("{")
    await wire.hold()


async def far_ahead(wire: Wire) -> None:
    """Heads that there are not, as fast as they go out."""
    await wire.opened()
    number = 10**9
    while not wire.socket.closed:
        number += 1
        await wire.head(0, number=hex(number), hash=wire.chain.hash(number))
        await asyncio.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("story", [mute, gone, another_chain, nonsense, far_ahead])
def test_whatever_the_announcer_does_heads_are_asked_for_as_without_it(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "POLL", (0.05, 0.05))
    numbers = asyncio.run(watched(tmp_path, story, 4, growth))
    assert len(numbers) == 4
    assert max(numbers) < 10**6
