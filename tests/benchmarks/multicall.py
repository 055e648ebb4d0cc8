"""A Multicall3 answer, from the raw HTTP body to exact integers, against stdlib json and eth-abi 6."""

from __future__ import annotations

import json
import random
from binascii import unhexlify

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode

from tests.benchmarks.row import Row, best, faster
from watcher.chain.abi import function
from watcher.chain.codec import decode
from watcher.chain.multicall import unpack
from watcher.chain.parse import decode as parse

ROWS = 500
WORDS = ["uint256"] * 6


def body() -> bytes:
    """500 answers of `getUserAccountData` with values of realistic sizes."""
    source = random.Random(500)
    rows = [[source.randrange(10 ** source.choice((4, 11, 14, 18))) for _ in WORDS] for _ in range(ROWS)]
    packed = abi_encode(["(bool,bytes)[]"], [[(True, abi_encode(WORDS, row)) for row in rows]])
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x" + packed.hex()}).encode()


def ours(raw: bytes) -> list[tuple[int, ...]]:
    shape = function("aave_v3/pool.getUserAccountData")
    data = unhexlify(parse(raw)["result"][2:])
    return [decode(shape, answer.data) for answer in unpack(data, ROWS)]


def theirs(raw: bytes) -> list[tuple[int, ...]]:
    data = bytes.fromhex(json.loads(raw)["result"][2:])
    (rows,) = abi_decode(["(bool,bytes)[]"], data)
    return [abi_decode(WORDS, answer) for _, answer in rows]


def rows() -> list[Row]:
    raw = body()
    assert ours(raw) == theirs(raw)
    quick, slow = best(15, lambda: ours(raw)), best(5, lambda: theirs(raw))
    return [faster("multicall", "µs per row", quick / ROWS * 1e6, slow / ROWS * 1e6, 10)]
