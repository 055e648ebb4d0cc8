"""The client as a whole: which endpoint is asked, in which order, and what is known afterwards."""

from __future__ import annotations

import asyncio
import socket
from itertools import pairwise
from typing import Any

import pytest

from tests.chain.faults import cut, cut_clean, deep, error, garbage, hang, reset, seeded, short, status, whole
from tests.chain.server import FakeClock, Front, Scripted, closed_port, honest, serve
from watcher.chain.classify import ExecutionFailed
from watcher.chain.endpoint import Endpoint
from watcher.chain.health import Budget
from watcher.chain.rpc import Rpc
from watcher.errors import ConfigError, EndpointError, Refused, Transient


def test_an_answer_names_the_endpoint_that_gave_it() -> None:
    async def story() -> None:
        async with serve(Scripted(head=16), name="mine") as server, Rpc([server.endpoint], 1) as rpc:
            answer = await rpc.ask("eth_blockNumber")
            assert (answer.value, answer.endpoint) == ("0x10", "mine")

    asyncio.run(story())


def test_without_a_chain_id_the_first_endpoint_says_it_and_the_second_is_held_to_it() -> None:
    async def story() -> None:
        async with (
            serve(Scripted(chain_id=7), name="a") as a,
            serve(Scripted(chain_id=8), name="b") as b,
            Rpc([a.endpoint, b.endpoint]) as rpc,
        ):
            await rpc.call("eth_blockNumber")
            assert rpc.chain_id == 7
            with pytest.raises(EndpointError, match="b: is on chain 8, not on 7"):
                await rpc.only("b").call("eth_blockNumber")

    asyncio.run(story())


def test_the_chain_id_is_asked_once_and_before_anything_else_even_by_many_at_once() -> None:
    async def story() -> None:
        async with serve() as server, Rpc([server.endpoint], 1) as rpc:
            await asyncio.gather(*(rpc.call("eth_blockNumber") for _ in range(20)))
            assert server.seen == ["eth_chainId"] + ["eth_blockNumber"] * 20
            assert (rpc.requests, rpc.sent["local"]["eth_blockNumber"]) == (21, 20)

    asyncio.run(story())


def test_only_asks_one_endpoint_and_shares_what_is_known_of_it() -> None:
    async def story() -> None:
        async with (
            serve(name="a") as a,
            serve(Scripted(head=5), name="b") as b,
            Rpc([a.endpoint, b.endpoint], 1) as rpc,
        ):
            assert await rpc.only("b").call("eth_blockNumber") == "0x5"
            assert (a.hits, rpc.requests) == (0, 2)
            with pytest.raises(ConfigError, match="no endpoint is called c; there are a, b"):
                rpc.only("c")

    asyncio.run(story())


def test_two_keys_at_one_host_are_two_endpoints_and_one_url_is_one() -> None:
    urls = [
        "https://node.example/one",
        "https://node.example/two",
        "https://node.example/one",
        "https://other.example/",
    ]
    rpc = Rpc([Endpoint(url.split("/")[2], url) for url in urls], 1)
    assert rpc.endpoints == ("node.example", "node.example #2", "other.example")


def test_f01_a_refused_connection_is_followed_by_the_next_endpoint_in_the_same_pass() -> None:
    async def story() -> None:
        async with serve() as good, Rpc([Endpoint("dead", closed_port()), good.endpoint], 1) as rpc:
            assert (await rpc.ask("eth_blockNumber")).endpoint == "local"

    asyncio.run(story())


