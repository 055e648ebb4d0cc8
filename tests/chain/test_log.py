"""The short way from a body to logs: it lets through exactly what the long way lets through, and leaves every verdict to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.chain.answers import Malformed, Wanted, check
from watcher.chain.clock import Clock
from watcher.chain.endpoint import Endpoint
from watcher.chain.log import convert, read
from watcher.chain.node import Answer, Logs, Node, Request
from watcher.errors import EndpointError, Lying, Refused, Transient

EMITTER, OTHER = "0x" + "5e" * 20, "0x" + "66" * 20
TOPIC, MARKET, USER = "0x" + "ab" * 32, "0x" + "11" * 32, "0x" + "00" * 12 + "Cd" * 20
MINED = "0x" + "fe" * 32
RANGE: dict[str, Any] = {
    "address": [EMITTER],
    "topics": [[TOPIC], [MARKET, USER]],
    "fromBlock": "0x10",
    "toBlock": "0x20",
}
BY_HASH: dict[str, Any] = {"address": EMITTER, "topics": [None, MARKET], "blockHash": MINED}
LOG: dict[str, Any] = {
    "address": EMITTER,
    "topics": [TOPIC, MARKET, USER],
    "data": "0x" + "01" * 64,
    "blockNumber": "0x10",
    "blockHash": MINED,
    "transactionHash": "0x" + "cd" * 32,
    "logIndex": "0x2",
    "removed": False,
}
WITHOUT = object()
CHANGES: dict[str, list[Any]] = {
    "address": [OTHER, EMITTER.upper(), "0x" + "5E" * 20, EMITTER + "00", EMITTER[:-1] + "g", None, 7, "", WITHOUT],
    "topics": [
        [],
        [TOPIC],
        [TOPIC, USER],
        [MARKET, TOPIC],
        [TOPIC, MARKET, USER, USER],
        [TOPIC, MARKET, USER, USER, USER],
        [TOPIC, MARKET + "00", USER[:-2]],
        [TOPIC, MARKET, "0x" + "é" * 64],
        [TOPIC.upper(), MARKET],
        ["0x" + "AB" * 32, MARKET, OTHER],
        [TOPIC, None],
        TOPIC,
        None,
        WITHOUT,
    ],
    "data": ["0x", "", "0x0", "00", "0X00", "0xzz", "0x 1", "0x" + "é" * 2, "0x\n\n", None, 5, [], WITHOUT],
    "blockNumber": ["0x20", "0x21", "0xf", "16", "0x010", "0x", "-0x10", "0x1_0", " 0x10", 16, None, WITHOUT],
    "blockHash": ["0x" + "FE" * 32, "0x" + "ab" * 32, MINED[:-1], MINED[2:], None, WITHOUT],
    "logIndex": ["0x0", "0x00", "0xffffff", hex(2**256), hex(2**256 - 1), None, 2, WITHOUT],
    "removed": [True, None, 0, "false", WITHOUT],
    "transactionHash": [None, "é", 7, {"a": [1]}, WITHOUT],
}
CHANGED = st.sampled_from([(name, value) for name, values in CHANGES.items() for value in values])


def test_a_batch_with_the_newest_block_goes_the_short_way_too() -> None:
    node = Node(Endpoint("n", "http://127.0.0.1"), deadline=1, rate=None, plain=True, clock=Clock())
    asked = [Request("eth_blockNumber", []), Request("eth_getLogs", [RANGE])]
    head = {"jsonrpc": "2.0", "id": 1, "result": "0x21"}
    found = {"jsonrpc": "2.0", "id": 2, "result": [LOG]}

    def said(*entries: Any) -> list[Answer | EndpointError]:
        return node.read(asked, (1, 2), True, 200, {}, json.dumps(entries).encode())

    number, logs = said(head, found)
    assert isinstance(number, Answer)
    assert isinstance(logs, Logs)
    assert (number.value, logs.value, logs.logs) == ("0x21", [LOG], convert([LOG]))
    answers = said(found, head)  # another order: the long way, with the same answers
    assert [type(one) for one in answers] == [Answer, Answer]
    assert [one.value for one in answers if isinstance(one, Answer)] == ["0x21", [LOG]]
    for wrong in ({"result": "21"}, {"id": 7}, {"result": "0x021"}):
        with pytest.raises(Lying):
            said(head | wrong, found)
    with pytest.raises(Lying, match="not asked"):
        said(head, found | {"result": [LOG | {"address": OTHER}]})
    refused = said(head, {"jsonrpc": "2.0", "id": 2, "error": {"code": -32601, "message": "no"}})
    assert [type(one) for one in refused] == [Answer, Refused]


def log(*changes: tuple[str, Any]) -> dict[str, Any]:
    changed = LOG | dict(changes)
    return {name: value for name, value in changed.items() if value is not WITHOUT}


def body(result: Any, **members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result} | members).encode()


def allowed(wanted: dict[str, Any], result: Any) -> bool:
    """The verdict of the long way."""
    try:
        check("eth_getLogs", [wanted], result)
    except Malformed:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([RANGE, BY_HASH, {}]), st.lists(st.lists(CHANGED, max_size=2), max_size=4), st.integers(0, 4))
def test_the_short_way_allows_what_the_long_way_allows(
    wanted: dict[str, Any], changes: list[list[tuple[str, Any]]], honest: int
) -> None:
    found = [log(*some) for some in changes]
    found[honest:honest] = [LOG] * honest
    short = read(body(found), 1, Wanted(wanted))
    assert (short is not None) == allowed(wanted, found)
    assert short is None or short == convert(found)


@pytest.mark.parametrize("wanted", [RANGE, BY_HASH, {}])
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in CHANGES.items() for value in values])
def test_each_change_alone_gets_the_same_verdict(wanted: dict[str, Any], name: str, value: Any) -> None:
    found = [LOG, log((name, value)), LOG]
    assert (read(body(found), 1, Wanted(wanted)) is not None) == allowed(wanted, found)


def test_a_body_as_it_should_be_goes_the_short_way() -> None:
    found = read(body([LOG, LOG]), 1, Wanted(RANGE))
    assert found == convert([LOG, LOG])
    assert read(body([]), 1, Wanted(RANGE)) == []


@pytest.mark.parametrize(
    "raw",
    [
        body([LOG], id=2),
        body([LOG], id="1"),
        body([LOG], id=1.0),
        body([LOG], id=True),
        body([LOG], jsonrpc="1.0"),
        body([LOG], error={"code": 1, "message": "no"}),
        body(None),
        body({}),
        body([LOG])[:-1],
        body([LOG]) + b"x",
        b"[" + body([LOG]) + b"]",
        body([LOG | {"transactionHash": "?"}]).replace(b"?", b"\xff"),
        body([LOG], extra="DEEP").replace(b'"DEEP"', b"[" * 40 + b"]" * 40),
        b"[" * 200_000,
        b"",
    ],
)
def test_an_envelope_with_anything_odd_is_left_to_the_long_way(raw: bytes) -> None:
    assert read(raw, 1, Wanted(RANGE)) is None


class TestAnEndpointsAnswer:
    def answer(self, raw: bytes, status: int = 200) -> Answer | EndpointError:
        node = Node(Endpoint("local", "http://127.0.0.1"), deadline=1, rate=None, plain=True, clock=Clock())
        (found,) = node.read([Request("eth_getLogs", [RANGE])], (1,), False, status, {}, raw)
        return found

    def test_its_logs_are_read_the_short_way_and_its_json_is_whole(self) -> None:
        found = self.answer(body([LOG]))
        assert isinstance(found, Logs)
        assert (found.logs, found.value, found.endpoint) == (convert([LOG]), [LOG], "local")

    def test_a_lie_is_named_by_the_long_way(self) -> None:
        with pytest.raises(Lying, match="outside the range"):
            self.answer(body([LOG, log(("blockNumber", "0x21"))]))

    def test_an_error_beside_logs_is_a_lie(self) -> None:
        with pytest.raises(Lying, match="result and error"):
            self.answer(body([LOG], error={"code": 1, "message": "no"}))

    def test_a_body_that_is_cut_short_is_no_answer(self) -> None:
        with pytest.raises(Transient):
            self.answer(body([LOG])[:-9])
