"""The blocks at regular times, on a chain whose blocks come as they like."""

from __future__ import annotations

import asyncio

import pytest

from tests.chain.server import serve
from tests.test_connection import TIMES, Irregular, chain
from watcher.backfill.grid import blocks_at, times
from watcher.connection import connect
from watcher.model import BlockRef

START = 1_700_000_000


def at(seconds: int) -> BlockRef:
    return BlockRef(0, seconds, 1, "0x00")  # type: ignore[arg-type]


def test_times_are_multiples_so_that_another_run_asks_for_the_same() -> None:
    assert times(at(3_601), at(10_800), 3_600) == (7_200, 10_800)
    assert times(at(3_600), at(7_199), 3_600) == (3_600,)
    assert times(at(3_601), at(7_199), 3_600) == ()


@pytest.mark.parametrize("every", [1, 450, 900, 10_000, 100_000])
def test_every_time_finds_the_newest_block_that_is_not_after_it(every: int) -> None:
    moments = range(START, START + TIMES[-1] + 1, every)[:2_000]

    async def run() -> list[int]:
        async with serve(Irregular()) as server, connect(chain([server])) as line:
            low, high = await line.block(0), await line.block(len(TIMES) - 1)
            return [block.number for block in await blocks_at(line, moments, low, high)]

    wanted = {max(n for n, time in enumerate(TIMES) if START + time <= moment) for moment in moments}
    assert asyncio.run(run()) == sorted(wanted)