def test_f01_so_is_a_host_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    known = socket.getaddrinfo

    def lookup(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "nothing.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)

    async def story() -> None:
        lost = Endpoint("lost", "https://nothing.invalid/")
        async with serve() as good, Rpc([lost, good.endpoint], 1) as rpc:
            assert (await rpc.ask("eth_blockNumber")).endpoint == "local"
            with pytest.raises(Transient, match=r"^lost: its host name is not known$"):
                await rpc.only("lost").call("eth_blockNumber")

    asyncio.run(story())


def test_f02_when_all_endpoints_of_a_chain_are_down_one_line_names_them_and_other_chains_go_on() -> None:
    async def story() -> None:
        dead = [Endpoint("a", closed_port()), Endpoint("b", closed_port())]
        async with (
            serve(Scripted(chain_id=10)) as server,
            Rpc(dead, 1) as ethereum,
            Rpc([server.endpoint], 10) as optimism,
        ):
            outcomes = await asyncio.gather(
                ethereum.call("eth_blockNumber"), optimism.call("eth_blockNumber"), return_exceptions=True
            )
        assert isinstance(outcomes[0], Transient) and outcomes[1] == "0x64"
        line = str(outcomes[0])
        assert "a: no connection" in line and "b: no connection" in line and "\n" not in line

    asyncio.run(story())


def test_f02_a_dead_chain_is_tried_ever_more_rarely_and_found_again() -> None:
    clock = FakeClock()

    async def story() -> None:
        async with serve(always=status(503)) as server, Rpc([server.endpoint], 1, clock=clock) as rpc:
            tried: list[float] = []
            while clock.now() < 2_000:
                before = server.hits
                with pytest.raises(Transient):
                    await rpc.call("eth_blockNumber")
                tried += [clock.now()] * (server.hits > before)
                clock.pass_(1)
            pauses = [later - earlier for earlier, later in pairwise(tried)]
            assert len(tried) < 30 and 58 <= pauses[-1] <= 80
            server.always = honest
            clock.pass_(80)
            assert await rpc.call("eth_blockNumber") == "0x64"

    asyncio.run(story())


def test_f06_a_lone_endpoint_that_fails_in_passing_is_tried_once_more() -> None:
    async def story() -> None:
        async with serve(faults=[reset]) as server, Rpc([server.endpoint], 1) as rpc:
            assert await rpc.call("eth_blockNumber") == "0x64"
            assert server.seen.count("eth_blockNumber") == 2

    asyncio.run(story())


def test_a_revert_is_the_contract_speaking_so_nobody_else_is_asked() -> None:
    async def story() -> None:
        refusal = error(3, "execution reverted: rate limit of block range, unknown block", "0x08c379a0")
        async with (
            serve(always=refusal, name="a") as a,
            serve(name="b") as b,
            Rpc([a.endpoint, b.endpoint], 1) as rpc,
        ):
            with pytest.raises(ExecutionFailed) as caught:
                await rpc.call("eth_call", [{}, "latest"])
            assert (caught.value.code, caught.value.data, caught.value.revert) == (
                3,
                "0x08c379a0",
                b"\x08\xc3\x79\xa0",
            )
            assert b.hits == 0
            a.always = honest
            assert (await rpc.ask("eth_blockNumber")).endpoint == a.name == "a"  # which is as good as before

    asyncio.run(story())


def test_a_method_that_one_endpoint_does_not_offer_is_asked_of_the_next_and_nobody_is_parked() -> None:
    async def story() -> None:
        missing = error(-32601, "the method eth_getLogs does not exist/is not available")
        async with (
            serve(always=missing, name="a") as a,
            serve(name="b") as b,
            Rpc([a.endpoint, b.endpoint], 1) as rpc,
        ):
            for _ in range(3):
                assert (await rpc.ask("eth_getLogs", [{}])).endpoint == "b"
            assert a.seen.count("eth_getLogs") == 3
            with pytest.raises(Refused) as caught:
                await rpc.only("a").call("eth_getLogs", [{}])
            assert caught.value.code == -32601

    asyncio.run(story())


def test_a_batch_that_is_refused_as_a_whole_is_halved_until_it_passes_and_the_size_remembered() -> None:
    async def story() -> None:
        refusal = whole(-32600, "batch size is limited")
        async with serve(faults=[refusal, refusal]) as server, Rpc([server.endpoint], 1) as rpc:
            numbers = [("eth_getBlockByNumber", [hex(number), False]) for number in range(8)]
            for _ in range(2):
                assert [int(block["number"], 16) for block in await rpc.batch(numbers)] == list(range(8))
            assert [len(one) for one in server.seen if isinstance(one, tuple)] == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]

    asyncio.run(story())


