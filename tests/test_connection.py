"""Which block is meant by a number or a time, who is asked for it, and where an endpoint without a chain belongs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from tests.chain.faults import hang, status
from tests.chain.server import Fault, Scripted, Server, closed_port, honest, serve
from watcher.config import Chain, Config, Endpoint, Origin
from watcher.connection import Pin, connect, only, placed
from watcher.errors import ConfigError, EndpointError, StaleHead, UsageError
from watcher.model import Market

TIMES = [0, 1, 1, 900, 901, 902, 50_000, 50_001, 50_001, 50_013, 90_000]  # of blocks 0 to 10: as irregular as it gets
POOL = Market(1, "aave_v3", "testnet/aave-v3/core", "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2")  # type: ignore[arg-type]


@dataclass
class Irregular(Scripted):
    """Blocks at `TIMES`, in seconds after a start."""

    head: int = len(TIMES) - 1

    def block(self, number: int) -> dict[str, Any] | None:
        found = super().block(number)
        return None if found is None else found | {"timestamp": hex(1_700_000_000 + TIMES[number])}


def chain(servers: Sequence[Server], *, stale_head: int = 10**9, origins: Sequence[Origin] = ()) -> Chain:
    places = list(origins) or [Origin.FILE] * len(servers)
    endpoints = tuple(Endpoint(server.name, server.url, place) for server, place in zip(servers, places, strict=True))
    return Chain("testnet", 1, endpoints, Decimal(12), 64, stale_head, None)


def pin(
    *nodes: tuple[Scripted, Fault],
    number: int | None = None,
    before: int | None = None,
    stale_head: int = 10**9,
    origins: Sequence[Origin] = (),
) -> Pin:
    """Pinned over nodes called a, b, c …"""

    async def run() -> Pin:
        async with AsyncExitStack() as stack:
            servers = [
                await stack.enter_async_context(serve(node, name=name, always=fault))
                for name, (node, fault) in zip("abcdef", nodes, strict=False)
            ]
            line = await stack.enter_async_context(connect(chain(servers, stale_head=stale_head, origins=origins)))
            return await line.pin(number, before)

    return asyncio.run(run())


@pytest.mark.parametrize("time", range(0, 91_000, 457))
def test_the_block_of_a_time_is_the_newest_one_not_after_it(time: int) -> None:
    expected = max(number for number, at in enumerate(TIMES) if at <= time)
    assert pin((Irregular(), honest), before=1_700_000_000 + time).block.number == expected


@pytest.mark.parametrize("number", range(len(TIMES)))
def test_the_very_second_of_a_block_belongs_to_it(number: int) -> None:
    found = pin((Irregular(), honest), before=1_700_000_000 + TIMES[number]).block
    assert found.number == max(n for n, at in enumerate(TIMES) if at == TIMES[number])


def test_a_time_before_the_first_block_has_none() -> None:
    with pytest.raises(UsageError, match=r"testnet had no block at that time; its first is of 2023-11-14 22:13:20 UTC"):
        pin((Irregular(), honest), before=1_699_999_999)


def test_a_time_to_come_is_the_head() -> None:
    assert pin((Irregular(), honest), before=4_000_000_000).block.number == 10


def test_a_time_to_come_is_not_the_head_of_a_chain_that_stands_still() -> None:
    with pytest.raises(StaleHead, match=r"newest block of testnet, 10, is .* s old; ask for an earlier time"):
        pin((Irregular(), honest), before=4_000_000_000, stale_head=60)


def test_an_earlier_time_can_be_read_from_a_chain_that_stands_still() -> None:
    assert pin((Irregular(), honest), before=1_700_001_000, stale_head=60).block.number == 5


def test_f24_a_head_that_is_too_old_says_what_to_do() -> None:
    with pytest.raises(StaleHead, match="try another endpoint with --rpc URL, or read that block with --block"):
        pin((Scripted(), honest), stale_head=60)


def test_a_block_by_number_may_be_of_any_age() -> None:
    assert pin((Scripted(), honest), number=7, stale_head=60).block.number == 7


def test_a_block_that_is_not_there_yet_is_an_error() -> None:
    with pytest.raises(EndpointError, match="block not known"):
        pin((Scripted(), honest), number=101)


def test_f13_the_line_that_is_left_does_not_ask_the_fork() -> None:
    found = pin((Scripted(branch="private"), honest), (Scripted(), honest), (Scripted(), honest))
    assert found.holders == found.line.rpc.endpoints == ("b", "c")
    assert found.notes == ("a has another block 100 than most, a fork of its own, and was not asked",)


def test_f13_the_block_of_a_time_is_looked_up_on_the_agreed_chain() -> None:
    found = pin((Scripted(branch="private"), honest), (Scripted(), honest), (Scripted(), honest), before=1_700_000_100)
    assert (found.block.number, found.block.hash) == (8, Scripted().hash(8))
    assert found.line.rpc.endpoints == ("b", "c")


def test_endpoints_beyond_the_third_and_silent_ones_are_left_as_reserves() -> None:
    found = pin((Scripted(), hang), *[(Scripted(), honest)] * 3)
    assert found.holders == ("b", "c")
    assert found.line.rpc.endpoints == ("b", "c", "a", "d")


def test_public_endpoints_have_no_say_beside_one_of_our_own() -> None:
    own = Scripted(branch="my own fork", head=105)
    origins = (Origin.FLAG, Origin.SHIPPED, Origin.SHIPPED)
    found = pin((own, honest), (Scripted(), honest), (Scripted(), honest), origins=origins)
    assert (found.block.hash, found.holders, found.notes) == (own.hash(105), ("a",), ())


def test_public_endpoints_in_place_of_a_dead_one_of_our_own_are_named() -> None:
    found = pin((Scripted(), status(404)), (Scripted(), honest), origins=(Origin.FLAG, Origin.SHIPPED))
    assert found.holders == ("b",)
    assert found.notes == ("a: HTTP 404; check its URL", "b asked instead: they learn the addresses")


def test_a_chain_without_an_endpoint_says_how_to_name_one() -> None:
    async def run() -> None:
        async with connect(chain([])):
            pass

    with pytest.raises(ConfigError, match="no endpoint is known for testnet: give one with --rpc URL or WATCHER_RPC_1"):
        asyncio.run(run())


def config(*endpoints: Endpoint) -> Config:
    first = replace(chain([]), markets=(POOL,))
    return Config((first, replace(first, name="other", id=7, markets=())), endpoints)


def test_an_endpoint_belongs_to_the_chain_that_it_names() -> None:
    async def run() -> Config:
        async with serve(Scripted(chain_id=7)) as server:
            return await placed(config(Endpoint("mine", server.url, Origin.FLAG)))

    found = asyncio.run(run())
    assert [(one.name, [e.name for e in one.endpoints]) for one in found.chains] == [("other", ["mine"])]
    assert found.unplaced == ()


def test_eth_rpc_url_leaves_the_other_chains_in() -> None:
    async def run() -> Config:
        async with serve(Scripted(chain_id=7)) as server:
            return await placed(config(Endpoint("mine", server.url, Origin.FOUNDRY_VARIABLE)))

    assert [one.name for one in asyncio.run(run()).chains] == ["testnet", "other"]


def test_a_dead_endpoint_of_rpc_says_who_named_it_and_what_to_do() -> None:
    with pytest.raises(EndpointError) as caught:
        asyncio.run(placed(config(Endpoint("mine", f"{closed_port()}/v3/CANARY", Origin.FLAG))))
    text = str(caught.value)
    assert text.startswith("mine: no connection (")
    assert text.endswith("it was named by --rpc: correct it, or leave it out")
    assert "CANARY" not in text


def test_a_dead_eth_rpc_url_is_passed_over_and_said(caplog: pytest.LogCaptureFixture) -> None:
    dead = Endpoint("mine", f"{closed_port()}/v3/CANARY", Origin.FOUNDRY_VARIABLE)
    with caplog.at_level(logging.WARNING, "watcher"):
        found = asyncio.run(placed(config(dead)))
    assert [(one.name, one.endpoints) for one in found.chains] == [("testnet", ()), ("other", ())]
    assert found.unplaced == ()
    assert "it was named by ETH_RPC_URL: correct it, or leave it out; the other endpoints are asked" in caplog.text
    assert "CANARY" not in caplog.text


def test_an_endpoint_of_a_chain_that_is_not_configured_is_refused() -> None:
    async def run() -> Config:
        async with serve(Scripted(chain_id=99)) as server:
            return await placed(config(Endpoint("mine", server.url, Origin.FLAG)))

    with pytest.raises(UsageError, match="mine serves chain 99, which is not configured"):
        asyncio.run(run())


def test_a_market_by_name_leaves_only_its_chain_and_no_search() -> None:
    found = only(config(), ["testnet/aave-v3/core"])
    assert [(one.name, one.markets, one.singletons) for one in found.chains] == [("testnet", (POOL,), ())]
    assert only(config(), []) == config()
