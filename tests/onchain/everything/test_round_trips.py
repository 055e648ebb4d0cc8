"""All markets of a chain at once: the sequential round trips of the longest, whatever their number."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.onchain.everything.world import OWNER, SMALL, World
from watcher.adapters import adapter
from watcher.connection import Pin, connect
from watcher.cycle import MarketCycle, cycle
from watcher.model import Market

UNKNOWN, CACHED = 8, 3  # round trips, with terms unknown and with terms of an earlier cycle


async def counted(
    pin: Pin, markets: Sequence[Market], known: Mapping[str, Any] | None
) -> tuple[int, tuple[MarketCycle, ...]]:
    reader = pin.line.reader
    before = reader.rounds
    found = await cycle(reader, pin.block, markets, [OWNER], known)
    assert [one.error for one in found] == [None] * len(markets)
    return reader.rounds - before, found


async def trips(pin: Pin, markets: Sequence[Market]) -> tuple[int, int]:
    unknown, found = await counted(pin, markets, None)
    cached, again = await counted(pin, markets, {one.market.name: one.terms for one in found})
    assert [one.rows for one in again] == [one.rows for one in found]
    return unknown, cached


def together(world: World, families: set[str]) -> tuple[int, int]:
    """Each market alone, then all of them: as many as the longest of them, with terms unknown and with terms cached."""

    async def run() -> tuple[int, int]:
        chain = world.configured()
        async with connect(chain) as line:
            pin = await line.pin()
            markets = [
                *chain.markets,
                *(world.morpho.market(name) for name in ("WETH/USDC", "wstETH/WETH", "USDC/WETH")),
            ]
            for registry in chain.registries:
                listed = adapter(registry.protocol).listed
                assert listed is not None
                markets += await pin.line.reader.run(listed(registry), pin.block)
            assert {market.protocol for market in markets} == families
            alone = [await trips(pin, [market]) for market in markets]
            found = await trips(pin, markets)
        assert found == tuple(map(max, zip(*alone, strict=True)))
        return found

    return asyncio.run(run())


def test_all_markets_of_a_chain_cost_the_round_trips_of_one(world: World) -> None:
    unknown, cached = together(world, SMALL)
    assert unknown <= UNKNOWN
    assert cached <= CACHED


def test_venus_costs_no_more(with_venus: World) -> None:
    unknown, cached = together(with_venus, SMALL | {"venus", "venus_isolated"})
    assert unknown <= UNKNOWN
    assert cached <= CACHED


@pytest.mark.parametrize("several", [1, 20])
def test_more_owners_cost_no_round_trip_more(world: World, several: int) -> None:
    async def run() -> int:
        async with connect(world.configured()) as line:
            pin = await line.pin()
            reader, before = pin.line.reader, pin.line.reader.rounds
            owners = [OWNER, *(world.v3.pool.address for _ in range(several - 1))]
            await cycle(reader, pin.block, line.chain.markets, owners)
            return reader.rounds - before

    assert asyncio.run(run()) <= UNKNOWN
