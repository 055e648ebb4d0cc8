"""F53: a key in a URL stays there, whatever the endpoint does and however closely we look."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from base64 import b64encode
from contextlib import suppress

import pytest

from tests.chain.faults import (
    body,
    cut,
    deep,
    drip,
    error,
    garbage,
    lie,
    oversize,
    redirect,
    reset,
    result,
    status,
    whole,
    wrong_id,
)
from tests.chain.server import FakeClock, Fault, closed_port, honest, serve
from watcher.chain.endpoint import Endpoint
from watcher.chain.redact import secrets_of, shown
from watcher.chain.rpc import Rpc
from watcher.errors import ChainError, ConfigError, EndpointError

CANARY = "c4n4ry-s3cret"
USERINFO = f"user-{CANARY}:word-{CANARY}@"
PATH = f"/v2/key-{CANARY}?apikey=query-{CANARY}"
BASIC = b64encode(USERINFO.rstrip("@").encode()).decode()
ECHO = f"bad key key-{CANARY} at https://node.example{PATH} for Basic {BASIC}"
FAULTS: list[Fault] = [
    honest,
    status(401, body=ECHO),
    status(403, body=ECHO),
    status(429, body=ECHO),
    status(500, body=ECHO),
    redirect(f"https://elsewhere.example{PATH}"),
    reset,
    cut,
    drip,
    garbage(),
    deep(1000),
    body(ECHO.encode()),
    oversize(2_000_000),
    error(-32000, ECHO),
    error(-32601, ECHO),
    error(-32005, f"rate limited, {ECHO}"),
    error(3, f"execution reverted {ECHO}", ECHO),
    whole(-32600, ECHO),
    wrong_id,
    result(ECHO),
    lie(lambda _: {"error": ECHO}),
]


def told(failure: BaseException, rpc: object) -> str:
    """Everything that a log, a traceback, a repr or a crash report might print of it."""
    chain = "".join(traceback.format_exception(failure))
    return "\n".join([str(failure), repr(failure), repr(failure.args), repr(vars(failure)), chain, repr(rpc)])


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", ["gate", "always"])
def test_f53_no_error_log_record_or_repr_shows_the_key(fault: Fault, at: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    outputs: list[str] = []

    async def story() -> None:
        asyncio.get_running_loop().set_debug(True)
        gate, always = (fault, honest) if at == "gate" else (honest, fault)
        async with serve(gate=gate, always=always, path=PATH, userinfo=USERINFO) as server:
            assert CANARY in server.url
            async with Rpc([server.endpoint], 1, deadline=0.3, clock=FakeClock()) as rpc:
                outputs.append(f"{rpc!r} {rpc.endpoints} {rpc.sent} {server.endpoint!r} {server.endpoint}")
                try:
                    await rpc.call("eth_call", [{}, "latest"])
                except EndpointError as failure:
                    outputs.append(told(failure, rpc))
                for outcome in await rpc.batch([("eth_blockNumber", []), ("eth_chainId", [])]):
                    if isinstance(outcome, EndpointError):
                        outputs.append(told(outcome, rpc))
            assert server.hits >= 1

    asyncio.run(story())
    outputs += [f"{record.getMessage()} {record.args}" for record in caplog.records]
    shown_text = "\n".join(outputs)
    assert CANARY not in shown_text and BASIC not in shown_text


@pytest.mark.parametrize(
    "url",
    [
        closed_port().replace("//", f"//{USERINFO}") + PATH,
        f"https://[{CANARY}/",
        f"ftp://node.example{PATH}",
        f"https://node.example:port{PATH}",
        f"http://node.example{PATH}",
    ],
)
def test_f53_nor_does_an_endpoint_that_cannot_be_reached_or_used(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> str:
        try:
            async with Rpc([Endpoint("mine", url)], 1, clock=FakeClock()) as rpc:
                await rpc.call("eth_blockNumber")
        except (ChainError, ConfigError) as failure:
            return told(failure, None)
        raise AssertionError("it answered")

    assert CANARY not in asyncio.run(story()) + caplog.text


def test_f53_the_name_is_what_is_shown_of_an_endpoint() -> None:
    endpoint = Endpoint("mine", f"https://node.example{PATH}")
    assert (repr(endpoint), str(endpoint)) == ("Endpoint(name='mine')", "mine")
    with suppress(pickle.PicklingError):
        assert CANARY not in f"{endpoint}{endpoint!r}{[endpoint]}"


def test_foreign_text_is_one_bounded_printable_line() -> None:
    dirty = "a\x1b[31m\u202eb\n<c>" + "x" * 10_000
    assert shown(dirty).startswith("a [31m b <c>xxx") and len(shown(dirty)) == 200 and shown(dirty).isascii()


def test_short_words_of_a_url_are_no_secrets_and_encoded_ones_are_in_both_forms() -> None:
    assert secrets_of("https://node.example/v1/rpc/eth") == ()
    found = secrets_of("https://node.example/a%2Fbcdefg/?key=q%20rstuvw")
    assert {"a%2Fbcdefg", "a/bcdefg", "q%20rstuvw", "q rstuvw"} <= set(found)
