"""What can go wrong below JSON: limits, hangs, bodies without end, redirects, TLS."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from Crypto.PublicKey import RSA

from tests.chain.certificate import self_signed
from tests.chain.faults import (
    body,
    bomb,
    cut,
    cut_clean,
    deep,
    delay,
    drip,
    error,
    garbage,
    gzipped,
    hang,
    lie,
    oversize,
    redirect,
    reset,
    status,
    whole,
)
from tests.chain.server import FakeClock, Fault, Scripted, serve
from watcher.chain.classify import Oversized, TimedOut
from watcher.chain.endpoint import Endpoint
from watcher.chain.rpc import Rpc
from watcher.errors import ConfigError, EndpointError, RateLimited, Refused, Transient


async def failing(fault: Fault, method: str = "eth_blockNumber", deadline: float = 5.0) -> EndpointError:
    """What one endpoint that always has this fault ends as; with a second, honest one beside it the same question is answered."""
    async with serve(always=fault, name="bad") as bad, serve(name="good") as good:
        async with Rpc([bad.endpoint, good.endpoint], 1, deadline=deadline, clock=FakeClock()) as rpc:
            answer = await rpc.ask(method, [{}] if method == "eth_getLogs" else [])
            assert answer.endpoint == "good"
        async with Rpc([bad.endpoint], 1, deadline=deadline, clock=FakeClock()) as rpc:
            with pytest.raises(EndpointError) as caught:
                await rpc.call(method, [{}] if method == "eth_getLogs" else [])
    return caught.value


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [({"Retry-After": "9"}, 9), ({"Retry-After": "86400"}, 300), ({"Retry-After": in_an_hour()}, 300)],
)
def test_f03_a_429_parks_the_endpoint_exactly_as_long_as_it_asks_and_five_minutes_at_most(
    header: dict[str, str], seconds: int
) -> None:
    clock = FakeClock()

    async def story() -> None:
        async with (
            serve(faults=[status(429, header)], name="a") as a,
            serve(name="b") as b,
            Rpc([a.endpoint, b.endpoint], 1, clock=clock) as rpc,
        ):
            for _ in range(5):
                assert (await rpc.ask("eth_blockNumber")).endpoint == "b"
            assert a.seen.count("eth_blockNumber") == 1
            with pytest.raises(RateLimited) as caught:
                await rpc.only("a").call("eth_blockNumber")
            assert caught.value.retry_after == seconds
            clock.pass_(seconds - 2.5)
            assert (await rpc.ask("eth_blockNumber")).endpoint == "b"
            clock.pass_(2.5)
            assert (await rpc.ask("eth_blockNumber")).endpoint == "a"

    asyncio.run(story())


def test_f03_an_older_request_that_still_succeeds_does_not_end_the_parking() -> None:
    async def story() -> None:
        faults = [delay(0.3), status(429, {"Retry-After": "60"})]
        async with serve(faults=faults) as server, Rpc([server.endpoint], 1) as rpc:
            await rpc.verify()
            older, newer = (
                asyncio.create_task(rpc.call("eth_gasPrice")),
                asyncio.create_task(rpc.call("eth_blockNumber")),
            )
            with pytest.raises(RateLimited):
                await newer
            assert await older == "0x0"
            with pytest.raises(RateLimited):
                await rpc.call("eth_blockNumber")
            assert server.seen.count("eth_blockNumber") == 1

    asyncio.run(story())


def test_f03_requests_that_meet_a_429_together_are_not_sent_again_in_a_storm() -> None:
    async def story() -> None:
        async with serve(always=status(429, {"Retry-After": "60"})) as server, Rpc([server.endpoint], 1) as rpc:
            asked = [rpc.call("eth_blockNumber") for _ in range(30)]
            outcomes = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(outcome, RateLimited) for outcome in outcomes)
            assert server.seen.count("eth_blockNumber") <= 30
            before = server.hits
            with pytest.raises(RateLimited):
                await rpc.call("eth_blockNumber")
            assert server.hits == before

    asyncio.run(story())


@pytest.mark.parametrize(
    "fault",
    [
        status(429),
        status(403, body="<h1>Rate limit exceeded</h1>"),
        status(200, body="<h1>Too Many Requests</h1>"),
        status(200, body="error code: 1015, you are being rate limited"),
        error(-32005, "daily request count exceeded, request rate limited"),
        error(-32016, "over rate limit"),
        error(429, "Your app has exceeded its compute units per second capacity."),
        error(-32000, "Too Many Requests"),
        error(-32603, "internal error", status=429),
        whole(-32029, "Too Many Requests"),
        lie(lambda _: {"error": "rate limited"}, 429),
        lie(lambda _: {"code": 429, "message": "rate limit reached"}),
        lie(lambda _: {"jsonrpc": "2.0", "id": None, "error": "rate limit reached"}),
    ],
)
def test_f04_a_rate_limit_is_known_in_every_dress(fault: Fault) -> None:
    assert isinstance(asyncio.run(failing(fault)), RateLimited)


@pytest.mark.parametrize("fault", [hang, drip])
def test_f05_a_hang_or_a_drip_ends_at_the_deadline_and_the_next_endpoint_answers(fault: Fault) -> None:
    failure = asyncio.run(failing(fault, deadline=0.5))
    assert isinstance(failure, Transient) and "no complete answer within 0.5 s" in str(failure)


@pytest.mark.parametrize("fault", [reset, cut, cut_clean, garbage(), body(b""), status(502), status(503)])
def test_f06_a_reset_or_a_body_cut_short_is_passing_and_answered_elsewhere(fault: Fault) -> None:
    assert type(asyncio.run(failing(fault))) is Transient


@pytest.mark.parametrize("method", ["eth_blockNumber", "eth_getLogs"])
def test_f07_reading_stops_at_the_cap(method: str) -> None:
    assert isinstance(asyncio.run(failing(oversize(20_000_000), method)), Oversized)


def test_f07_a_gzip_bomb_does_not_fill_the_memory() -> None:
    fault = bomb(100_000_000)

    async def story() -> None:
        async with serve(always=fault) as server, Rpc([server.endpoint], 1) as rpc:
            await rpc.verify()
            tracemalloc.start()
            try:
                with pytest.raises(Oversized):
                    await rpc.call("eth_blockNumber")
                assert tracemalloc.get_traced_memory()[1] < 10_000_000
            finally:
                tracemalloc.stop()

    asyncio.run(story())


def test_f07_a_call_whose_answer_is_too_long_may_be_made_smaller_at_once() -> None:
    async def story() -> None:
        async with serve(faults=[oversize(2_000_000)] * 4) as server, Rpc([server.endpoint], 1) as rpc:
            for _ in range(4):
                with pytest.raises(Oversized):
                    await rpc.call("eth_call", [{}, "latest"])
            assert await rpc.call("eth_call", [{}, "latest"]) == "0x"
            assert server.seen == ["eth_chainId"] + ["eth_call"] * 5  # not parked, not tried twice

    asyncio.run(story())


def test_f05_a_lone_endpoint_that_hangs_costs_one_deadline_not_two() -> None:
    async def story() -> None:
        async with serve(always=hang) as server, Rpc([server.endpoint], 1, deadline=0.3) as rpc:
            with pytest.raises(TimedOut):
                await rpc.call("eth_blockNumber")
            assert server.seen.count("eth_blockNumber") == 1

    asyncio.run(story())


def test_f07_an_honest_gzipped_answer_is_read() -> None:
    async def story() -> None:
        async with serve(always=gzipped, gate=gzipped) as server, Rpc([server.endpoint], 1) as rpc:
            assert await rpc.call("eth_blockNumber") == "0x64"

    asyncio.run(story())


def test_f07_a_large_answer_below_the_cap_for_logs_is_read() -> None:
    async def story() -> None:
        chain = Scripted()
        chain.log(3, 0, "0x" + "11" * 20, [], "0x" + "22" * 1_000_000)
        async with serve(chain) as server, Rpc([server.endpoint], 1) as rpc:
            (log,) = await rpc.call("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "0x9"}])
            assert len(log["data"]) == 2_000_002

    asyncio.run(story())


@pytest.mark.parametrize("levels", [100, 900_000])
def test_f08_deep_nesting_is_refused_and_answered_elsewhere(levels: int) -> None:
    assert isinstance(asyncio.run(failing(deep(levels))), Transient)


def test_f08_it_leaves_the_process_alive_even_with_the_recursion_limit_of_web3() -> None:
    program = """
