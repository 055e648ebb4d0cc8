"""The reader against a node on this machine: what a query asks is what it gets, at one block, in as few requests as promised."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from tests.chain.evm import Evm, Reverted
from tests.chain.server import Scripted, Server, serve
from watcher.chain.abi import function
from watcher.chain.multicall import CANONICAL
from watcher.chain.provider import Provider
from watcher.chain.reader import Reader
from watcher.chain.rpc import Rpc
from watcher.errors import AnswerError, CallReverted
from watcher.query import Batch, Call, Code, Outcome, Query, Rows, Script, Slot, ask, each, one, pairs, together

from web3 import AsyncHTTPProvider, AsyncWeb3  # isort: skip  # after the provider, which puts the recursion limit back

T = TypeVar("T")
BALANCE = "erc20/token.balanceOf"


def account(number: int) -> ChecksumAddress:
    return to_checksum_address(number.to_bytes(20))


TOKEN, OTHER, NOBODY = account(0xAA01), account(0xAA02), account(0xDEAD)


def balances(data: bytes) -> bytes:
    """A token whose holders own what their address says, and which reverts for account 13."""
    if data[:4] != function(BALANCE).selector:
        raise Reverted
    if data[35] == 13:
        raise Reverted(b"\x08\xc3\x79\xa0")
    return data[4:]


def evm(**changed: Any) -> Evm:
    return Evm({TOKEN.lower(): balances, OTHER.lower(): balances}, **changed)


@asynccontextmanager
async def reading(node: Scripted, *more: Scripted, **options: Any) -> AsyncIterator[tuple[Reader, Server]]:
    """A reader over our own client, before one server per node; the first one's server comes along."""
    servers = [serve(each_node, name=f"node{place}") for place, each_node in enumerate((node, *more))]
    running = [await server.__aenter__() for server in servers]
    try:
        async with Rpc([server.endpoint for server in running]) as rpc:
            yield Reader(AsyncWeb3(Provider(rpc)), **options), running[0]
    finally:
        for server in servers:
            await server.__aexit__(None, None, None)


def owned(*numbers: int, token: ChecksumAddress = TOKEN, optional: bool = False) -> Query[Rows]:
    (rows,) = yield from ask(one(BALANCE, token, ((account(number),) for number in numbers), optional=optional))
    return rows


def run(node: Scripted, body: Callable[[Reader, Server], Awaitable[T]], *more: Scripted, **options: Any) -> T:
    async def main() -> T:
        async with reading(node, *more, **options) as (reader, server):
            return await body(reader, server)

    return asyncio.run(main())


async def plainly(reader: Reader, query: Query[T]) -> T:
    return await reader.run(query, await reader.head())


class TestOneRoundIsOneRequest:
    def test_batches_code_storage_and_a_script_of_one_round_travel_together(self) -> None:
        def query() -> Query[tuple[Rows, ...]]:
            first = yield from ask(
                one(BALANCE, TOKEN, [(account(1),), (account(2),)]),
                Code((TOKEN, OTHER)),
                Slot((TOKEN,), (7,)),
                Script((Call(BALANCE, TOKEN, (account(5),)),)),
                pairs(BALANCE, [(OTHER, (account(3),))]),
            )
            second = yield from ask(one(BALANCE, TOKEN, [(account(4),)]))
            return (*first, *second)

        async def body(reader: Reader, server: Server) -> None:
            block = await reader.head()
            server.seen.clear()
            rows = await reader.run(query(), block)
            assert rows[:3] == ([(1,), (2,)], [(b"",), (b"",)], [(0,)])
            assert rows[3:] == ([Outcome((5,), b"")], [(3,)], [(4,)])
            first, second, check = server.seen
            assert sorted(first) == ["eth_call", "eth_call", "eth_getCode", "eth_getCode", "eth_getStorageAt"]
            assert (second, check) == ("eth_call", "eth_getBlockByNumber")
            assert reader.rounds == 2

        run(Scripted(call=evm()), body)

    def test_a_thousand_calls_are_four_requests_and_come_back_in_order(self) -> None:
        async def body(reader: Reader, server: Server) -> None:
            numbers = [number * 256 for number in range(1, 1_001)]
            assert await plainly(reader, owned(*numbers)) == [(number,) for number in numbers]
            assert server.seen.count("eth_call") == 4

        run(Scripted(call=evm()), body)

    def test_every_read_names_the_block_by_its_hash(self) -> None:
        node = Scripted(call=(calls := evm()))
        run(node, lambda reader, _: plainly(reader, owned(1, 2)))
        assert calls.blocks == [{"blockHash": node.hash(100), "requireCanonical": True}]

    def test_a_query_that_asks_nothing_costs_nothing(self) -> None:
        def nothing() -> Query[int]:
            yield from ()
            return 7

        async def body(reader: Reader, server: Server) -> None:
            block = await reader.head()
            server.seen.clear()
            assert await reader.run(nothing(), block) == 7
            assert (server.seen, reader.rounds) == ([], 0)

        run(Scripted(call=evm()), body)

    def test_a_script_never_shares_its_call(self) -> None:
        async def body(reader: Reader, server: Server) -> None:
            def query() -> Query[tuple[Rows, ...]]:
                return (
                    yield from ask(
                        Script((Call(BALANCE, TOKEN, (account(1),)), Call(BALANCE, TOKEN, (account(13),)))),
                        Script((Call(BALANCE, OTHER, (account(2),)),)),
                    )
                )

            assert await plainly(reader, query()) == (
                [Outcome((1,), b""), Outcome(None, b"\x08\xc3\x79\xa0")],
                [Outcome((2,), b"")],
            )
            assert sorted(calls.sizes) == [2, 3]  # each with the clock behind it

        calls = evm()
        run(Scripted(call=calls), body)

    def test_f32_a_script_that_writes_where_no_contract_is_does_not_seem_to_succeed(self) -> None:
        accrue = Call("morpho_blue/morpho.accrueInterest", NOBODY, ((NOBODY, NOBODY, NOBODY, NOBODY, 1),))

        def query() -> Query[tuple[Rows, ...]]:
            return (yield from ask(Script((accrue,))))

        with pytest.raises(AnswerError, match="no contract at"):
            run(Scripted(call=evm()), lambda reader, _: plainly(reader, query()))


