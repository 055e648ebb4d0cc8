"""Logs of a range, from endpoints with limits, in order, each once, and never past a block that was not certainly served."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web
from eth_abi import abi as eth
from eth_utils.address import to_checksum_address

from tests.chain.faults import status
from tests.chain.server import Exchange, Oops, Scripted, Server, honest, serve
from watcher.adapter import Event, LogQuery
from watcher.chain.abi import event
from watcher.chain.logs import START, Window, logs
from watcher.chain.provider import Provider
from watcher.chain.rpc import Rpc
from watcher.errors import AnswerError, EndpointError, RangeTooWide

from web3 import AsyncHTTPProvider, AsyncWeb3  # isort: skip  # after the provider, which puts the recursion limit back

NAME = "morpho_blue/morpho.AccrueInterest"
MORPHO = to_checksum_address("0x" + "5e" * 20)
MARKET = b"\x11" * 32
ASKED = LogQuery((MORPHO,), (NAME,), lambda found: int(found.args[2]), ((MARKET,),))
Walk = list[tuple[int, list[int]]]


def chain(*blocks: int, head: int = 20_000, **changed: Any) -> Scripted:
    """A chain with one log in each of these blocks, whose interest is the block's number."""
    node = Scripted(head=head, **changed)
    topics = ["0x" + event(NAME).topic.hex(), "0x" + MARKET.hex()]
    for number in blocks:
        node.log(number, 0, MORPHO, topics, "0x" + eth.encode(["uint256"] * 3, [1, number, 2]).hex())
    return node


async def walked(w3: Any, first: int, last: int, query: LogQuery[int] = ASKED, **options: Any) -> Walk:
    return [(upto, [value for _, value in rows]) async for upto, rows in logs(w3, query, first, last, **options)]


def walk(nodes: Sequence[AbstractAsyncContextManager[Server]], first: int, last: int, **options: Any) -> Walk:
    """The windows read from these servers, in order of preference."""

    async def main() -> Walk:
        running = [await server.__aenter__() for server in nodes]
        try:
            async with Rpc([server.endpoint for server in running]) as rpc:
                return await walked(AsyncWeb3(Provider(rpc)), first, last, **options)
        finally:
            for server in nodes:
                await server.__aexit__(None, None, None)

    return asyncio.run(main())


def values(windows: Walk) -> list[int]:
    return [value for _, rows in windows for value in rows]


class TestAWalk:
    def test_a_range_is_read_in_windows_and_every_window_says_how_far_it_is_sure(self) -> None:
        windows = walk([serve(chain(1, 1_999, 2_000, 4_500))], 0, 5_000)
        assert windows == [(1_999, [1, 1_999]), (3_999, [2_000]), (5_000, [4_500])]

    def test_backward_the_newest_log_comes_first(self) -> None:
        windows = walk([serve(chain(1, 1_999, 4_000, 4_500))], 0, 5_000, backward=True)
        assert windows == [(3_001, [4_500, 4_000]), (1_001, [1_999]), (0, [1])]

    def test_an_empty_range_asks_nothing(self) -> None:
        assert walk([serve(chain())], 10, 9) == []

    def test_f18_a_log_that_is_served_twice_counts_once_and_disorder_is_put_in_order(self) -> None:
        node = chain(7, 3, 5)
        node.logs.append(node.logs[0])
        assert values(walk([serve(node)], 0, 10)) == [3, 5, 7]
        assert values(walk([serve(node)], 0, 10, backward=True)) == [7, 5, 3]

    def test_f18_logs_of_one_block_come_by_their_index_whatever_the_order_they_were_served_in(self) -> None:
        node = chain(5, 5, 5)
        for log, index in zip(node.logs, (11, 2, 3), strict=True):
            log["logIndex"] = hex(index)
            log["data"] = "0x" + eth.encode(["uint256"] * 3, [1, index, 2]).hex()
        assert walk([serve(node)], 0, 10) == [(10, [2, 3, 11])]

    def test_a_log_carries_its_block_and_hash(self) -> None:
        node = chain(7)

        async def main() -> list[Event]:
            async with serve(node) as server, Rpc([server.endpoint]) as rpc:
                return [found async for _, rows in logs(AsyncWeb3(Provider(rpc)), ASKED, 0, 10) for found, _ in rows]

        (found,) = asyncio.run(main())
        assert found == Event(NAME, MORPHO, (MARKET, 1, 7, 2), 7, node.hash(7), 0)  # type: ignore[arg-type]

    def test_a_single_block_is_asked_by_its_hash(self) -> None:
        node = chain(7)
        seen: list[Any] = []
        matching = node.matching
        node.matching = lambda asked: (seen.append(asked), matching(asked))[1]  # type: ignore[method-assign,func-returns-value]
        assert walk([serve(node)], 7, 7) == [(7, [7])]
        assert [asked.get("blockHash") for asked in seen] == [node.hash(7)]

    def test_a_plain_web3_http_provider_serves_as_well(self) -> None:
        async def main() -> Walk:
            async with serve(chain(7, 3_000)) as server:
                w3 = AsyncWeb3(AsyncHTTPProvider(server.url))
                windows = await walked(w3, 0, 3_500)
                await w3.provider.disconnect()
                return windows

        assert asyncio.run(main()) == [(1_999, [7]), (3_500, [3_000])]


