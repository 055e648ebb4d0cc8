"""Pasts that were begun go on with the watcher; what nobody began is left alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.lending import PAR
from tests.watching.scene import COIN, GENESIS, Scene, scene
from watcher.errors import AnswerError
from watcher.prices import quotes as told
from watcher.prices.quotes import quotes
from watcher.store.prices import Extent, Source, enter, extents
from watcher.watching.prolong import prolong

HOUR = 3_600


async def hours(at: Scene, count: int) -> None:
    """So many hours, a reading at the end of each."""
    for _ in range(count):
        await at.turn(HOUR // 12)


async def prolonged(at: Scene) -> int:
    tip = at.tip()
    assert tip is not None
    return await prolong(at.watched, tip, at.watched.markets)


def begun(at: Scene) -> tuple[Extent, ...]:
    return extents(at.journal.store)


def test_quotes_that_a_sync_has_begun_go_on_with_what_was_read_since(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as at:
            await at.turn()
            await hours(at, 3)
            end = GENESIS + 12 * at.node.head + 1
            for one in quotes(at.journal.store, at.watched.markets[0], 0, end):
                enter(at.journal.store, one.source, one.told)
            (first,) = begun(at)
            at.lending.pools["eth"].price = PAR * 11 // 10
            await hours(at, 4)
            new = await prolonged(at)
            (after,) = begun(at)
            assert new == after.rows - first.rows
            assert 2 <= new <= 4  # what a reorganisation could still take away waits
            assert (after.first, after.last > first.last) == (first.first, True)
            assert await prolonged(at) == 0

    asyncio.run(story())


def test_what_nobody_began_is_left_alone_and_so_is_a_file_or_an_exchange(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path) as at:
            await at.turn()
            await hours(at, 3)
            assert await prolonged(at) == 0
            enter(at.journal.store, Source("ETH/USD", "binance ETHUSDT", 18), [(GENESIS, COIN)])
            enter(at.journal.store, Source("ETH/USD", "file eth.csv", 18), [(GENESIS, COIN)])
            asked = at.server.hits
            assert await prolonged(at) == 0
            assert (at.server.hits, [one.rows for one in begun(at)]) == (asked, [1, 1])

    asyncio.run(story())


def test_a_source_that_fails_is_said_and_keeps_what_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise AnswerError("no such round")

    async def story() -> None:
        async with scene(tmp_path) as at:
            await at.turn()
            await hours(at, 2)
            for one in quotes(at.journal.store, at.watched.markets[0], 0, GENESIS + 12 * at.node.head + 1):
                enter(at.journal.store, one.source, one.told)
            before = begun(at)
            await hours(at, 3)
            monkeypatch.setattr(told.Quotes, "marks", broken)
            assert await prolonged(at) == 0
            assert begun(at) == before

    with caplog.at_level("WARNING", "watcher"):
        asyncio.run(story())
    assert "no such round" in caplog.text
