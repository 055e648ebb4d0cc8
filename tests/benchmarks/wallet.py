"""One wallet in twelve markets of one chain, against the slowest of them alone: over a line that answers as slowly as a public endpoint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import ClientSession, web

from tests.benchmarks.row import Row
from tests.onchain.everything.world import OWNER, deployed, invest
from watcher.config import Endpoint
from watcher.connection import Pin, connect
from watcher.cycle import cycle
from watcher.localchain.aave_v30 import deploy_v30
from watcher.localchain.anvil import Anvil
from watcher.model import Market

LATENCY = 0.06  # seconds that every answer takes longer: a public endpoint on another continent
ROUNDS = 3
BOUND = 2


def rows() -> list[Row]:
    return asyncio.run(measure())


async def measure() -> list[Row]:
    """Wall time, which is what the owner waits; the best of three, with terms unknown and with terms of an earlier cycle."""
    chain = Anvil()
    try:
        world = await deployed(chain, large=False)
        older = await deploy_v30(chain)
        await invest(world)
        morpho = (world.morpho.market(name) for name in world.morpho.markets)
        markets = [*world.configured().markets, older.market(), *morpho]
        async with far(chain.url) as url:
            configured = replace(world.configured(), endpoints=(Endpoint("far", url),))
            async with connect(configured) as line:
                pin = await line.pin()
                return [await _compared(pin, markets, cached) for cached in (False, True)]
    finally:
        await chain.stop()


async def _compared(pin: Pin, markets: Sequence[Market], cached: bool) -> Row:
    known = {one.market.name: one.terms for one in await cycle(pin.line.reader, pin.block, markets, [OWNER])}
    given = known if cached else None
    alone = [await _best(pin, [market], given) for market in markets]
    together = await _best(pin, markets, given)
    what = "terms cached" if cached else "terms unknown"
    name = f"{len(markets)} markets over the slowest, {what}"
    return Row(name, "ms", together * 1e3, max(alone) * 1e3, together / max(alone), BOUND, at_most=True)


async def _best(pin: Pin, markets: Sequence[Market], known: Mapping[str, Any] | None) -> float:
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = await cycle(pin.line.reader, pin.block, markets, [OWNER], known)
        taken.append(time.perf_counter() - start)
        assert [one.error for one in found] == [None] * len(markets)
    return min(taken)


@asynccontextmanager
async def far(url: str) -> AsyncIterator[str]:
    """The node at `url`, every answer of it later by `LATENCY`."""
    async with ClientSession() as session:

        async def forward(request: web.Request) -> web.Response:
            body = await request.read()
            await asyncio.sleep(LATENCY)
            async with session.post(url, data=body, headers={"content-type": "application/json"}) as answer:
                return web.Response(body=await answer.read(), content_type="application/json")

        app = web.Application(client_max_size=2**26)
        app.router.add_post("/", forward)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
