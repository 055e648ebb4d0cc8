"""Is it the right chain, and does it know the block? An endpoint that changes its mind, and one that lags behind."""

from __future__ import annotations

import asyncio

import pytest

from tests.chain.faults import error, in_turn, result, status
from tests.chain.server import FakeClock, Fault, Scripted, serve
from watcher.chain.classify import NotCanonical, UnknownBlock
from watcher.chain.rpc import VERIFY_EVERY, Rpc
from watcher.errors import Lying


def test_f11_an_endpoint_of_another_chain_is_never_asked_for_anything_else() -> None:
    async def story() -> None:
        clock = FakeClock()
        async with (
            serve(Scripted(chain_id=5), name="wrong") as wrong,
            serve(name="right") as right,
            Rpc([wrong.endpoint, right.endpoint], 1, clock=clock) as rpc,
        ):
            for _ in range(3):
                assert (await rpc.ask("eth_blockNumber")).endpoint == "right"
                clock.pass_(10_000)  # no return by itself
            assert wrong.seen == ["eth_chainId"]
            with pytest.raises(Lying, match=r"^wrong: is on chain 5, not on 1; check its URL$"):
                await rpc.only("wrong").call("eth_blockNumber")

    asyncio.run(story())


def test_f11_an_endpoint_that_moves_to_another_chain_later_is_found_out() -> None:
    async def story() -> None:
        clock, chain = FakeClock(), Scripted()
        async with serve(chain) as server, Rpc([server.endpoint], 1, clock=clock) as rpc:
            await rpc.call("eth_blockNumber")
            chain.chain_id = 5
            clock.pass_(VERIFY_EVERY)
            with pytest.raises(Lying, match="is on chain 5"):
                await rpc.call("eth_blockNumber")
            assert server.seen == ["eth_chainId", "eth_blockNumber", "eth_chainId"]

    asyncio.run(story())


def test_f11_an_endpoint_comes_back_from_a_failure_only_with_the_right_chain_id() -> None:
    async def story() -> None:
        chain = Scripted()
        async with serve(chain, [status(502)]) as server, Rpc([server.endpoint], 1, clock=FakeClock()) as rpc:
            await rpc.verify()
            chain.chain_id = 5
            with pytest.raises(Lying, match="is on chain 5"):
                await rpc.call("eth_blockNumber")

    asyncio.run(story())


def test_f11_a_wrong_chain_id_in_a_batch_condemns_the_whole_batch() -> None:
    async def story() -> None:
        chain = Scripted()
        async with serve(chain) as server, Rpc([server.endpoint], 1) as rpc:
            await rpc.call("eth_blockNumber")
            chain.chain_id = 5
            answers = await rpc.batch([("eth_blockNumber", []), ("eth_chainId", [])])
            assert all(isinstance(answer, Lying) for answer in answers)

    asyncio.run(story())


HASH = Scripted().hash(100)
PINNED = [{"to": "0x" + "11" * 20, "data": "0x"}, {"blockHash": HASH, "requireCanonical": True}]
LAGS = [
    error(-32000, "header not found"),
    error(-32000, "unknown block"),
    error(-32000, "header for hash not found"),
    error(-32001, "Resource not found"),
    error(-39001, "Unknown block"),
    error(-32602, "BlockOutOfRangeError: block height is 5 but requested was 10"),
]


@pytest.mark.parametrize("lag", LAGS)
def test_f15_a_block_that_the_endpoint_does_not_know_is_asked_for_once_more(lag: Fault) -> None:
    async def story() -> None:
        async with serve(faults=[lag]) as server, Rpc([server.endpoint], 1, clock=FakeClock()) as rpc:
            assert await rpc.call("eth_call", PINNED) == "0x"
            assert server.seen == ["eth_chainId", "eth_call", "eth_call"]

    asyncio.run(story())


@pytest.mark.parametrize("lag", LAGS)
def test_f15_then_another_endpoint_and_nobody_is_parked(lag: Fault) -> None:
    async def story() -> None:
        async with (
            serve(always=lag, name="behind") as behind,
            serve(name="ahead") as ahead,
            Rpc([behind.endpoint, ahead.endpoint], 1, clock=FakeClock()) as rpc,
        ):
            for _ in range(2):
                assert (await rpc.ask("eth_call", PINNED)).endpoint == "ahead"
            assert behind.seen.count("eth_call") == 4
            with pytest.raises(UnknownBlock):
                await rpc.only("behind").call("eth_call", PINNED)

    asyncio.run(story())


def test_f15_the_question_is_never_changed_to_the_latest_block() -> None:
    asked: list[object] = []

    def call(transaction: object, block: object) -> str:
        asked.append(block)
        return "0x"

    async def story() -> None:
        chain = Scripted(head=50, call=call)  # does not have block 100 yet
        async with serve(chain) as server, Rpc([server.endpoint], 1, clock=FakeClock()) as rpc:
            with pytest.raises(UnknownBlock):
                await rpc.call("eth_call", PINNED)
            chain.head = 100
            await rpc.call("eth_call", PINNED)
        assert asked == [PINNED[1]]

    asyncio.run(story())


def test_f15_a_block_that_is_null_by_number_or_hash_is_unknown_too() -> None:
    async def story() -> None:
        chain = Scripted(head=50)
        async with serve(chain) as server, Rpc([server.endpoint], 1, clock=FakeClock()) as rpc:
            for method, block in (("eth_getBlockByNumber", "0x64"), ("eth_getBlockByHash", HASH)):
                with pytest.raises(UnknownBlock):
                    await rpc.call(method, [block, False])

    asyncio.run(story())


def test_f15_in_a_batch_only_what_was_unknown_is_asked_again() -> None:
    async def story() -> None:
        chain = Scripted(head=50)
        async with (
            serve(chain, name="behind") as behind,
            serve(name="ahead") as ahead,
            Rpc([behind.endpoint, ahead.endpoint], 1, clock=FakeClock()) as rpc,
        ):
            answers = await rpc.ask_batch([("eth_getBlockByNumber", [hex(number), False]) for number in (40, 60)])
            assert [getattr(answer, "endpoint", None) for answer in answers] == ["behind", "ahead"]
            assert [len(one) for one in behind.seen if isinstance(one, tuple)] == [2, 1]

    asyncio.run(story())


def test_a_block_that_is_no_longer_canonical_is_told_apart_from_one_that_is_not_known_yet() -> None:
    async def story() -> None:
        fault = in_turn([error(-32000, f"hash {HASH} is not currently canonical")])
        async with serve(always=fault) as server, Rpc([server.endpoint], 1, clock=FakeClock()) as rpc:
            with pytest.raises(NotCanonical):
                await rpc.call("eth_call", PINNED)

    asyncio.run(story())


def test_a_block_with_another_hash_than_was_asked_is_a_lie() -> None:
    async def story() -> None:
        other = Scripted(branch="other").block(100)
        async with serve(always=result(other)) as server, Rpc([server.endpoint], 1, clock=FakeClock()) as rpc:
            with pytest.raises(Lying, match=r"block\.hash is not the hash that was asked"):
                await rpc.call("eth_getBlockByHash", [HASH, False])

    asyncio.run(story())
