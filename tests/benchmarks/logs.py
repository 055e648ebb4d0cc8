"""Logs, from the raw HTTP body to exact tuples, against web3's `get_logs` with its formatters and `process_log`."""

from __future__ import annotations

import json
import random
from typing import Any

from web3 import Web3
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from tests.benchmarks.row import Row, best, faster
from watcher.chain.abi import event
from watcher.chain.event import arguments, known, parse
from watcher.data import root

LOGS = 1_000
NAMES = ("aave_v3/token.BalanceTransfer", "aave_v3/token.Mint", "morpho_blue/morpho.Borrow")


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
    source = random.Random(1_000)
    found = []
    for number in range(LOGS):
        shape = event(NAMES[(0, 1, 0, 2)[number % 4]])
        words = [_word(kind, source) for kind in shape.types]
        topics = [word for word, indexed in zip(words, shape.indexed, strict=True) if indexed]
        data = b"".join(word for word, indexed in zip(words, shape.indexed, strict=True) if not indexed)
        found.append(
            {
                "address": "0x" + source.randbytes(20).hex(),
                "topics": ["0x" + shape.topic.hex(), *("0x" + word.hex() for word in topics)],
                "data": "0x" + data.hex(),
                "blockNumber": hex(21_000_000 + number // 10),
                "blockHash": "0x" + source.randbytes(32).hex(),
                "transactionHash": "0x" + source.randbytes(32).hex(),
                "transactionIndex": hex(number % 200),
                "logIndex": hex(number % 400),
                "removed": False,
            }
        )
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": found}).encode()


def _word(kind: str, source: random.Random) -> bytes:
    if kind == "address":
        return bytes(12) + source.randbytes(20)
    return source.randbytes(32) if kind == "bytes32" else source.randrange(10**24).to_bytes(32)


def ours(raw: bytes, book: Any) -> list[tuple[Any, ...]]:
    return [arguments(book, log) for log in parse(raw)]


def rows() -> list[Row]:
    raw = body()
    book = known(NAMES)
    w3 = Web3(Canned(raw))
    events = {}
    for name in NAMES:
        path, _, called = name.partition(".")
        abi = json.loads((root() / "abis" / f"{path}.json").read_text())
        events[event(name).topic] = getattr(w3.eth.contract(abi=abi).events, called)()

    def theirs() -> list[Any]:
        return [events[bytes(log["topics"][0])].process_log(log) for log in w3.eth.get_logs({})]

    assert [_in_order(log) for log in theirs()] == ours(raw, book)
    quick, slow = best(15, lambda: ours(raw, book)), best(3, theirs)
    return [faster("logs", "µs per log", quick / LOGS * 1e6, slow / LOGS * 1e6, 80)]


def _in_order(log: Any) -> tuple[Any, ...]:
    """The values as the ABI orders them: web3 puts the indexed ones first."""
    name = next(name for name in NAMES if name.endswith(f".{log['event']}"))
    return tuple(log["args"][argument] for argument in _argument_names(name))


def _argument_names(name: str) -> list[str]:
    path, _, called = name.partition(".")
    entries = json.loads((root() / "abis" / f"{path}.json").read_text())
    return [value["name"] for entry in entries if entry.get("name") == called for value in entry["inputs"]]