class TestF16RangesThatAreTooWide:
    """F16: split, and remember what each endpoint serves."""

    @pytest.mark.parametrize(
        ("limit", "text"),
        [
            (10, "You can make eth_getLogs requests with up to a 10 block range."),
            (1_024, "block range is too wide (maximum 1024)"),
            (50, "eth_getLogs is limited to 0 - 50 blocks range"),
            (1_000, "range 2000 exceeds limit of 1000"),
            (800, "exceed maximum block range: 800"),
            (700, "query returned more than 10000 results"),
        ],
    )
    def test_f16_every_log_is_found_below_the_limit_that_a_provider_names(self, limit: int, text: str) -> None:
        node = chain(1, 499, 500, 2_400, log_limit=(limit, text))
        windows: dict[str, Window] = {}
        assert values(walk([serve(node)], 0, 2_500, windows=windows)) == [1, 499, 500, 2_400]
        assert 1 <= windows["local"].size <= limit
        assert "10000" in text or windows["local"].size == limit

    def test_f16_the_number_in_the_text_costs_one_refusal_and_is_not_tried_above_again(self) -> None:
        node = chain(log_limit=(100, "up to a 100 block range"))
        refusals: list[Any] = []
        matching = node.matching

        def counted(asked: Any) -> Any:
            try:
                return matching(asked)
            except Oops:
                refusals.append(asked)
                raise

        node.matching = counted  # type: ignore[method-assign]
        assert len(walk([serve(node)], 0, 1_999)) == 20
        assert len(refusals) == 1

    def test_f16_what_was_learned_is_remembered_by_endpoint(self) -> None:
        windows: dict[str, Window] = {}
        walk([serve(chain(log_limit=(100, "up to a 100 block range")))], 0, 500, windows=windows)
        assert walk([serve(chain(5))], 0, 99, windows=windows) == [(99, [5])]
        assert windows["local"].size == 100

    def test_f16_windows_grow_while_an_endpoint_serves_them(self) -> None:
        ends = [upto for upto, _ in walk([serve(chain())], 0, 14_999)]
        assert ends == [1_999, 3_999, 5_999, 8_999, 11_999, 14_999]

    def test_f16_one_block_with_too_many_logs_is_an_error_and_not_skipped(self) -> None:
        def too_many(asked: Any) -> Any:
            raise Oops(-32005, "query returned more than 10000 results")

        node = chain(7)
        node.matching = too_many  # type: ignore[method-assign]
        with pytest.raises(RangeTooWide):
            walk([serve(node)], 7, 8)

    def test_f16_a_suggestion_of_nothing_or_of_more_is_not_followed(self) -> None:
        window = Window()
        window.refused(2_000, 5_000)
        assert window.size == 1_000
        window.refused(1, None)
        assert window.size == 1


