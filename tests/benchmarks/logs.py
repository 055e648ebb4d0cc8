"""Logs, from the raw HTTP body to events as the product reads them, against web3's `get_logs` with its formatters and `process_log`.

As on a real market the same few contracts emit, the same users come again, and the logs of one block share its hash.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from tests.benchmarks.row import Row, faster, in_turn
from watcher.adapter import Event, LogQuery
from watcher.chain.abi import event
from watcher.chain.clock import Clock
from watcher.chain.endpoint import Endpoint
from watcher.chain.event import Book, known
from watcher.chain.log_proof import received
from watcher.chain.logs import filtered, ordered
from watcher.chain.node import Answer, Node, Request
from watcher.data import root

LOGS = 1_000
PER_BLOCK = 10
FIRST = 21_000_000
NAMES = ("aave_v3/token.BalanceTransfer", "aave_v3/token.Mint", "morpho_blue/morpho.Borrow")
SOURCE = random.Random(1_000)
EMITTERS = tuple(to_checksum_address(SOURCE.randbytes(20)) for _ in range(12))
USERS = tuple(SOURCE.randbytes(20) for _ in range(300))
MARKETS = tuple(SOURCE.randbytes(32) for _ in range(20))
Read = tuple[str, str, tuple[Any, ...], int, str, int]  # name, address, values, block, its hash, index


class Canned(JSONBaseProvider):
    """Answers `eth_getLogs` with one body, parsed anew each time as web3 does."""

    def __init__(self, raw: bytes) -> None:
        super().__init__()
        self.raw = raw

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        answer: RPCResponse = json.loads(self.raw)
        return answer


def body() -> bytes:
    """Half transfers, a quarter mints, a quarter Morpho borrows: the events a whole market is followed by."""
    found = []
    for number in range(LOGS):
        shape = event(NAMES[(0, 1, 0, 2)[number % 4]])
        words = [_word(kind) for kind in shape.types]
        topics = [word for word, indexed in zip(words, shape.indexed, strict=True) if indexed]
        data = b"".join(word for word, indexed in zip(words, shape.indexed, strict=True) if not indexed)
        if number % PER_BLOCK == 0:
            mined = "0x" + SOURCE.randbytes(32).hex()
        found.append(
            {
                "address": SOURCE.choice(EMITTERS).lower(),
                "topics": ["0x" + shape.topic.hex(), *("0x" + word.hex() for word in topics)],
                "data": "0x" + data.hex(),
                "blockNumber": hex(FIRST + number // PER_BLOCK),
                "blockHash": mined,
                "transactionHash": "0x" + SOURCE.randbytes(32).hex(),
                "transactionIndex": hex(number % 200),
                "logIndex": hex(number % 400),
                "removed": False,
            }
        )
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": found}, separators=(",", ":")).encode()


def _word(kind: str) -> bytes:
    if kind == "address":
        return bytes(12) + SOURCE.choice(USERS)
    return SOURCE.choice(MARKETS) if kind == "bytes32" else SOURCE.randrange(10**24).to_bytes(32)


def ours(node: Node, asked: list[Request], book: Book, raw: bytes) -> list[Event]:
    """What becomes of an HTTP body in `watcher.chain.logs`: depth, envelope, every check of the answer, then the events in order.

    As in the product the newest block stands before the logs, in one batch.
    """
    _, answer = node.read(asked, (2, 1), True, 200, {}, raw)
    assert isinstance(answer, Answer)
    return ordered(book, received(answer))


def rows() -> list[Row]:
    raw = body()
    book = known(NAMES)
    wanted = filtered(book, LogQuery(EMITTERS, NAMES, lambda found: found))
    span = {"fromBlock": hex(FIRST), "toBlock": hex(FIRST + LOGS // PER_BLOCK)}
    asked = [Request("eth_blockNumber", []), Request("eth_getLogs", [{**wanted, **span}])]
    head = json.dumps({"jsonrpc": "2.0", "id": 2, "result": hex(FIRST + LOGS)}).encode()
    batch = b"[" + head + b"," + raw + b"]"
    node = Node(Endpoint("canned", "http://127.0.0.1"), deadline=1, rate=None, plain=True, clock=Clock())
    w3 = Web3(Canned(raw))
    entries = {name: _entries(name) for name in NAMES}
    events = {
        event(name).topic: getattr(w3.eth.contract(abi=entries[name]).events, name.partition(".")[2])()
        for name in NAMES
    }
    order = {name: _argument_names(entries[name], name) for name in NAMES}

    def theirs() -> list[Any]:
        return [events[bytes(log["topics"][0])].process_log(log) for log in w3.eth.get_logs({})]

    read = [
        (one.name, one.address, one.args, one.block, one.block_hash, one.index)
        for one in ours(node, asked, book, batch)
    ]
    assert read == [_plain(order, log) for log in theirs()]
    quick, slow = in_turn(4, lambda: ours(node, asked, book, batch), theirs)
    return [faster("logs", "µs per log", quick / LOGS * 1e6, slow / LOGS * 1e6, 80)]


def _plain(order: Mapping[str, list[str]], log: Any) -> Read:
    """web3's log with its values as the ABI orders them: web3 puts the indexed ones first."""
    name = next(name for name in NAMES if name.endswith(f".{log['event']}"))
    values = tuple(log["args"][argument] for argument in order[name])
    return name, log["address"], values, log["blockNumber"], log["blockHash"].to_0x_hex(), log["logIndex"]


def _entries(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((root() / "abis" / f"{name.partition('.')[0]}.json").read_text())
    return found


def _argument_names(entries: list[dict[str, Any]], name: str) -> list[str]:
    return [
        value["name"] for entry in entries if entry.get("name") == name.partition(".")[2] for value in entry["inputs"]
    ]
