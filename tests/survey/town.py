"""A Morpho market on a chain of numbers, behind endpoints with faults of their own, on a clock that passes only when somebody waits.

What everybody holds at any block is known, since it was made up; the future too is written already and comes as the clock goes on.
"""

from __future__ import annotations

import json
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final, cast

from eth_abi import abi as eth
from eth_typing import ChecksumAddress

from tests.adapters.situations import address, morpho_terms
from tests.chain.evm import Evm, Reverted
from tests.chain.server import FakeClock, Oops
from tests.simulation import wire
from watcher.adapters.morpho_blue.facts import Holding
from watcher.chain.abi import event, function
from watcher.chain.multicall import CANONICAL
from watcher.config import Chain, Endpoint
from watcher.connection import Connection
from watcher.model import Market, PositionKey
from watcher.units import WAD

TERMS: Final = morpho_terms((6, 18), WAD * 86 // 100)
START: Final = 1_000  # block of the market
HEAD: Final = 60_000  # when the clock starts
FUTURE: Final = 4_000  # blocks that are written ahead
Log = dict[str, Any]
View = Callable[[list[bytes]], Sequence[Any]]  # from the words of its arguments to the values of its answer


@dataclass(frozen=True, slots=True)
class Deed:
    """`shares` are added to what `who` owes."""

    block: int
    who: bytes
    shares: int


def deeds(count: int, each: int, seed: int = 1) -> list[Deed]:
    """`count` accounts that borrow `each` times by now; later somebody moves in every block, in every fourth one a stranger."""
    source = random.Random(seed)
    crowd = [source.randbytes(20) for _ in range(count)]
    made = [
        Deed(source.randint(START + 10, HEAD), who, source.randint(1, 10**12)) for who in crowd for _ in range(each)
    ]
    for block in range(HEAD + 1, HEAD + FUTURE):
        who = source.randbytes(20) if block % 4 == 0 else source.choice(crowd)
        made.append(Deed(block, who, source.randint(1, 10**12)))
    return sorted(made, key=lambda deed: deed.block)


@dataclass
class Town:
    deeds: list[Deed]
    clock: FakeClock = field(default_factory=FakeClock)
    pace: float = 0.1  # seconds between blocks
    branch: int = 0  # another history after block `fork`
    fork: int = 0
    market: Market = field(default_factory=lambda: replace(TERMS.market, chain=7, start=START))

    def __post_init__(self) -> None:
        self.terms = replace(TERMS, market=self.market)
        self.blocks = [deed.block for deed in self.deeds]
        self.sums = list(accumulate(deed.shares for deed in self.deeds))
        self.held: dict[bytes, list[tuple[int, int]]] = {}
        for deed in self.deeds:
            before = self.held.setdefault(deed.who, [(-1, 0)])
            before.append((deed.block, before[-1][1] + deed.shares))
        self.logs = [self.created(), *(self.borrowed(deed, index) for index, deed in enumerate(self.deeds))]
        self.heights = [START + 5, *self.blocks]

    @property
    def head(self) -> int:
        return HEAD + int((self.clock.now() - 1_000) / self.pace)

    def hash(self, number: int) -> str:
        return f"0x{self.branch if number > self.fork else 0:032x}{number:032x}"

    def key(self, who: bytes) -> PositionKey:
        return PositionKey(self.market.name, who)

    def truth(self, block: int) -> dict[PositionKey, Holding]:
        """Everybody who borrowed by then, and what they have."""
        found = {self.key(who): self.owed(who, block) for who in self.held if self.held[who][1][0] <= block}
        return {key: Holding(key, 0, shares, 10**18) for key, shares in found.items()}

    def owed(self, who: bytes, block: int) -> int:
        rows = self.held.get(who, [(-1, 0)])
        return rows[bisect_right(rows, (block, 1 << 300)) - 1][1]

    def total(self, block: int) -> int:
        place = bisect_right(self.blocks, block)
        return self.sums[place - 1] if place else 0

    def block(self, number: int) -> Log:
        return {
            "number": hex(number),
            "hash": self.hash(number),
            "parentHash": self.hash(number - 1),
            "timestamp": hex(self.time(number)),
            "transactions": [],
            "gasLimit": "0x1c9c380",
        }

    def time(self, number: int) -> int:
        return 1_600_000_000 + 12 * number

    def created(self) -> Log:
        words = eth.encode(["address"] * 4 + ["uint256"], TERMS.params.row())
        return self.log(START + 5, 0, "morpho_blue/morpho.CreateMarket", [self.market.id], words)

    def borrowed(self, deed: Deed, index: int) -> Log:
        who, data = bytes(12) + deed.who, words(0, 1, deed.shares)
        return self.log(deed.block, index, "morpho_blue/morpho.Borrow", [self.market.id, who, who], data)

    def log(self, block: int, index: int, name: str, topics: Sequence[bytes], data: bytes) -> Log:
        return {
            "address": self.market.address,
            "topics": ["0x" + word.hex() for word in (event(name).topic, *topics)],
            "data": "0x" + data.hex(),
            "blockNumber": hex(block),
            "blockHash": self.hash(block),
            "logIndex": hex(index),
            "removed": False,
        }

    def contracts(self, block: int) -> dict[str, Callable[[bytes], bytes]]:
        """What the contracts answer at a block."""
        morpho: dict[str, View] = {
            "idToMarketParams": lambda _: TERMS.params.row(),
            "feeRecipient": lambda _: [TERMS.fee_recipient],
            "market": lambda _: [10**18, 10**24, 10**17, self.total(block), self.time(START), 0],
            "position": lambda args: [0, self.owed(args[1][12:], block), 10**18],
        }
        return {
            self.market.address.lower(): answering("morpho_blue/morpho", morpho),
            TERMS.params.oracle.lower(): answering("morpho_blue/oracle", {"price": lambda _: [10**24]}),
            TERMS.params.loan.lower(): token(6),
            TERMS.params.collateral.lower(): token(18),
        }


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(32) for value in values)