class TestNeverPastWhatWasNotServed:
    def test_f15_a_node_that_is_behind_answers_with_nothing_and_is_not_believed(self) -> None:
        behind, ahead = chain(head=90), chain(95, head=100)
        assert values(walk([serve(behind, name="behind"), serve(ahead, name="ahead")], 0, 100)) == [95]

    def test_f15_one_of_several_nodes_behind_a_name_may_be_far_behind(self) -> None:
        """Once a head far above has been seen, an empty answer of another backend below the window is still not believed."""
        behind = chain(1, head=2_500)

        async def reply(asked: Any) -> dict[str, Any]:
            return {
                "jsonrpc": "2.0",
                "id": asked["id"],
                "result": await behind.answer(asked["method"], asked["params"]),
            }

        async def balanced(exchange: Exchange) -> Any:
            asked = exchange.asked
            if "eth_getLogs" not in str(asked) or hex(2_000) not in str(asked):
                return await honest(exchange)
            batch = isinstance(asked, list)
            return web.json_response([await reply(one) for one in asked] if batch else await reply(asked))

        with pytest.raises(EndpointError, match="newest block is 2500"):
            walk([serve(chain(1, 3_000, 5_000), always=balanced)], 0, 6_000)

    def test_f15_when_all_are_behind_the_walk_ends_in_an_error(self) -> None:
        with pytest.raises(EndpointError, match="newest block is 90"):
            walk([serve(chain(head=90))], 0, 100)

    def test_an_error_in_the_middle_leaves_what_is_sure_and_raises(self) -> None:
        async def main() -> None:
            async with serve(chain(1, 3_000)) as server, Rpc([server.endpoint]) as rpc:
                sure = []
                with pytest.raises(EndpointError):
                    async for upto, _ in logs(AsyncWeb3(Provider(rpc)), ASKED, 0, 5_000):
                        sure.append(upto)
                        server.always = status(502)
                assert sure == [1_999]

        asyncio.run(main())

    def test_an_endpoint_that_fails_leaves_the_range_to_the_next(self) -> None:
        first, second = serve(chain(), always=status(403), name="first"), serve(chain(1, 3_000), name="second")
        assert values(walk([first, second], 0, 5_000)) == [1, 3_000]

    def test_a_deadline_ends_the_walk_with_what_is_sure(self) -> None:
        async def slow(exchange: Exchange) -> Any:
            if "eth_getLogs" in str(exchange.asked) and hex(2_000) in str(exchange.asked):
                await asyncio.sleep(30)
            return await honest(exchange)

        assert walk([serve(chain(1, 3_000), always=slow)], 0, 5_000, deadline=1.5) == [(START - 1, [1])]

    def test_f18_a_log_that_was_removed_is_refused(self) -> None:
        node = chain(7)
        node.logs[0]["removed"] = True
        with pytest.raises(EndpointError, match="removed"):
            walk([serve(node)], 0, 10)

    def test_f18_two_hashes_of_one_block_are_refused(self) -> None:
        node = chain(7, 7)
        node.logs[1] |= {"blockHash": "0x" + "ab" * 32, "logIndex": "0x1"}
        with pytest.raises(AnswerError, match="two block hashes"):
            walk([serve(node)], 0, 10)

    def test_a_log_that_nobody_asked_for_is_a_lie(self) -> None:
        node = chain(7)
        node.answers["eth_getLogs"] = [node.logs[0] | {"address": "0x" + "66" * 20}]
        with pytest.raises(EndpointError, match="not asked"):
            walk([serve(node)], 0, 10)
