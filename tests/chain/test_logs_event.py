"""Logs to events, against web3's own `process_log`, and everything that a log may be instead of one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from eth_abi import abi as eth
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from hypothesis import given, settings
from hypothesis import strategies as st
from web3 import Web3

import watcher.chain.provider  # noqa: F401  # puts the recursion limit back that web3 raises
from watcher.chain.abi import event
from watcher.chain.event import decode_log, decode_logs, known
from watcher.chain.log import Log, convert
from watcher.data import root
from watcher.errors import AnswerError

NAMES = (
    "morpho_blue/morpho.Borrow",  # the first value is indexed, the second is not, the third is again
    "morpho_blue/morpho.CreateMarket",  # a struct in the data
    "morpho_blue/morpho.AccrueInterest",
    "aave_v3/pool.LiquidationCall",
    "aave_v3/configurator.EModeCategoryAdded",  # a string in the data
    "aave_v3/stable_token.Mint",
)
BOOK = known(NAMES)
EMITTER = "0x" + "5e" * 20


def values(kind: str) -> st.SearchStrategy[Any]:
    if kind.startswith("("):
        return st.tuples(*map(values, kind[1:-1].split(",")))
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(to_checksum_address)
    if kind == "bytes32":
        return st.binary(min_size=32, max_size=32)
    if kind == "string":
        return st.text("abc XYZ", max_size=20).map(str.strip).map(lambda text: " ".join(text.split()))
    if kind == "bool":
        return st.booleans()
    top: int = 2 ** int(kind.removeprefix("uint")) - 1
    return st.just(top) | st.integers(0, top)


def made(name: str, args: tuple[Any, ...]) -> dict[str, Any]:
    """The log that a contract emitting `name` with `args` leaves."""
    shape = event(name)
    parts = list(zip(shape.types, shape.indexed, args, strict=True))
    topics = [shape.topic, *(eth.encode([kind], [value]) for kind, is_topic, value in parts if is_topic)]
    plain = [(kind, value) for kind, is_topic, value in parts if not is_topic]
    data = eth.encode([kind for kind, _ in plain], [value for _, value in plain])
    return {
        "address": EMITTER,
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + data.hex(),
        "blockNumber": "0x10",
        "blockHash": "0x" + "ab" * 32,
        "logIndex": "0x2",
        "transactionHash": "0x" + "cd" * 32,
        "transactionIndex": "0x0",
        "removed": False,
    }


def by_web3(name: str, log: dict[str, Any]) -> tuple[Any, ...]:
    path, _, event_name = name.partition(".")
    contract = Web3().eth.contract(abi=json.loads(Path(root() / "abis" / f"{path}.json").read_text()))
    wire = log | {"topics": [HexBytes(topic) for topic in log["topics"]], "data": HexBytes(log["data"])}
    found = contract.events[event_name]().process_log(wire)["args"]
    return tuple(_plain(found[argument["name"]]) for argument in _inputs(path, event_name))


def _inputs(path: str, name: str) -> list[dict[str, Any]]:
    items = json.loads((root() / "abis" / f"{path}.json").read_text())
    return next(item["inputs"] for item in items if item["type"] == "event" and item["name"] == name)


def _plain(value: Any) -> Any:
    return (
        tuple(map(_plain, value.values()))
        if hasattr(value, "values")
        else bytes(value)
        if isinstance(value, HexBytes)
        else value
    )


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_the_values_of_a_log_are_those_that_web3_reads(name: str, data: st.DataObject) -> None:
    args = tuple(data.draw(values(kind)) for kind in event(name).types)
    log = made(name, args)
    (ours,) = convert([log])
    assert decode_log(BOOK, ours).args == by_web3(name, log) == args


@settings(deadline=None)
@given(st.data())
def test_logs_read_together_are_what_each_of_them_is_alone(data: st.DataObject) -> None:
    found = []
    for name in data.draw(st.lists(st.sampled_from(NAMES), max_size=12)):
        args = tuple(data.draw(values(kind)) for kind in event(name).types)
        number, index = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))
        found.append(made(name, args) | {"blockNumber": hex(number), "logIndex": hex(index)})
    logs = convert(found)
    together = decode_logs(BOOK, logs)
    alone = [decode_log(BOOK, log) for log in logs]
    assert sorted(map(repr, together)) == sorted(map(repr, alone))


def test_an_event_carries_its_place_in_the_chain() -> None:
    (log,) = convert([made(NAMES[2], (b"\1" * 32, 1, 2, 3))])
    found = decode_log(BOOK, log)
    assert (found.name, found.block, found.index, found.block_hash) == (NAMES[2], 16, 2, "0x" + "ab" * 32)
    assert found.address == to_checksum_address(EMITTER)


class TestF34ALogThatIsNotWhatItsTopicSays:
    """F34: wrong topic counts, lengths and padding are an error, never a number."""

    log = made(
        "morpho_blue/morpho.Supply",
        (b"\1" * 32, to_checksum_address("0x" + "11" * 20), to_checksum_address("0x" + "22" * 20), 5, 6),
    )
    book = known(["morpho_blue/morpho.Supply"])

    def refused(self, **changed: Any) -> str:
        (log,) = convert([self.log | changed])
        with pytest.raises(AnswerError) as refusal:
            decode_log(self.book, log)
        with pytest.raises(AnswerError, match=re.escape(str(refusal.value))):
            decode_logs(self.book, [*convert([self.log]), log])
        return str(refusal.value)

    def test_f34_as_it_is_it_is_read(self) -> None:
        (log,) = convert([self.log])
        assert decode_log(self.book, log).args[3:] == (5, 6)

    @pytest.mark.parametrize("count", [0, 1, 2, 3])
    def test_f34_fewer_topics(self, count: int) -> None:
        assert "topics" in self.refused(topics=self.log["topics"][:count])

    def test_f34_a_topic_more_and_the_data_a_word_less(self) -> None:
        word = "0x" + (5).to_bytes(32).hex()
        assert "with 5 topics is none of the events" in self.refused(topics=[*self.log["topics"], word], data=word)

    def test_f34_topics_of_odd_lengths_that_add_up(self) -> None:
        first, second, third, fourth = self.log["topics"]
        assert "32 bytes" in self.refused(topics=[first, second + "00", third[:-2], fourth])

    @pytest.mark.parametrize(
        "change", [lambda data: data[:-2], lambda data: data + "00" * 32, lambda data: data[:66], lambda data: "0x"]
    )
    def test_f34_data_of_another_length(self, change: Any) -> None:
        assert "bytes where 64" in self.refused(data=change(self.log["data"]))

    def test_f34_an_address_with_something_before_it(self) -> None:
        topics = list(self.log["topics"])
        topics[2] = "0x01" + topics[2][4:]
        assert "Padding bytes were not empty" in self.refused(topics=topics)

    @pytest.mark.parametrize("data", ["0xzz", "0x" + " " * 128, "0x" + "é" * 128])
    def test_f34_data_that_is_not_hex(self, data: str) -> None:
        assert "is not hexadecimal" in self.refused(data=data)

    def test_f34_data_that_is_nothing_at_all(self) -> None:
        assert "0 bytes where 64 belong" in self.refused(data="")

    @pytest.mark.parametrize(
        ("member", "values", "reason"),
        [
            ("blockNumber", ["-0x1", "16", hex(2**64)], "without a block number or index"),
            ("logIndex", ["0x"], "without a block number or index"),
            ("blockHash", ["0x12", "0x" + "zz" * 32], "without a block hash"),
            ("address", ["0x12", "nobody"], "without an address"),
        ],
    )
    def test_f34_a_place_in_the_chain_that_is_none(self, member: str, values: list[str], reason: str) -> None:
        assert [reason in self.refused(**{member: value}) for value in values] == [True] * len(values)

    @pytest.mark.parametrize("log", [None, 7, {}, {"blockNumber": None}, {"topics": "0x"}])
    def test_f34_something_else_than_a_log(self, log: Any) -> None:
        with pytest.raises(AnswerError, match="not a list of logs"):
            convert([self.log | log if isinstance(log, dict) and log else log])


def test_a_log_is_small_in_memory_and_cannot_be_changed() -> None:
    (log,) = convert([TestF34ALogThatIsNotWhatItsTopicSays.log])
    assert isinstance(log, Log)
    with pytest.raises(AttributeError):
        log.data = "0x"  # type: ignore[misc]
