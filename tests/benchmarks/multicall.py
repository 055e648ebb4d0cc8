"""A Multicall3 answer, from the raw HTTP body to exact integers, against stdlib json and eth-abi 6."""

from __future__ import annotations

import json
import random

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode

from tests.benchmarks.row import Row, faster, in_turn
from watcher.chain.abi import function
from watcher.chain.clock import Clock
from watcher.chain.codec import decode
from watcher.chain.endpoint import Endpoint
from watcher.chain.multicall import unpack
from watcher.chain.node import Answer, Node, Request

ROWS = 500
WORDS = ["uint256"] * 6


def body() -> bytes:
    """500 answers of `getUserAccountData` with values of realistic sizes."""
    source = random.Random(500)
    rows = [[source.randrange(10 ** source.choice((4, 11, 14, 18))) for _ in WORDS] for _ in range(ROWS)]
    packed = abi_encode(["(bool,bytes)[]"], [[(True, abi_encode(WORDS, row)) for row in rows]])
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x" + packed.hex()}).encode()


def ours(node: Node, raw: bytes) -> list[tuple[int, ...]]:
    """What becomes of an HTTP body in `watcher.chain`: depth, envelope, the check of the answer, its layout with every bound, the rows."""
    shape = function("aave_v3/pool.getUserAccountData")
    (answer,) = node.read([Request("eth_call", [])], (1,), False, 200, {}, raw)
    assert isinstance(answer, Answer)
    return [decode(shape, result.data) for result in unpack(bytes.fromhex(answer.value[2:]), ROWS)]


def theirs(raw: bytes) -> list[tuple[int, ...]]:
    data = bytes.fromhex(json.loads(raw)["result"][2:])
    (rows,) = abi_decode(["(bool,bytes)[]"], data)
    return [abi_decode(WORDS, answer) for _, answer in rows]


def rows() -> list[Row]:
    raw = body()
    node = Node(Endpoint("canned", "http://127.0.0.1"), deadline=1, rate=None, plain=True, clock=Clock())
    assert ours(node, raw) == theirs(raw)
    quick, slow = in_turn(12, lambda: ours(node, raw), lambda: theirs(raw))
    return [faster("multicall", "µs per row", quick / ROWS * 1e6, slow / ROWS * 1e6, 10)]
