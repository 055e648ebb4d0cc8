"""A chain that one seed makes up: blocks linked by parent hash, each with its own prices and positions, and reorgs that change both.

What is true at a block is kept beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from random import Random
from typing import Any

from tests.chain.server import Oops
from tests.simulation.contracts import Contracts, Pool, Reverted
from tests.simulation.loan import COIN, HONEST, LLTV, PAR, SHARES, WAD, Lie, Loan

GENESIS = 1_700_000_000
FIRST = 100  # number of the first block
BLOCK_TIME = 12
YEAR = 365 * 86_400
PAIRED = "loop"  # the market whose collateral and debt move together


@dataclass(frozen=True, slots=True)
class Made:
    """A block with what is true at it."""

    number: int
    hash: str
    parent: str
    timestamp: int
    loans: tuple[Loan, ...]  # in the order of the markets

    @property
    def json(self) -> dict[str, Any]:
        return {
            "number": hex(self.number),
            "hash": self.hash,
            "parentHash": self.parent,
            "timestamp": hex(self.timestamp),
            "transactions": [],
            "gasLimit": "0x1c9c380",
        }


def due(number: int) -> int:
    """When a block is to be made."""
    return GENESIS + BLOCK_TIME * number


@dataclass
class World:
    """`chain` is what is canonical now, from block `FIRST` on; `made` is every block that ever was, by hash.

    `lies` are those that some endpoint may have told about a block while it was read. `ahead` is how far block times run before the
    true one.
    """

    chance: Random
    names: Sequence[str]
    chain: list[Made] = field(default_factory=list)
    made: dict[str, Made] = field(default_factory=dict)
    lies: dict[str, set[Lie]] = field(default_factory=dict)
    ahead: int = 0

    def __post_init__(self) -> None:
        self.pools = tuple(Pool(name) for name in self.names)
        self.contracts = Contracts(self.pools)
        self._answered = ""  # hash of the block that answers are kept of
        self._answers: dict[tuple[str, str, Lie], str | Reverted] = {}
        now = due(FIRST)
        self._put(now, tuple(self._first(name, now) for name in self.names))

    @staticmethod
    def _first(name: str, now: int) -> Loan:
        paired = name == PAIRED
        rate = (35 if paired else 5) * WAD // 100 // YEAR
        debt = (76 if paired else 50) * COIN
        return Loan(PAR, debt, debt * SHARES, 100 * COIN, now, now, rate, paired)

    @property
    def head(self) -> Made:
        return self.chain[-1]

    def at(self, number: int) -> Made | None:
        """The canonical block with this number."""
        place = number - FIRST
        return self.chain[place] if 0 <= place < len(self.chain) else None

    def canonical(self, hash: str) -> bool:
        made = self.made.get(hash)
        return made is not None and self.at(made.number) is made

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            now = max(self.head.timestamp + 1, due(self.head.number + 1) + self.ahead)
            self._put(now, tuple(self._moved(replace(loan, now=now)) for loan in self.head.loans))

    def reorg(self, depth: int, height: int) -> None:
        """The newest `depth` blocks give way to `depth + height` others, with other prices and other actions."""
        del self.chain[-min(depth, len(self.chain) - 1) :]
        self.mine(max(1, depth + height))

    def heal(self) -> None:
        """From the next block on every market can be read."""
        now = max(self.head.timestamp + 1, due(self.head.number + 1))
        self._put(now, tuple(replace(one, now=now, price=one.price or PAR, readable=True) for one in self.head.loans))

    def call(self, transaction: dict[str, Any], at: Made, lie: Lie) -> str:
        """A call at a block, as an endpoint answers it that tells this lie. What several ask is worked out once."""
        if self._answered != at.hash:
            self._answered = at.hash
            self._answers.clear()
        to, data = transaction["to"], transaction["data"]
        if (to, data, lie) not in self._answers:
            try:
                answer = self.contracts.call(to, data, [loan.told(lie) for loan in at.loans], at.timestamp)
                self._answers[to, data, lie] = answer
            except Reverted as revert:
                self._answers[to, data, lie] = revert
        found = self._answers[to, data, lie]
        if isinstance(found, Reverted):
            raise Oops(3, "execution reverted", "0x" + found.data.hex())
        return found

    def _put(self, now: int, loans: tuple[Loan, ...]) -> None:
        number = self.chain[-1].number + 1 if self.chain else FIRST
        parent = self.chain[-1].hash if self.chain else "0x" + "00" * 32
        hash = "0x" + sha256(f"{parent} {number} {self.chance.random()}".encode()).hexdigest()
        block = Made(number, hash, parent, now, loans)
        self.chain.append(block)
        self.made[hash] = block

    def _moved(self, loan: Loan) -> Loan:
        """A block later: a price that drifts and sometimes jumps, a borrower who acts, an oracle or a market that fails for a while."""
        roll = self.chance.random
        price = self._price(loan)
        if roll() < 0.02:
            loan = self._acted(loan, price or PAR)
        elif roll() < 0.05:
            loan = loan.accrued()
        readable = roll() < 0.4 if not loan.readable else roll() >= 0.003
        return replace(loan, price=price, readable=readable)

    def _price(self, loan: Loan) -> int | None:
        price, chance = loan.price, self.chance
        spread = 1 if loan.paired else 20  # hundredths of it, around par
        if price is None:
            return PAR * chance.randint(100 - spread, 100 + spread) // 100 if chance.random() < 0.3 else None
        if chance.random() < 0.004:
            return None
        wide, narrow = (200, 10) if loan.paired else (9_000, 600)
        step = chance.randint(-wide, wide) if chance.random() < 0.05 else chance.randint(-narrow, narrow)
        return min(max(price * (100_000 + step) // 100_000, PAR // 3), PAR * 3)

    def _acted(self, loan: Loan, price: int) -> Loan:
        """The borrower comes to any health around the bands, or leaves; the market's interest is settled with it."""
        if self.chance.random() < 0.1:
            return replace(loan, borrowed=0, shares=0, collateral=self.chance.choice([0, 100 * COIN]), since=loan.now)
        collateral = self.chance.randint(50, 150) * COIN + self.chance.randint(0, COIN)
        worth = collateral * price // PAR * LLTV // WAD
        health = self.chance.randint(990, 1_100) if loan.paired else self.chance.randint(900, 2_000)
        debt = worth * 1_000 // health
        return replace(loan, borrowed=debt, shares=debt * SHARES, collateral=collateral, since=loan.now)


@dataclass
class View:
    """One endpoint's knowledge of the world: it is `lag` blocks behind, and tells its `lie` of the state of every block."""

    world: World
    lag: int = 0
    lie: Lie = HONEST

    @property
    def head(self) -> int:
        return max(FIRST, self.world.head.number - self.lag)

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        match method:
            case "eth_chainId":
                return "0x1"
            case "eth_blockNumber":
                return hex(self.head)
            case "eth_getCode":
                return "0x60"
            case "eth_getBlockByNumber" | "eth_getBlockByHash":
                found = self._block(params[0])
                return None if found is None else found.json
            case "eth_call":
                made = self._block(params[1])
                if made is None:
                    raise Oops(-32000, "header not found")
                return self.world.call(params[0], made, self.lie)
        raise Oops(-32601, f"the method {method} does not exist/is not available")

    def _block(self, asked: Any) -> Made | None:
        asked = asked.get("blockHash", asked.get("blockNumber")) if isinstance(asked, dict) else asked
        if len(asked) == 66:
            made = self.world.made.get(asked)
            return made if made is not None and made.number <= self.head and self.world.canonical(asked) else None
        number = self.head if asked in ("latest", "safe", "finalized") else int(asked, 16)
        return self.world.at(number) if number <= self.head else None
