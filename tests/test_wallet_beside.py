"""What a wallet reads beside its markets, through nodes that fail or lie: never towards "nobody" or zero."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from eth_abi import abi as eth
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.chain.evm import Evm, Reverted
from tests.chain.server import Scripted, honest, serve
from tests.lending import LOAN, OWNER, Lending, chain_at
from watcher.chain.abi import function
from watcher.config import Proxies, UsdFeed
from watcher.portfolio.holders import Holder
from watcher.wallet import Wallet, read_wallet

DS, FEED = (to_checksum_address("0x" + "d5" * 20), to_checksum_address("0x" + "fe" * 20))
PROXY, OTHER = (to_checksum_address(keccak(text=name)[-20:]) for name in ("proxy", "other"))
Contract = Callable[[bytes], bytes]


def answering(**answers: Any) -> Contract:
    """A contract of these functions, by the name below abis/ with two underscores for its slash and point."""
    known = {function(name.replace("__", "/", 1).replace("__", ".")): value for name, value in answers.items()}

    def call(data: bytes) -> bytes:
        for shape, values in known.items():
            if data[:4] == shape.selector:
                return eth.encode(shape.outputs, values)
        raise Reverted()

    return call


def registry(proxy: str) -> dict[str, Contract]:
    return {
        DS.lower(): answering(proxy__ds_registry__proxies=[proxy]),
        PROXY.lower(): answering(proxy__ds_proxy__owner=[OWNER]),
    }


def feed(answer: int) -> dict[str, Contract]:
    return {
        FEED.lower(): answering(
            chainlink__feed__description=["COIN / USD"],
            chainlink__feed__decimals=[8],
            chainlink__feed__latestRoundData=[1, answer, 0, 1_700_000_000, 1],
        )
    }


def wallet(*others: dict[str, Contract]) -> Wallet:
    """`OWNER`'s wallet through one node for each of `others`, which are its contracts besides the lending ones."""
    lending = Lending()
    lending.pool("eth")

    def node(more: dict[str, Contract]) -> Scripted:
        made = lending.node()
        assert isinstance(made.call, Evm)
        made.call.contracts.update(more)
        return made

    async def run() -> Wallet:
        async with AsyncExitStack() as stack:
            servers = [
                await stack.enter_async_context(serve(node(more), name=name, always=honest))
                for name, more in zip("abc", others, strict=False)
            ]
            chain = chain_at(*servers, markets=(lending.market("eth"),))
            chain = replace(chain, proxies=Proxies(ds=DS), usd=(UsdFeed(LOAN, FEED),))
            return await read_wallet(chain, [OWNER])

    return asyncio.run(run())


def test_a_proxy_is_read_behind_its_owner() -> None:
    found = wallet(registry(PROXY) | feed(10**8))
    assert found.beside.holders.all == (Holder(OWNER), Holder(PROXY, OWNER, "DSProxy"))
    assert found.complete


def test_a_registry_that_fails_leaves_the_owner_and_says_that_something_may_be_missing() -> None:
    found = wallet(feed(10**8))
    assert found.beside.holders.all == (Holder(OWNER),)
    assert [row.reading.valuation is not None for row in found.rows] == [True]
    (lost,) = found.beside.lost
    assert lost.startswith("the proxies of the addresses: ")
    assert not found.complete


@pytest.mark.parametrize("lie", [PROXY, OTHER, "0x" + "00" * 20], ids=["another", "a stranger", "nobody"])
def test_f14_two_endpoints_that_differ_about_proxies_leave_them_unknown(lie: str) -> None:
    truth = OTHER if lie == PROXY else PROXY
    liar = registry(lie) | feed(10**8) | {OTHER.lower(): answering(proxy__ds_proxy__owner=[OWNER])}
    honest_one = registry(truth) | feed(10**8) | {OTHER.lower(): answering(proxy__ds_proxy__owner=[OWNER])}
    found = wallet(honest_one, liar)
    assert found.beside.lost == ("the proxies of the addresses: a and b answer differently",)
    assert not found.complete


def test_f14_two_endpoints_that_differ_about_a_dollar_leave_it_unknown_and_the_positions_as_they_are() -> None:
    found = wallet(registry(PROXY) | feed(10**8), registry(PROXY) | feed(10**9))
    assert found.beside.rates.reason == "a and b answer differently"
    assert found.beside.rates.known == {}
    assert found.complete
    assert found.confirmed_by == 2


def test_a_feed_that_only_one_endpoint_has_is_unknown_and_the_proxies_are_not() -> None:
    found = wallet(registry(PROXY), registry(PROXY) | feed(10**8))
    assert (found.beside.rates.reason, found.beside.rates.known) == ("a and b answer differently", {})
    assert found.beside.holders.addresses == (OWNER, PROXY)
    assert found.complete
