"""A chain that one seed makes up: blocks linked by parent hash, each with its own prices and positions, and reorgs that change both.

What is true at a block is kept beside it, and worked out here again from Morpho's source, with nothing of the watcher.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from random import Random
from typing import Any

from tests.chain.evm import Evm, Reverted
from tests.chain.server import Oops
from tests.lending import MORPHO, PAR, Lending
from watcher.model import Status
from watcher.units import WAD

GENESIS = 1_700_000_000
FIRST = 100  # number of the first block
BLOCK_TIME = 12
COIN = 10**18
LLTV = WAD * 8 // 10

# The bands for volatile positions of the specification, in hundredths.
BANDS = ((103, Status.CRITICAL), (110, Status.DANGER), (125, Status.WARN), (150, Status.WATCH))


@dataclass(frozen=True, slots=True)
class Loan:
    """One market at one block. `price` None: the oracle reverts. `readable` False: the market itself does."""

    price: int | None
    debt: int
    collateral: int
    readable: bool = True

    @property
    def health(self) -> int | None:
        """Morpho._isHealthy as a fraction: collateral · price / 1e36, then · lltv / 1e18, each rounded down, over what is owed."""
        return self.bound * WAD // self.debt if self.debt else None

    @property
    def bound(self) -> int:
        assert self.price is not None
        return self.collateral * self.price // PAR * LLTV // WAD

    @property
    def statuses(self) -> frozenset[Status]:
        """What may be said of it. Without debt the price does not matter to the contract, so that both answers are right."""
        if not self.readable:
            return frozenset({Status.UNKNOWN})
        if not self.debt:
            return frozenset({Status.NO_DEBT, *([Status.UNKNOWN] if self.price is None else [])})
        if self.price is None:
            return frozenset({Status.UNKNOWN})
        if self.bound < self.debt:
            return frozenset({Status.LIQUIDATABLE})
        health = self.bound * WAD // self.debt
        return frozenset({next((name for step, name in BANDS if health < step * WAD // 100), Status.SAFE)})


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


@dataclass
class World:
    """`chain` is what is canonical now, from block `FIRST` on; `made` is every block that ever was, by hash."""

    chance: Random
    names: Sequence[str]
    lending: Lending = field(default_factory=Lending)
    chain: list[Made] = field(default_factory=list)
    made: dict[str, Made] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.names:
            self.lending.pool(name)
        evm = self.lending.node().call
        assert isinstance(evm, Evm)
        self.evm = evm
        morpho = evm.contracts[MORPHO.lower()]
        self._standing = ""  # hash of the block that the contracts stand at
        self._closed: tuple[bytes, ...] = ()
        self._answers: dict[tuple[str, str], str] = {}  # by target and data, at that block
        ids = {pool.id: pool for pool in self.lending.pools.values()}
        self._ids = tuple(ids)
        known: dict[tuple[bytes, int, int], bytes] = {}

        def guarded(data: bytes) -> bytes:
            if any(id in data for id in self._closed):
                raise Reverted()
            pool = ids.get(data[4:36])  # what names no market is the same at every block
            asked = (data, 0, 0) if pool is None else (data, pool.debt, pool.collateral)
            if asked not in known:
                known[asked] = morpho(data)
            return known[asked]

        evm.contracts[MORPHO.lower()] = guarded
        self._put(tuple(Loan(PAR, 50 * COIN, 100 * COIN) for _ in self.names))

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
            self._put(tuple(self._moved(loan) for loan in self.head.loans))

    def reorg(self, depth: int, height: int) -> None:
        """The newest `depth` blocks give way to `depth + height` others, with other prices and other actions."""
        del self.chain[-min(depth, len(self.chain) - 1) :]
        self.mine(max(1, depth + height))

    def heal(self) -> None:
        """From the next block on every market can be read."""
        self._put(tuple(replace(one, price=one.price or PAR, readable=True) for one in self.head.loans))

    def call(self, transaction: dict[str, Any], at: Made) -> str:
        """A call at a block: the contracts are put to where they stood there."""
        if self._standing != at.hash:
            pools = list(self.lending.pools.values())
            for pool, loan in zip(pools, at.loans, strict=True):
                pool.price, pool.debt, pool.collateral = loan.price, loan.debt, loan.collateral
            self._closed = tuple(id for id, loan in zip(self._ids, at.loans, strict=True) if not loan.readable)
            self.evm.timestamp, self._standing = at.timestamp, at.hash
            self._answers.clear()
        asked = (transaction["to"], transaction["data"])
        if asked not in self._answers:
            self._answers[asked] = self.evm(transaction, at.hash)
        return self._answers[asked]

    def _put(self, loans: tuple[Loan, ...]) -> None:
        number = self.chain[-1].number + 1 if self.chain else FIRST
        parent = self.chain[-1].hash if self.chain else "0x" + "00" * 32
        hash = "0x" + sha256(f"{parent} {number} {self.chance.random()}".encode()).hexdigest()
        block = Made(number, hash, parent, GENESIS + BLOCK_TIME * number, loans)
        self.chain.append(block)
        self.made[hash] = block

    def _moved(self, loan: Loan) -> Loan:
        """A block later: a price that drifts and sometimes jumps, a borrower who acts, an oracle or a market that fails for a while."""
        roll = self.chance.random
        price = loan.price
        if price is None:
            price = PAR * self.chance.randint(80, 120) // 100 if roll() < 0.3 else None
        elif roll() < 0.004:
            price = None
        else:
            step = self.chance.randint(-9_000, 9_000) if roll() < 0.05 else self.chance.randint(-600, 600)
            price = min(max(price * (100_000 + step) // 100_000, PAR // 3), PAR * 3)
        debt, collateral = loan.debt, loan.collateral
        if roll() < 0.02:
            debt, collateral = self._acted(price or PAR)
        readable = roll() < 0.4 if not loan.readable else roll() >= 0.003
        return Loan(price, debt, collateral, readable)

    def _acted(self, price: int) -> tuple[int, int]:
        """The borrower comes to any health between 0.9 and 2, or leaves."""
        if self.chance.random() < 0.1:
            return 0, self.chance.choice([0, 100 * COIN])
        collateral = self.chance.randint(50, 150) * COIN + self.chance.randint(0, COIN)
        worth = collateral * price // PAR * LLTV // WAD
        return worth * 1_000 // self.chance.randint(900, 2_000), collateral


@dataclass
class View:
    """One endpoint's knowledge of the world: it is `lag` blocks behind."""

    world: World
    lag: int = 0

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
                return self.world.call(params[0], made)
        raise Oops(-32601, f"the method {method} does not exist/is not available")

    def _block(self, asked: Any) -> Made | None:
        asked = asked.get("blockHash", asked.get("blockNumber")) if isinstance(asked, dict) else asked
        if len(asked) == 66:
            made = self.world.made.get(asked)
            return made if made is not None and made.number <= self.head and self.world.canonical(asked) else None
        number = self.head if asked in ("latest", "safe", "finalized") else int(asked, 16)
        return self.world.at(number) if number <= self.head else None
