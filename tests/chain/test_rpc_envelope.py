"""Answers that contradict their question, at the envelope and at the value."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chain.faults import (
    both,
    doubled,
    extra,
    lie,
    missing_id,
    neither,
    result,
    short,
    shuffled,
    text_id,
    wrong_id,
)
from tests.chain.server import FakeClock, Fault, Scripted, serve
from watcher.chain.answers import Malformed, check
from watcher.chain.endpoint import Endpoint
from watcher.chain.node import Answer, Node, Request
from watcher.chain.rpc import Rpc
from watcher.errors import EndpointError, Lying, Transient

WORD = "0x" + "ab" * 32
ADDRESS = "0x" + "cd" * 20


def quarantined_after(fault: Fault, method: str, params: Sequence[Any] = ()) -> Lying:
    """The one lie after which the endpoint is not asked again, while the honest one beside it answers."""

    async def story() -> Lying:
        async with (
            serve(faults=[fault], name="liar") as liar,
            serve(name="honest") as good,
            Rpc([liar.endpoint, good.endpoint], 1, clock=FakeClock()) as rpc,
        ):
            for _ in range(3):
                assert (await rpc.ask(method, params)).endpoint == "honest"
            assert liar.seen == ["eth_chainId", method]
            with pytest.raises(Lying) as caught:
                await rpc.only("liar").call(method, params)
            return caught.value

    return asyncio.run(story())


def refusal(method: str, params: list[Any], value: Any) -> Malformed | None:
    """Why the answer cannot be true, or None."""
    try:
        check(method, params, value)
    except Malformed as refused:
        return refused
    return None


@pytest.mark.parametrize("fault", [wrong_id, missing_id, text_id, both, neither])
def test_f09_an_envelope_that_does_not_fit_its_request_is_a_lie(fault: Fault) -> None:
    assert isinstance(quarantined_after(fault, "eth_blockNumber"), Lying)


@pytest.mark.parametrize("version", ["1.0", 2.0, None])
def test_f09_an_answer_that_is_not_json_rpc_is_no_answer(version: Any) -> None:
    async def story() -> None:
        fault = lie(lambda reply: reply | {"jsonrpc": version})
        async with serve(always=fault) as server, Rpc([server.endpoint], 1, clock=FakeClock()) as rpc:
            with pytest.raises(Transient, match="not JSON-RPC"):
                await rpc.call("eth_blockNumber")

    asyncio.run(story())


NUMBERS = [("eth_getBlockByNumber", [hex(number), False]) for number in range(4)]


def test_f09_a_shuffled_batch_is_put_in_order_by_id() -> None:
    async def story() -> None:
        async with serve(always=shuffled) as server, Rpc([server.endpoint], 1) as rpc:
            assert [block["number"] for block in await rpc.batch(NUMBERS)] == ["0x0", "0x1", "0x2", "0x3"]

    asyncio.run(story())


def test_f09_what_is_missing_in_a_batch_fails_alone_after_it_was_asked_once_more() -> None:
    async def story() -> None:
        async with serve(always=short) as server, Rpc([server.endpoint], 1) as rpc:
            answers = await rpc.batch(NUMBERS)
            assert [block["number"] for block in answers[:3]] == ["0x0", "0x1", "0x2"]
            assert isinstance(answers[3], Transient) and "no answer in the batch" in str(answers[3])

    asyncio.run(story())


@pytest.mark.parametrize("fault", [extra, doubled])
def test_f09_an_unknown_or_repeated_id_in_a_batch_is_a_lie(fault: Fault) -> None:
    async def story() -> None:
        async with serve(always=fault) as server, Rpc([server.endpoint], 1) as rpc:
            assert all(isinstance(answer, Lying) for answer in await rpc.batch(NUMBERS))

    asyncio.run(story())


@pytest.mark.parametrize(
    "value",
    [None, "-0x1", -1, 1, 1.5, "0x", "0x01", "0x1" + "0" * 64, "1e99", "", "0X1", "0x1\n", "0x１", [], {}, True],
)
def test_f10_a_quantity_of_the_wrong_kind_is_a_lie_that_names_the_field(value: Any) -> None:
    assert "result is not a hex quantity" in str(quarantined_after(result(value), "eth_blockNumber"))


@pytest.mark.parametrize("value", ["0x0", "0xa", "0xF", "0x" + "f" * 64])
def test_f10_every_quantity_up_to_the_largest_word_is_fine(value: str) -> None:
    assert refusal("eth_getBalance", [ADDRESS, "latest"], value) is None


BLOCK = {"number": "0x7", "hash": WORD, "parentHash": WORD, "timestamp": "0x65"}
LOG = {
    "address": ADDRESS,
    "topics": [WORD],
    "data": "0x",
    "blockNumber": "0x7",
    "blockHash": WORD,
    "logIndex": "0x0",
    "removed": False,
}
OTHER = "0x" + "11" * 32
RANGE = {"fromBlock": "0x5", "toBlock": "0x9", "address": ADDRESS, "topics": [[WORD, OTHER]]}


@pytest.mark.parametrize(
    ("method", "params", "value"),
    [
        ("eth_call", [{}, "latest"], "0x"),
        ("eth_getStorageAt", [ADDRESS, "0x0", "latest"], WORD),
        ("eth_getBlockByNumber", ["0x7", False], BLOCK),
        ("eth_getBlockByNumber", ["0x07", False], BLOCK),
        ("eth_getBlockByHash", [WORD.upper().replace("X", "x"), False], BLOCK),
        ("eth_getBlockByNumber", ["0x8", False], None),
        ("eth_getLogs", [RANGE], [LOG]),
        ("eth_getLogs", [{"blockHash": WORD, "topics": [None]}], [LOG]),
        ("eth_getLogs", [{"fromBlock": "0x5", "toBlock": "latest"}], []),
        ("custom_method", [], {"anything": 1.5}),
    ],
)
def test_what_a_well_behaved_node_says_passes(method: str, params: list[Any], value: Any) -> None:
    assert refusal(method, params, value) is None


@pytest.mark.parametrize(
    ("method", "params", "value", "field"),
    [
        ("eth_call", [], None, "result"),
        ("eth_call", [], "0x123", "result"),
        ("eth_call", [], "0x 12 ", "result"),
        ("eth_call", [], "0xzz", "result"),
        ("eth_call", [], "0xé1", "result"),
        ("eth_getCode", [], 7, "result"),
        ("eth_getStorageAt", [], "0x0", "result"),
        ("eth_getBlockByNumber", ["latest", False], None, "the latest block is null"),
        ("eth_getBlockByNumber", ["0x8", False], BLOCK, r"block\.number is not"),
        ("eth_getBlockByHash", [OTHER, False], BLOCK, r"block\.hash is not"),
        ("eth_getBlockByNumber", ["0x7", False], [], "block is not an object"),
        *[("eth_getBlockByHash", [WORD], BLOCK | {name: "0x"}, rf"block\.{name}") for name in BLOCK],
        ("eth_getBlockByHash", [WORD], BLOCK | {"timestamp": "0x1" + "0" * 16}, r"block\.timestamp"),
        ("eth_getLogs", [RANGE], None, "logs are not a list"),
        ("eth_getLogs", [RANGE], [None], "a log is not an object"),
        *[("eth_getLogs", [RANGE], [LOG | {name: None}], rf"log\.{name}") for name in LOG],
        ("eth_getLogs", [RANGE], [LOG | {"blockNumber": "0xa"}], r"log\.blockNumber is outside"),
        ("eth_getLogs", [RANGE], [LOG | {"blockNumber": "0x4"}], r"log\.blockNumber is outside"),
        ("eth_getLogs", [RANGE], [LOG | {"address": "0x" + "00" * 20}], r"log\.address was not asked"),
        ("eth_getLogs", [RANGE], [LOG | {"topics": ["0x" + "00" * 32]}], r"log\.topics were not asked"),
        ("eth_getLogs", [RANGE], [LOG | {"topics": []}], r"log\.topics are fewer"),
        ("eth_getLogs", [RANGE], [LOG | {"topics": [WORD] * 5}], r"log\.topics is not a list of at most four"),
        ("eth_getLogs", [{"blockHash": OTHER}], [LOG], r"log\.blockHash is not the block"),
        ("eth_getLogs", [RANGE], [LOG | {"removed": True}], r"log\.removed"),
    ],
)
def test_f10_an_answer_of_the_wrong_type_or_to_another_question_names_the_field(
    method: str, params: list[Any], value: Any, field: str
) -> None:
    with pytest.raises(Malformed, match=field):
        check(method, params, value)


def test_a_log_outside_the_asked_range_quarantines_the_endpoint() -> None:
    async def story() -> None:
        chain = Scripted()
        outside = chain.log(50, 0, ADDRESS, [WORD])
        async with (
            serve(chain, [result([outside])], name="liar") as liar,
            serve(chain, name="honest") as good,
            Rpc([liar.endpoint, good.endpoint], 1) as rpc,
        ):
            answer = await rpc.ask("eth_getLogs", [{"fromBlock": "0x1", "toBlock": "0x9"}])
            assert (answer.value, answer.endpoint) == ([], "honest")

    asyncio.run(story())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | JSON,
        "id": st.sampled_from([1, 2, 3, None, "1", 1.0, True]) | JSON,
        "result": st.sampled_from(["0x1", WORD, [LOG], BLOCK, None]) | JSON,
        "error": st.fixed_dictionaries(
            {}, optional={"code": st.integers() | JSON, "message": st.text() | JSON, "data": JSON}
        )
        | JSON,
    },
)
BODIES = (
    (MEMBERS | st.lists(MEMBERS, max_size=4) | JSON).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=40)
    | st.text(alphabet='[]{}":,\\0\n', max_size=60).map(str.encode)
)
METHODS = st.sampled_from(["eth_chainId", "eth_call", "eth_getBlockByNumber", "eth_getBlockByHash", "eth_getLogs"])
PARAMS: dict[str, list[Any]] = {
    "eth_getBlockByNumber": ["0x7", False],
    "eth_getBlockByHash": [WORD, False],
    "eth_getLogs": [RANGE],
}


@given(BODIES, METHODS, st.booleans(), st.sampled_from([200, 200, 200, 307, 400, 403, 429, 500]))
def test_whatever_an_endpoint_sends_ends_as_an_answer_or_as_one_of_our_errors(
    raw: bytes, method: str, batch: bool, status: int
) -> None:
    node = Node(Endpoint("any", "https://node.example"), deadline=1.0, rate=None, plain=False, clock=FakeClock())
    request = Request(method, PARAMS.get(method, []))
    asked = [request, request] if batch else [request]
    try:
        replies = node.read(asked, (1, 2) if batch else (1,), batch, status, {"retry-after": "x"}, raw)
    except EndpointError as error:
        replies = [error] * len(asked)
    assert len(replies) == len(asked)
    for reply in replies:
        assert isinstance(reply, (Answer, EndpointError))
        if isinstance(reply, Answer):
            check(method, request.params, reply.value)
        else:
            assert str(reply).startswith("any: ") and str(reply).isprintable() and len(str(reply)) < 300
