"""The many wordings of a refusal, from the documents and code of public endpoints."""

from __future__ import annotations

import asyncio

import pytest

from tests.chain.server import Scripted, serve
from watcher.chain.classify import ExecutionFailed, classify, revert_data, suggested, wait_in
from watcher.chain.parse import Fault
from watcher.chain.rpc import Rpc
from watcher.errors import EndpointError, RangeTooWide, RateLimited, Refused, Transient

WIDE = [
    (-32600, "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range.", 10),
    (-32602, "Log response size exceeded. Based on your parameters, this block range should work: [0x10, 0x1f]", 16),
    (-32602, "Log response size exceeded ... this block range should work: [100, 149]", 50),
    (-32602, "range 20000 exceeds limit of 10000", 10_000),
    (-32005, "query returned more than 10000 results", None),
    (-32005, "query returned more than 10000 results. Try with this block range [0x1, 0x64].", 100),
    (-32615, "eth_getLogs is limited to a 10,000 range", 10_000),
    (-32614, "eth_getLogs is limited to a 5 block range", 5),
    (35, "ranges over 10000 blocks are not supported on freetier", 10_000),
    (-32701, "exceed maximum block range: 50000", 50_000),
    (-32000, "eth_getLogs is limited to 0 - 50 blocks range", 50),
    (-32603, "block range is too wide (maximum 1024)", 1024),
    (-32000, "Block range is too large", None),
    (-32000, "query timeout exceeded", None),
]


@pytest.mark.parametrize(("code", "text", "blocks"), WIDE)
def test_f16_a_log_range_that_is_too_wide_is_known_and_so_is_the_count_that_it_names(
    code: int, text: str, blocks: int | None
) -> None:
    found = classify("a", "eth_getLogs", Fault(code, text))
    assert isinstance(found, RangeTooWide)
    assert found.suggested == blocks


def test_f16_the_client_leaves_splitting_to_the_caller_and_asks_nobody_else() -> None:
    async def story() -> None:
        limited = Scripted(log_limit=(50, "exceed maximum block range: 50"))
        async with (
            serve(limited, name="a") as a,
            serve(name="b") as b,
            Rpc([a.endpoint, b.endpoint], 1) as rpc,
        ):
            with pytest.raises(RangeTooWide) as caught:
                await rpc.call("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "0x64"}])
            assert (caught.value.suggested, caught.value.endpoint, b.hits) == (50, "a", 0)
            assert await rpc.call("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "0x31"}]) == []

    asyncio.run(story())


@pytest.mark.parametrize(
    ("method", "code", "text", "kind"),
    [
        ("eth_call", 3, "execution reverted: too many requests", ExecutionFailed),
        ("eth_call", -32000, "execution reverted", ExecutionFailed),
        ("eth_call", -32000, "out of gas", ExecutionFailed),
        ("eth_call", -32000, "invalid opcode: INVALID", ExecutionFailed),
        ("eth_call", -32015, "VM execution error.", ExecutionFailed),
        ("eth_call", -32000, "execution aborted (timeout = 5s)", ExecutionFailed),
        ("eth_call", -32000, "missing trie node 0ab (path ) state 0x0 is not available", Refused),
        ("eth_call", -32601, "the method does not exist", Refused),
        ("eth_call", -32602, "invalid argument 0: hex string has odd length", Refused),
        ("eth_call", -32603, "Internal error", Transient),
        ("eth_call", -32000, "request timed out", Transient),
        ("eth_blockNumber", -32005, "limit exceeded", RateLimited),
        ("eth_blockNumber", 0, "", Refused),
    ],
)
def test_every_other_refusal_has_its_class(method: str, code: int, text: str, kind: type[EndpointError]) -> None:
    assert type(classify("a", method, Fault(code, text))) is kind


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("0x08c379a0", "0x08c379a0"),
        ("Reverted 0x08c379a0", "0x08c379a0"),
        ({"data": "0x08c379a0", "message": "reverted"}, "0x08c379a0"),
        ({"result": "0x08c379a0"}, "0x08c379a0"),
        ("0x", "0x"),
        ("Reverted", None),
        ("0x123", None),
        (None, None),
        (7, None),
        ([], None),
    ],
)
def test_revert_data_is_found_wherever_nodes_put_it(data: object, found: str | None) -> None:
    assert revert_data(data) == found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("retry in 10s", 10),
        ("Try again in 2 min", 120),
        ("please wait 500 ms", 0.5),
        ("wait 9999", 300),
        ("slow down", 0),
    ],
)
def test_a_text_may_say_how_long_to_wait(text: str, seconds: float) -> None:
    assert wait_in(text) == seconds


def test_a_range_that_makes_no_sense_suggests_nothing() -> None:
    assert suggested("should work: [9, 3]") is None
    assert suggested("up to a 0 block range") is None
