"""Many calls in one: too many for the endpoint, one that spoils the others, and chains without Multicall3."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from eth_abi import abi as eth

from tests.chain.evm import Burned, Evm, Reverted
from tests.chain.faults import body, status
from tests.chain.server import Oops, Scripted, Server
from tests.chain.test_reader import BALANCE, OTHER, TOKEN, account, evm, owned, plainly, reading, run
from watcher.chain.lane import SIZE
from watcher.chain.multicall import TIMESTAMP
from watcher.chain.reader import Reader
from watcher.errors import AnswerError, CallReverted, EndpointError, Transient
from watcher.query import Call, Query, Rows, Script, ask, one, pairs

HOSTILE = account(0xBAD)
MANY = [number * 256 for number in range(1, 601)]


def with_hostile(answer: Callable[[bytes], bytes], **changed: Any) -> Evm:
    made = evm(**changed)
    made.contracts[HOSTILE.lower()] = answer
    return made


def burning(_: bytes) -> bytes:
    raise Burned


def among(optional: bool = False) -> Query[tuple[Rows, ...]]:
    """One call of the hostile contract in the middle of 200 ordinary ones."""

    def query() -> Query[tuple[Rows, ...]]:
        answers = yield (
            one(BALANCE, TOKEN, [(account(number),) for number in MANY[:100]]),
            pairs(BALANCE, [(HOSTILE, (account(1),))], optional=optional),
            one(BALANCE, OTHER, [(account(number),) for number in MANY[100:200]]),
        )
        return answers  # type: ignore[return-value]  # errors among them are looked at by the tests

    return query()


def honest(answers: tuple[Any, ...]) -> bool:
    return [answers[0], answers[2]] == [[(n,) for n in MANY[:100]], [(n,) for n in MANY[100:200]]]


class TestF30TooMuchForOneCall:
    def test_f30_an_aggregate_over_the_gas_cap_is_halved_and_the_size_remembered(self) -> None:
        calls = evm(cap=20_000_000, costs={TOKEN.lower(): 100_000})

        async def main(reader: Reader, server: Server) -> None:
            assert await plainly(reader, owned(*MANY)) == [(number,) for number in MANY]
            assert max(calls.sizes) == SIZE + 2  # with the clock and the proof of gas
            calls.sizes.clear()
            assert await plainly(reader, owned(*MANY)) == [(number,) for number in MANY]
            assert max(calls.sizes) == SIZE // 2 + 2  # 150 calls fit 20 million gas, and were not tried larger again
            assert calls.lone == []

        run(Scripted(call=calls), main)

    def test_f30_an_aggregate_over_the_response_cap_is_halved(self) -> None:
        async def main(reader: Reader, server: Server) -> None:
            def reserves() -> Query[Rows]:
                (rows,) = yield from ask(one("aave_v3/pool.getReservesList", TOKEN, [()] * 100))
                return rows

            rows = await plainly(reader, reserves())
            assert len(rows) == 100 and all(len(row[0]) == 300 for row in rows)

        addresses = eth.encode(["address[]"], [[account(n) for n in range(300)]])
        run(Scripted(call=Evm({TOKEN.lower(): lambda _: addresses})), main)

    def test_f30_a_request_that_is_too_long_for_the_endpoint_is_halved(self) -> None:
        async def main(reader: Reader, server: Server) -> None:
            block = await reader.head()
            server.faults.append(status(413))
            assert await reader.run(owned(*MANY[:200]), block) == [(number,) for number in MANY[:200]]

        run(Scripted(call=evm()), main)

    def test_after_a_passing_failure_the_size_comes_back(self) -> None:
        async def main(reader: Reader, server: Server) -> None:
            block = await reader.head()
            good, server.always = server.always, status(502)
            with pytest.raises(Transient):
                await reader.run(owned(*MANY), block)
            assert reader._lane.size < SIZE
            server.always = good
            await asyncio.sleep(1.5)  # until the endpoint may be asked again
            for _ in range(5):
                assert await reader.run(owned(*MANY), block) == [(number,) for number in MANY]
            assert reader._lane.size == SIZE

        run(Scripted(call=evm()), main)


class TestAHostileCallHurtsOnlyItself:
    def test_f33_a_call_that_returns_so_much_that_the_aggregate_runs_out_of_gas(self) -> None:
        calls = with_hostile(lambda _: bytes(7_000_000))

        async def main(reader: Reader, server: Server) -> None:
            first = await plainly(reader, among())
            assert honest(first) and isinstance(first[1], Transient)  # its answer alone is over the response cap
            assert reader._lane.size == SIZE  # ordinary calls did not fail, so nothing was learned about the endpoint
            calls.sizes.clear()
            assert honest(await plainly(reader, among()))
            assert calls.sizes == [202]  # quarantined: the others went through in one piece

        run(Scripted(call=calls), main)

    def test_f33_a_call_that_returns_some_kilobytes_too_many_is_refused_by_its_length(self) -> None:
        answers = run(Scripted(call=with_hostile(lambda _: bytes(50_000))), lambda reader, _: plainly(reader, among()))
        assert honest(answers) and isinstance(answers[1], AnswerError)

    @pytest.mark.parametrize("modexp", [True, False])
    def test_f30_a_call_that_burns_all_gas_is_asked_alone_and_its_neighbours_again(self, modexp: bool) -> None:
        calls = with_hostile(burning, costs={OTHER.lower(): 30_000}, modexp=modexp)

        async def main(reader: Reader, server: Server) -> None:
            first = await plainly(reader, among())
            assert honest(first) and isinstance(first[1], CallReverted)
            calls.lone.clear()
            calls.sizes.clear()
            assert honest(await plainly(reader, among()))
            assert (calls.lone, calls.sizes) == ([HOSTILE.lower()], [202])

        run(Scripted(call=calls), main)

    def test_f30_what_a_starved_neighbour_answers_is_not_believed(self) -> None:
        """A contract that catches its own lack of gas would answer something else after a burner: it is asked again."""
        calls = with_hostile(burning)
        inner = calls._run

        def starving(target: str, data: bytes, gas: int) -> tuple[bool, bytes, int]:
            if target == OTHER.lower() and gas < 1_000_000:
                return True, (666).to_bytes(32), gas - 1_000
            return inner(target, data, gas)

        calls._run = starving  # type: ignore[method-assign]
        assert honest(run(Scripted(call=calls), lambda reader, _: plainly(reader, among())))

    def test_f30_an_absence_is_only_believed_with_gas_to_spare(self) -> None:
        def query() -> Query[tuple[Rows, ...]]:
            hostile = one(BALANCE, HOSTILE, [(account(1),)], optional=True)
            return (yield from ask(hostile, one(BALANCE, OTHER, [(account(7),)], optional=True)))

        calls = with_hostile(burning, costs={OTHER.lower(): 1_000_000})
        assert run(Scripted(call=calls), lambda reader, _: plainly(reader, query())) == ([None], [(7,)])

    def test_an_endpoint_that_does_not_answer_is_not_an_absence(self) -> None:
        async def main(reader: Reader, server: Server) -> None:
            block = await reader.head()
            server.always = status(502)
            with pytest.raises(Transient):
                await reader.run(owned(1, 2, optional=True), block)

        run(Scripted(call=evm()), main)


class TestAnAggregateThatDoesNotTellItsTime:
    """Nothing then says at which block it ran: its answers are not believed."""

    @staticmethod
    def timeless() -> Evm:
        calls = evm()
        inner = calls._run

        def without(target: str, data: bytes, gas: int) -> tuple[bool, bytes, int]:
            return (False, b"", 0) if data == TIMESTAMP.selector else inner(target, data, gas)

        calls._run = without  # type: ignore[method-assign]
        return calls

    def test_its_calls_are_asked_one_by_one(self) -> None:
        calls = self.timeless()
        assert run(Scripted(call=calls), lambda reader, _: plainly(reader, owned(1, 2, 3))) == [(1,), (2,), (3,)]
        assert calls.lone == [TOKEN.lower()] * 3

    def test_a_script_is_an_error(self) -> None:
        def script() -> Query[tuple[Rows, ...]]:
            return (yield from ask(Script((Call(BALANCE, TOKEN, (account(1),)),))))

        with pytest.raises(EndpointError, match="at which block they ran"):
            run(Scripted(call=self.timeless()), lambda reader, _: plainly(reader, script()))


class TestF31WithoutMulticall:
    def test_f31_before_its_deployment_calls_go_as_an_array(self) -> None:
        async def main(reader: Reader, server: Server) -> None:
            block = await reader.head()
            assert await reader.run(owned(*MANY[:20]), block) == [(number,) for number in MANY[:20]]
            server.seen.clear()
            assert await reader.run(owned(*MANY[:120]), block) == [(number,) for number in MANY[:120]]
            assert [len(request) for request in server.seen[:-1]] == [50, 50, 20]

        run(Scripted(call=evm(multicall=False)), main)

    def test_f31_a_chain_without_it_is_read_without_looking_for_it(self) -> None:
        calls = evm()
        run(Scripted(call=calls), lambda reader, _: plainly(reader, owned(1, 2)), multicall=None)
        assert (calls.sizes, calls.lone) == ([], [TOKEN.lower()] * 2)

    def test_f31_where_arrays_are_refused_too_calls_go_one_by_one(self) -> None:
        refusal = body(
            b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch requests are not supported"}}'
        )

        async def main(reader: Reader, server: Server) -> None:
            block = await reader.head()

            async def no_arrays(exchange: Any) -> Any:
                return await (refusal if isinstance(exchange.asked, list) else plain)(exchange)

            plain, server.always = server.always, no_arrays
            assert await reader.run(owned(*MANY[:20]), block) == [(number,) for number in MANY[:20]]
            server.seen.clear()
            assert await reader.run(owned(*MANY[:5]), block) == [(number,) for number in MANY[:5]]
            assert server.seen == ["eth_call"] * 5 + ["eth_getBlockByNumber"]  # learned

        run(Scripted(call=evm()), main, multicall=None)

    def test_f31_where_arrays_may_only_be_short_they_become_short(self) -> None:
        refusal = body(
            b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch of more than 10 requests"}}'
        )

        async def main(reader: Reader, server: Server) -> None:
            block = await reader.head()

            async def short_arrays(exchange: Any) -> Any:
                return await (refusal if isinstance(exchange.asked, list) and len(exchange.asked) > 10 else plain)(
                    exchange
                )

            plain, server.always = server.always, short_arrays
            assert await reader.run(owned(*MANY[:40]), block) == [(number,) for number in MANY[:40]]
            server.seen.clear()
            assert await reader.run(owned(*MANY[:40]), block) == [(number,) for number in MANY[:40]]
            assert max(len(request) for request in server.seen if isinstance(request, tuple)) == 10

        run(Scripted(call=evm()), main, multicall=None)

    def test_f31_a_script_cannot_be_read_without_it_and_says_so(self) -> None:
        def script() -> Query[tuple[Rows, ...]]:
            return (yield from ask(Script((Call(BALANCE, TOKEN, (account(1),)),))))

        with pytest.raises(AnswerError, match="no Multicall3"):
            run(Scripted(call=evm(multicall=False)), lambda reader, _: plainly(reader, script()))

    def test_f29_without_it_a_revert_still_hurts_only_itself(self) -> None:
        def query() -> Query[Rows]:
            (rows,) = yield from ask(one(BALANCE, TOKEN, [(account(12),), (account(13),)], optional=True))
            return rows

        rows = run(Scripted(call=evm()), lambda reader, _: plainly(reader, query()), multicall=None)
        assert rows == [(12,), None]


def test_two_queries_at_once_share_a_reader_and_keep_their_answers() -> None:
    async def main() -> None:
        async with reading(Scripted(call=evm())) as (reader, _):
            block, older = await reader.head(), await reader.head(98)
            assert older.number == 98
            first, second = await asyncio.gather(reader.run(owned(1, 2), block), reader.run(owned(3), block))
            assert (first, second) == ([(1,), (2,)], [(3,)])

    asyncio.run(main())


def test_a_contract_may_revert_without_a_word_and_is_only_asked_twice_without_proof() -> None:
    def silent(_: bytes) -> bytes:
        raise Reverted

    calls = with_hostile(silent, modexp=False)
    answers = run(Scripted(call=calls), lambda reader, _: plainly(reader, among(optional=True)))
    assert honest(answers) and answers[1] == [None]
    assert calls.lone == [HOSTILE.lower()]


def test_an_error_of_the_node_about_one_call_stays_with_that_call() -> None:
    inner = evm()

    def node(transaction: dict[str, Any], block: Any) -> str:
        if transaction["to"].lower() == HOSTILE.lower():
            raise Oops(-32000, "method handler crashed")
        return inner(transaction, block)

    answers = run(Scripted(call=node), lambda reader, _: plainly(reader, among()), multicall=None)
    assert honest(answers) and not isinstance(answers[1], list)