import asyncio, sys
from tests.chain.faults import deep
from tests.chain.server import serve
from watcher.chain.rpc import Rpc
from watcher.errors import Transient

async def story():
    for levels in (10**5, 10**6):
        async with serve(always=deep(levels)) as server, Rpc([server.endpoint], 1) as rpc:
            try:
                await rpc.call("eth_getLogs", [{}])
            except Transient as error:
                print(error)

sys.setrecursionlimit(100_000)
asyncio.run(story())
"""
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("nested too deep") == 2


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_f65_a_redirect_is_a_fault_and_never_followed(code: int) -> None:
    async def story() -> None:
        async with serve(name="target") as target:
            failure = await failing(redirect(target.url, code))
            assert isinstance(failure, Refused) and "redirect" in str(failure)
            assert target.hits == 0

    asyncio.run(story())


def test_f65_a_redirect_with_a_fine_answer_in_its_body_is_a_redirect() -> None:
    assert isinstance(asyncio.run(failing(lie(lambda reply: reply, 307, {"Location": "/"}))), Refused)


def test_f65_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    async def story() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed(RSA.generate(2048), tmp_path))
        async with serve(ssl=context) as server, Rpc([server.endpoint], 1) as rpc:
            with pytest.raises(Transient, match="certificate is not accepted"):
                await rpc.call("eth_blockNumber")
            assert server.hits == 0

    asyncio.run(story())


def test_f65_an_https_endpoint_that_speaks_plain_http_is_not_spoken_to() -> None:
    async def story() -> None:
        async with (
            serve() as server,
            Rpc([Endpoint("plain", server.url.replace("http:", "https:"))], 1) as rpc,
        ):
            with pytest.raises(Transient, match="no TLS connection"):
                await rpc.call("eth_blockNumber")
            assert server.hits == 0

    asyncio.run(story())


@pytest.mark.parametrize("url", ["http://node.example/SECRETKEY", "http://10.0.0.1:8545/SECRETKEY"])
def test_f65_plain_http_goes_only_to_this_machine_unless_told(url: str) -> None:
    with pytest.raises(ConfigError, match="plain http goes only to this machine; use https") as caught:
        Rpc([Endpoint("far", url)], 1)
    assert "SECRET" not in str(caught.value)
    Rpc([Endpoint("far", url)], 1, plain=True)
    for near in ("http://localhost:8545", "http://127.0.0.1:8545", "http://[::1]:8545"):
        Rpc([Endpoint("near", near)], 1)


@pytest.mark.parametrize(
    "url", ["", "SECRETKEY", "ws://SECRETKEY", "https://", "https://a:SECRETKEY", "http://[SECRETKEY"]
)
def test_an_endpoint_whose_url_cannot_be_used_is_named_without_it(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^endpoint far: its URL .*https://host/path") as caught:
        Rpc([Endpoint("far", url)], 1)
    assert "SECRET" not in str(caught.value)
