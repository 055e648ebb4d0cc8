"""What stands behind the prices of tracked positions, looked at by the wall clock: replaced feeds, an old heartbeat, the sequencer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from eth_typing import ChecksumAddress

from tests.adapters.situations import address
from tests.lending import UPTIME
from tests.watching.scene import GENESIS, Scene, scene
from tests.watching.test_desk import Heard, desk
from tests.watching.test_upkeep import upkeep
from watcher.config import Heartbeat
from watcher.oracle.trust import FRESH

FIRST, SECOND = address(0x700), address(0x701)


def told(folder: Path, *changes: Callable[[Scene], None], first: ChecksumAddress = FIRST) -> list[tuple[str, str]]:
    """Title and first line of what is said while these changes happen, one before each block; the feed is always fresh before."""

    async def main() -> list[tuple[str, str]]:
        heard = Heard()
        async with scene(folder) as at:
            pool = at.lending.pools["eth"]
            pool.price, pool.aggregator = 10**36, first
            one = desk(at, [heard])
            jobs = upkeep(one, at.journal)
            for change in (lambda _: None, *changes):
                at.node.head += 1
                pool.updated = GENESIS + 12 * at.node.head - 60
                change(at)
                await one.turn("testnet")
                await jobs.prices()
            await one.said()
        return [(message.title, message.body.splitlines()[0]) for message in heard.said]

    return asyncio.run(main())


def chain(at: Scene, **values: object) -> None:
    """The configuration of the chain that is watched, changed."""
    line = at.watched.line
    at.watched.line = replace(line, chain=replace(line.chain, **values))  # type: ignore[arg-type]


def test_f27_a_feed_that_is_replaced_without_an_event_is_told_and_a_day_later_it_is_over(tmp_path: Path) -> None:
    def replaced(at: Scene) -> None:
        at.lending.pools["eth"].aggregator = SECOND

    def later(at: Scene) -> None:
        at.node.head += FRESH // 12
        at.lending.pools["eth"].updated = GENESIS + 12 * at.node.head - 60

    (title, line), (after, end) = told(tmp_path, replaced, lambda _: None, later)
    assert title == "A PRICE IS IN DOUBT"
    assert f"whose aggregator was replaced: {FIRST} before, {SECOND} now" in line
    assert (after, end) == ("A PRICE IS NOT DOUBTED ANY MORE", f"no longer: {line}")


def test_f26_a_feed_is_overdue_by_its_own_heartbeat(tmp_path: Path) -> None:
    def hourly(at: Scene) -> None:
        chain(at, heartbeats=(Heartbeat(at.lending.pools["eth"].feed, 3_600),))

    def aged(at: Scene) -> None:
        hourly(at)
        at.lending.pools["eth"].updated = GENESIS + 12 * at.node.head - 2 * 3_600

    ((title, line),) = told(tmp_path, hourly, aged)
    assert title == "A PRICE IS IN DOUBT"
    assert line.endswith("which was last updated 2 hours ago and promises a round every 60 minutes")


def test_f25_an_uptime_feed_without_a_word_is_no_all_clear(tmp_path: Path) -> None:
    ((title, line),) = told(tmp_path, lambda at: chain(at, sequencer=UPTIME))
    assert title == "A PRICE IS IN DOUBT"
    assert line == "testnet: whether the sequencer is up cannot be told: its uptime feed does not answer"


def test_f25_a_sequencer_that_is_down_is_told_once_and_its_return_when_the_hour_after_it_is_over(
    tmp_path: Path,
) -> None:
    def watched(at: Scene) -> None:
        at.lending.sequencer = (1, 0, GENESIS - 10**6, 0, 1)
        chain(at, sequencer=UPTIME)

    def down(at: Scene) -> None:
        at.lending.sequencer = (2, 1, GENESIS + 12 * at.node.head - 600, 0, 2)

    def back(at: Scene) -> None:
        at.lending.sequencer = (3, 0, GENESIS + 12 * at.node.head - 60, 0, 3)

    def settled(at: Scene) -> None:
        at.lending.sequencer = (3, 0, GENESIS + 12 * at.node.head - 3_600, 0, 3)

    said = told(tmp_path, watched, down, lambda _: None, back, settled)
    assert said == [
        ("A PRICE IS IN DOUBT", "testnet: the sequencer is down, for 10 minutes"),
        ("A PRICE IS NOT DOUBTED ANY MORE", "no longer: testnet: the sequencer has been back for 1 minute only"),
    ]