def test_an_endpoint_that_takes_no_batches_at_all_answers_one_by_one() -> None:
    async def story() -> None:
        async with serve(faults=[status(400), status(400)]) as server, Rpc([server.endpoint], 1) as rpc:
            assert await rpc.batch([("eth_blockNumber", [])] * 4) == ["0x64"] * 4
            assert server.seen[3:] == ["eth_blockNumber"] * 4

    asyncio.run(story())


def test_requests_that_are_refused_alone_as_well_do_not_count_against_batches() -> None:
    async def story() -> None:
        async with serve(always=whole(-32600, "bad request")) as server, Rpc([server.endpoint], 1) as rpc:
            assert all(isinstance(answer, Refused) for answer in await rpc.batch([("eth_blockNumber", [])] * 2))
            server.always = honest
            assert await rpc.batch([("eth_blockNumber", [])] * 2) == ["0x64"] * 2
            assert server.seen[-1] == ("eth_blockNumber", "eth_blockNumber")

    asyncio.run(story())


def test_what_one_endpoint_leaves_open_in_a_batch_the_next_one_answers() -> None:
    async def story() -> None:
        for fault in (hang, short):
            async with (
                serve(always=fault, name="a") as a,
                serve(name="b") as b,
                Rpc([a.endpoint, b.endpoint], 1, deadline=0.5) as rpc,
            ):
                answers = await rpc.ask_batch([("eth_blockNumber", []), ("eth_gasPrice", [])])
                assert getattr(answers[1], "endpoint", None) == "b"

    asyncio.run(story())


def test_a_remote_endpoint_is_asked_no_faster_than_its_budget_and_slower_after_a_429() -> None:
    clock = FakeClock()
    budget = Budget(10.0, clock)

    def seconds(requests: int) -> float:
        start = clock.now()
        for _ in range(requests):
            clock.pass_(budget.take(1))
        return clock.now() - start

    assert seconds(10) == 0  # a second's worth at once
    assert seconds(50) == pytest.approx(5)
    budget.slower()
    assert seconds(50) == pytest.approx(10, rel=0.02)
    for _ in range(100):
        budget.faster()
    assert budget.rate == 10
    assert budget.take(1000) <= 2  # a large batch counts as one second's worth


def test_an_endpoint_on_this_machine_has_no_budget_until_it_asks_for_one() -> None:
    budget = Budget(None, FakeClock())
    assert sum(budget.take(1) for _ in range(1000)) == 0
    budget.slower()
    assert budget.rate == 25


@pytest.mark.parametrize("seed", range(3))
def test_under_faults_by_chance_every_answer_is_right_or_one_of_our_errors(seed: int) -> None:
    faults = [
        status(429),
        status(503),
        reset,
        cut,
        cut_clean,
        garbage(seed),
        error(-32000, "header not found"),
        deep(99),
    ]

    async def story() -> None:
        clock = FakeClock()
        async with (
            serve(always=seeded(seed, faults), gate=seeded(seed, faults, 0.2), name="a") as a,
            serve(always=seeded(seed + 100, faults), name="b") as b,
            Rpc([a.endpoint, b.endpoint], 1, clock=clock) as rpc,
        ):
            right = 0
            for number in range(60):
                try:
                    block = await rpc.call("eth_getBlockByNumber", [hex(number), False])
                except EndpointError:
                    continue
                finally:
                    clock.pass_(1)
                right += block == Scripted().block(number)
            assert right >= 30

    asyncio.run(story())


def test_faults_can_stand_before_another_node() -> None:
    async def story() -> None:
        async with (
            serve(Scripted(chain_id=7, head=9)) as real,
            serve(Front(real.url), [reset]) as front,
            Rpc([front.endpoint], 7) as rpc,
        ):
            assert await rpc.call("eth_blockNumber") == "0x9"
            assert front.seen == ["eth_chainId", "eth_blockNumber", "eth_chainId", "eth_blockNumber"]
            with pytest.raises(Refused, match="does not exist"):
                await rpc.call("eth_unheardOf")

    asyncio.run(story())
