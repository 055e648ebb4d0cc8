"""One block for all of a query: endpoints that are behind, reorganisations, stale heads, and nodes without block objects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chain.faults import status
from tests.chain.server import Oops, Scripted, Server
from tests.chain.test_reader import evm, owned, plainly, run
from watcher.chain.reader import Reader
from watcher.errors import AnswerError, BlockChanged, EndpointError, StaleHead
from watcher.query import Query


class TestTheBlockStaysTheSame:
    def test_f20_a_reorganisation_between_two_rounds_discards_everything(self) -> None:
        node = Scripted(call=evm())

        def query() -> Query[int]:
            yield from owned(1)
            node.branch = "fork"
            yield from owned(2)
            raise AssertionError("the second round cannot be answered")

        with pytest.raises(BlockChanged, match="block 100"):
            run(node, lambda reader, _: plainly(reader, query()))

    def test_f20_a_reorganisation_after_the_last_answer_discards_everything(self) -> None:
        node = Scripted(call=evm())

        def query() -> Query[int]:
            yield from owned(1)
            node.branch = "fork"
            return 1

        with pytest.raises(BlockChanged):
            run(node, lambda reader, _: plainly(reader, query()))

    def test_f20_an_error_that_a_reorganisation_explains_is_the_reorganisation(self) -> None:
        node = Scripted(call=evm())

        def query() -> Query[int]:
            yield from owned(1)
            node.branch = "fork"
            raise AnswerError("the figures contradict each other")

        with pytest.raises(BlockChanged):
            run(node, lambda reader, _: plainly(reader, query()))

    def test_f15_an_endpoint_that_is_behind_leaves_the_question_to_the_next(self) -> None:
        behind, ahead = Scripted(head=99, call=evm()), Scripted(call=(calls := evm()))

        async def body(reader: Reader, server: Server) -> None:
            block = await reader.head(100)
            assert await reader.run(owned(3), block) == [(3,)]
            assert calls.blocks == [{"blockHash": ahead.hash(100), "requireCanonical": True}]

        run(behind, body, ahead)

    def test_f15_a_block_that_nobody_knows_yet_is_not_called_changed_and_not_read_at_latest(self) -> None:
        calls = evm()

        async def body(reader: Reader, server: Server) -> None:
            block = await reader.head()
            node.head = 99
            with pytest.raises(EndpointError) as error:
                await reader.run(owned(3), block)
            assert not isinstance(error.value, BlockChanged)
            assert calls.blocks == []

        node = Scripted(call=calls)
        run(node, body)

    def test_a_head_that_is_too_old_cannot_be_the_present(self) -> None:
        async def body(reader: Reader, server: Server) -> None:
            with pytest.raises(StaleHead, match="is 61 s old"):
                await reader.head()
            assert (await reader.head(100)).number == 100  # asked for by number it may be as old as it is

        run(Scripted(), body, stale_after=60, clock=lambda: 1_700_001_200 + 61)
        assert (
            run(Scripted(), lambda reader, _: reader.head(), stale_after=60, clock=lambda: 1_700_001_260.0).number
            == 100
        )

    def test_where_one_endpoint_stands_still_the_head_is_anothers(self) -> None:
        stale, fresh = Scripted(head=90), Scripted(head=100)
        options: dict[str, Any] = {"stale_after": 60, "clock": lambda: 1_700_001_210.0}
        assert run(stale, lambda reader, _: reader.head(), fresh, **options).number == 100

    def test_calls_that_ran_at_another_time_than_the_block_are_refused(self) -> None:
        with pytest.raises(AnswerError, match="ran at time 1700001201"):
            run(Scripted(call=evm(timestamp=1_700_001_201)), lambda reader, _: plainly(reader, owned(1)))

    def test_a_node_that_answered_once_from_the_block_it_is_making_is_asked_again(self) -> None:
        right, early = evm(), evm(timestamp=1_700_001_201)
        answers = [early]

        def call(transaction: dict[str, Any], block: Any) -> str:
            return (answers.pop() if answers else right)(transaction, block)

        assert run(Scripted(call=call), lambda reader, _: plainly(reader, owned(1))) == [(1,)]
        assert not answers


class OldNode(Scripted):
    """Takes no block objects."""

    def number(self, block: Any, unknown: int | None = None) -> int:
        if isinstance(block, dict):
            raise Oops(-32602, "invalid argument 1: cannot unmarshal object into Go value of type string")
        return super().number(block, unknown)


class TestEndpointsWithoutBlockObjects:
    def test_they_are_read_by_number_with_the_hash_before_and_after(self) -> None:
        async def body(reader: Reader, server: Server) -> None:
            block = await reader.head()
            assert await reader.run(owned(3), block) == [(3,)]
            server.seen.clear()
            assert await reader.run(owned(4), block) == [(4,)]
            assert server.seen == ["eth_getBlockByNumber", "eth_call", "eth_getBlockByNumber", "eth_getBlockByNumber"]
            assert set(calls.blocks) == {"0x64"}

        calls = evm()
        run(OldNode(call=calls), body)

    def test_a_reorganisation_meanwhile_is_seen(self) -> None:
        inner = evm()

        def forking(transaction: dict[str, Any], block: Any) -> str:
            node.branch = "fork"
            return inner(transaction, block)

        node = OldNode(call=forking)
        with pytest.raises(BlockChanged):
            run(node, lambda reader, _: plainly(reader, owned(3)))
        assert inner.blocks == ["0x64"]

    def test_when_that_endpoint_fails_another_is_found(self) -> None:
        async def body(reader: Reader, server: Server) -> None:
            block = await reader.head()
            assert await reader.run(owned(3), block) == [(3,)]
            server.always = status(502)
            assert await reader.run(owned(4), block) == [(4,)]
            assert second.blocks == ["0x64"]

        second = evm()
        run(OldNode(call=evm()), body, OldNode(call=second))
