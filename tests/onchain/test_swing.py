"""A held node goes on by itself: blocks at the present time, with other prices in every feed."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from itertools import groupby

from tests.onchain.conftest import Local
from watcher.localchain.anvil import Anvil
from watcher.localchain.stage.play import Play
from watcher.localchain.stage.swing import swing
from watcher.localchain.stage.world import World


def test_a_held_node_moves_its_prices_at_the_present_time(local: Local, chain: Anvil) -> None:
    world = World(chain, local.v30, local.v36, local.morpho)
    feeds = [market.reserves["WETH"].feed for market in (world.v30, world.v36)]

    async def run() -> tuple[list[list[int]], int]:
        first = await chain.block_number()
        with suppress(TimeoutError):
            await asyncio.wait_for(swing(await Play.of(world), 0.01), 3)
        places = [hex(number) for number in range(first, await chain.block_number() + 1)]
        answers = [[await feed.call("latestAnswer", block=place) for place in places] for feed in feeds]
        return answers, await chain.timestamp()

    answers, timestamp = asyncio.run(run())
    for course in answers:
        moved = [price // 10**8 for price, _ in groupby(course)]
        assert moved[1:4] == [1_640, 1_620, 1_600]
    assert timestamp >= time.time() - 60