class TestAnyWeb3:
    def test_a_plain_web3_http_provider_reads_the_same(self) -> None:
        async def main() -> None:
            async with serve(Scripted(call=evm())) as server:
                w3 = AsyncWeb3(AsyncHTTPProvider(server.url))
                reader = Reader(w3)
                block = await reader.head()

                def query() -> Query[tuple[Rows, ...]]:
                    return (yield from ask(one(BALANCE, TOKEN, [(account(1),)]), Code((TOKEN,))))

                assert await reader.run(query(), block) == ([(1,)], [(b"",)])
                await w3.provider.disconnect()

        asyncio.run(main())


class TestF29AFailedCallHurtsOnlyItself:
    def test_f29_the_batch_of_the_revert_gets_the_error_the_other_its_rows(self) -> None:
        def query() -> Query[tuple[Any, ...]]:
            answers = yield (
                one(BALANCE, TOKEN, [(account(12),), (account(13),), (account(14),)]),
                one(BALANCE, OTHER, [(account(12),)]),
            )
            return answers

        failed, answered = run(Scripted(call=evm()), lambda reader, _: plainly(reader, query()))
        assert isinstance(failed, CallReverted) and failed.data == b"\x08\xc3\x79\xa0"
        assert TOKEN in failed.call and BALANCE in failed.call
        assert answered == [(12,)]

    def test_f29_of_two_markets_read_together_one_fails(self) -> None:
        results = run(Scripted(call=evm()), lambda reader, _: plainly(reader, together([owned(13), owned(14)])))
        assert isinstance(results[0], CallReverted)
        assert results[1] == [(14,)]

    def test_f29_where_absence_is_normal_a_revert_is_none_and_costs_no_second_request(self) -> None:
        async def body(reader: Reader, server: Server) -> None:
            def query() -> Query[tuple[Rows, ...]]:
                return (
                    yield from ask(
                        each("erc20/token.decimals", [TOKEN, OTHER], optional=True),
                        one(BALANCE, TOKEN, [(account(1),)]),
                    )
                )

            assert await plainly(reader, query()) == ([None, None], [(1,)])
            assert server.seen.count("eth_call") == 1

        run(Scripted(call=evm()), body)

    def test_f32_an_address_without_code_is_an_error_and_never_zero(self) -> None:
        with pytest.raises(AnswerError, match="is there a contract"):
            run(Scripted(call=evm()), lambda reader, _: plainly(reader, owned(1, token=NOBODY)))

    def test_f32_a_short_answer_is_an_error_and_never_zero(self) -> None:
        calls = evm()
        calls.contracts[TOKEN.lower()] = lambda _: bytes(31)
        with pytest.raises(AnswerError, match="31 bytes where 32"):
            run(Scripted(call=calls), lambda reader, _: plainly(reader, owned(1)))


def test_a_batch_is_never_answered_by_somebody_elses_row() -> None:
    batches = [one(BALANCE, TOKEN, [(account(1),)]), Batch(BALANCE, (), ()), Batch(BALANCE, (OTHER,), ((account(2),),))]
    rows = run(Scripted(call=evm()), lambda reader, _: plainly(reader, ask(*batches)))
    assert rows == ([(1,)], [], [(2,)])
    assert CANONICAL == "0xcA11bde05977b3631167028862bE2a173976CA11"