def token(decimals: int) -> Callable[[bytes], bytes]:
    return answering("erc20/token", {"decimals": lambda _: [decimals], "symbol": lambda _: ["T"]})


def answering(contract: str, views: dict[str, View]) -> Callable[[bytes], bytes]:
    shapes = {
        function(f"{contract}.{name}").selector: (function(f"{contract}.{name}"), view) for name, view in views.items()
    }

    def answer(data: bytes) -> bytes:
        if data[:4] not in shapes:
            raise Reverted
        shape, view = shapes[data[:4]]
        row = view([data[start : start + 32] for start in range(4, len(data), 32)])
        return words(*row) if set(map(type, row)) == {int} else bytes(eth.encode(shape.outputs, row))

    return answer


@dataclass
class Desk:
    """An endpoint of the town with its limits and faults: `keeps` blocks of state, `results` and `span` of one log query, `rate`
    requests a second; no logs before `pruned`, none that `drops`, `twice` and in disorder, `lag` blocks behind, `delay` seconds
    for an answer.
    """

    town: Town
    keeps: int | None = 128
    results: int = 10_000
    span: int | None = None
    rate: float | None = None
    pruned: int = 0
    drops: Callable[[Log], bool] = lambda log: False
    twice: bool = False
    lag: int = 0
    delay: float = 0.0
    tokens: float = 10.0
    seen: float = 1_000.0
    asked: list[tuple[str, Any]] = field(default_factory=list)  # what was answered
    refused: int = 0

    async def reply(self, body: bytes) -> tuple[int, bytes]:
        if not self.allowed():
            self.refused += 1
            return 429, b"slow down"
        self.town.clock.pass_(self.delay)
        calls = json.loads(body)
        replies = [self.one(call) for call in (calls if isinstance(calls, list) else [calls])]
        return 200, json.dumps(replies if isinstance(calls, list) else replies[0]).encode()

    def allowed(self) -> bool:
        if self.rate is None:
            return True
        now = self.town.clock.now()
        self.tokens, self.seen = min(self.rate, self.tokens + (now - self.seen) * self.rate), now
        self.tokens -= self.tokens >= 1
        return self.tokens > 0

    def one(self, call: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((call["method"], call["params"]))
        try:
            return {"jsonrpc": "2.0", "id": call["id"], "result": self.answer(call["method"], call["params"])}
        except Oops as error:
            return {"jsonrpc": "2.0", "id": call["id"], "error": error.member}

    @property
    def head(self) -> int:
        return self.town.head - self.lag

    def answer(self, method: str, params: Sequence[Any]) -> Any:
        match method:
            case "eth_chainId":
                return "0x7"
            case "eth_blockNumber":
                return hex(self.head)
            case "eth_getBlockByNumber":
                number = self.head if params[0] == "latest" else int(params[0], 16)
                return self.town.block(number) if number <= self.head else None
            case "eth_getLogs":
                return self.logs(params[0])
            case "eth_call":
                return self.call(params[0], params[1])
            case "eth_getCode" | "eth_getBlockReceipts":
                raise Oops(-32601, f"the method {method} is not available")
        raise Oops(-32601, f"the method {method} does not exist")

    def call(self, transaction: dict[str, Any], block: Any) -> str:
        mined = block["blockHash"] if isinstance(block, dict) else self.town.hash(int(block, 16))
        number = int(mined[-32:], 16)
        if mined != self.town.hash(number) or number > self.head:
            raise Oops(-32000, "header not found")
        if self.keeps is not None and number < self.head - self.keeps:
            raise Oops(-32000, "missing trie node: state is not available")
        return Evm(self.town.contracts(number), timestamp=self.town.time(number))(transaction, block)

    def logs(self, asked: dict[str, Any]) -> list[Log]:
        if "blockHash" in asked:
            first = last = int(asked["blockHash"][-32:], 16)
        else:
            first, last = int(asked["fromBlock"], 16), int(asked["toBlock"], 16)
        if self.span is not None and last - first >= self.span:
            raise Oops(-32602, f"exceed maximum block range: {self.span}")
        low, high = bisect_left(self.town.heights, first), bisect_right(self.town.heights, min(last, self.head))
        topics = asked["topics"][0]
        found = [log for log in self.town.logs[low:high] if log["topics"][0] in topics]
        if len(found) > self.results:
            raise Oops(-32005, f"query returned more than {self.results} results")
        found = [log for log in found if int(log["blockNumber"], 16) >= self.pruned and not self.drops(log)]
        return [*reversed(found), *found] if self.twice else found


def line(town: Town, *desks: Desk) -> Connection:
    """A connection to the town over these endpoints, the first one preferred."""
    endpoints = tuple(Endpoint(f"desk {n}", f"https://desk{n}.example/") for n in range(1, len(desks) + 1))
    chain = Chain("town", 7, endpoints, Decimal(12), 64, 10**10, ChecksumAddress(CANONICAL), markets=(town.market,))
    gates = {endpoint.url: desk for endpoint, desk in zip(endpoints, desks, strict=True)}
    return wire.line(chain, cast(Any, gates), town.clock)


STRANGER: Final = bytes.fromhex(address(0x99)[2:])
