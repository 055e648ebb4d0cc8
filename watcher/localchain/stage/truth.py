"""What the contracts themselves answer, asked by a plain AsyncWeb3 with the packages' own ABIs: nothing of our reader, codec or adapters.

Morpho has no view of interest up to now, so its own functions are simulated: `accrueInterest` then `market` for the totals, `repay` of
all shares for what is owed, `liquidate` by somebody who can pay for the verdict. Nobody has a view of what interest alone will do:
the same questions are asked as of a later time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias

from eth_typing import ChecksumAddress, HexStr
from eth_utils.address import to_checksum_address as checksum
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.contract.async_contract import AsyncContract
from web3.exceptions import ContractLogicError
from web3.types import RPCEndpoint

from watcher.errors import AnswerError
from watcher.localchain.contract import Contract
from watcher.localchain.morpho import MorphoMarket
from watcher.localchain.multicall import AGGREGATE, MULTICALL3
from watcher.localchain.scenario import account, fund
from watcher.localchain.stage.cast import keys, paired
from watcher.localchain.stage.census import Census
from watcher.localchain.stage.crowd import crowd
from watcher.localchain.stage.margin import Margin
from watcher.localchain.stage.world import MARKETS, World
from watcher.model import BlockRef, PositionKey
from watcher.units import MAX, WAD

Figures: TypeAlias = Mapping[str, int | bool | None]

PAYER: Final = account(
    "payer"
)  # rich and approved, so that a refused liquidation was refused by the health check alone
HEALTHY: Final = "position is healthy"
FIELDS: Final = ("collateral", "debt", "available", "threshold", "ltv", "health")  # of getUserAccountData, in its order
PARTS: Final = 16  # calls of web3 under way at once
AHEAD: Final = (1, 2, 7, 14, 30, 60)  # days
DAY: Final = 86_400
ORACLE: Final = 10**36  # the scale of a Morpho price
ASKED: Final = {
    "LiquidationCall",
    "getUserAccountData",
    "position",
    "market",
    "accrueInterest",
    "repay",
    "liquidate",
    "price",
}


@dataclass(frozen=True, slots=True)
class Told:
    """At one block: figures by the `Valuation` field they must equal, and per Morpho market what it owns and is owed after accrual.

    `margins` are those of the cast, `crowd` those of everybody else.
    """

    positions: Mapping[PositionKey, Figures]
    totals: Mapping[str, Mapping[str, int]]  # market name -> supplied, borrowed: raw loan tokens
    margins: Mapping[PositionKey, Margin] = field(default_factory=dict)
    crowd: Mapping[PositionKey, Margin] = field(default_factory=dict)


class Truth:
    """``async with Truth(world) as truth: told = await truth.at(block_number)``"""

    def __init__(self, world: World) -> None:
        self._world = world
        self._w3 = AsyncWeb3(AsyncHTTPProvider(world.chain.url))
        self._w3.middleware_onion.remove(
            "validation"
        )  # two more requests per call, to a chain that we have started ourselves
        self._pools = {local.market().name: self._contract(local.pool) for local in (world.v30, world.v36)}
        self._morpho = self._contract(world.morpho.morpho)
        self._markets = {world.morpho.market(name).name: world.morpho.markets[name] for name in MARKETS}
        self._multicall = self._w3.eth.contract(MULTICALL3, abi=AGGREGATE)
        self._oracles = {name: self._contract(market.oracle) for name, market in self._markets.items() if market.oracle}
        self._keys = keys(world)
        self._paired = paired(world)
        self._crowd = crowd(world)
        everybody = (*self._keys, *self._crowd)
        self._censuses = [
            Census(self._w3, pool, [key for key in everybody if key.market == name])
            for name, pool in self._pools.items()
        ]
        self._turn = asyncio.Semaphore(PARTS)

    async def __aenter__(self) -> Self:
        for token in self._world.morpho.tokens.values():
            await fund(token, PAYER, 10**40, self._morpho.address)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._w3.provider.disconnect()

    async def block(self, number: int | Literal["latest"] = "latest") -> BlockRef:
        """The chain's own block."""
        found = await self._w3.eth.get_block(number)
        hash = HexStr(found["hash"].to_0x_hex())
        return BlockRef(found["number"], found["timestamp"], self._world.chain.chain_id, hash)

    async def at(self, number: int) -> Told:
        """Everything that the cast opened, and how everybody else stands, at block `number`."""
        time = (await self.block(number)).timestamp
        counts = await asyncio.gather(*(census.at(number) for census in self._censuses))
        words = {key: row for count in counts for key, row in count.items()}
        rows = await asyncio.gather(*(self._position(key, number, time, words.get(key)) for key in self._keys))
        totals = await asyncio.gather(*(self._totals(market, number) for market in self._markets.values()))
        told = dict(zip(self._keys, rows, strict=True))
        return Told(
            {key: figures for key, (figures, _) in told.items()},
            dict(zip(self._markets, totals, strict=True)),
            {key: margin for key, (_, margin) in told.items()},
            {key: self._stranger(key, words[key]) for key in self._crowd},
        )

    async def liquidations(self, first: int) -> int:
        """How many liquidations the pools have logged on the chain as it stands, from block `first` on."""
        logs = [await pool.events.LiquidationCall().get_logs(from_block=first) for pool in self._pools.values()]
        return sum(map(len, logs))

    def _stranger(self, key: PositionKey, words: tuple[int, ...]) -> Margin:
        """By level alone: what time does to somebody of the crowd is not asked."""
        figures, health = pooled(words)
        return Margin(health, bool(figures["liquidatable"]), frozenset() if self._crowd[key] else None)

    async def _position(
        self, key: PositionKey, number: int, time: int, words: tuple[int, ...] | None
    ) -> tuple[Figures, Margin]:
        """`words` are the pool's; None on Morpho."""
        figures, health = await self._isolated(key, number) if words is None else pooled(words)
        over = bool(figures["liquidatable"])
        lost = await self._lost(key, number, time, over) if key in self._paired else None
        return figures, Margin(health, over, lost)

    async def _isolated(self, key: PositionKey, number: int) -> tuple[Figures, Fraction | None]:
        """What Morpho compares: ⌊⌊collateral · price⌋ · lltv⌋, its own integers, with what it would take to repay all."""
        market, who, call = self._markets[key.market], checksum(key.key), self._morpho.functions
        _, shares, pledged = await self._asked(call.position(market.id, who), number)
        owed = (await self._asked(call.repay(market.params, 0, shares, who, b""), number))[0] if shares else 0
        figures = {"debt": owed, "liquidatable": await self._liquidates(market, who, number)}
        if not owed:
            return figures, None
        price = await self._asked(self._oracles[key.market].functions.price(), number)
        return figures, Fraction(pledged * price // ORACLE * market.params[4] // WAD, owed)

    async def _liquidates(self, market: MorphoMarket, who: ChecksumAddress, number: int) -> bool:
        """Whether repaying one share of the borrower's debt against collateral succeeds; only its own refusal counts as a no."""
        try:
            await self._asked(self._morpho.functions.liquidate(market.params, who, 0, 1, b""), number)
        except ContractLogicError as refusal:
            if HEALTHY in str(refusal):
                return False
            raise AnswerError(f"liquidate of {who} in {market.name} fails for another reason: {refusal}") from refusal
        return True

    async def _lost(self, key: PositionKey, number: int, time: int, over: bool) -> frozenset[int]:
        """The days of `AHEAD` after which it is past its line; one that is not after the last is not before."""
        if over or not await self._past(key, number, time + AHEAD[-1] * DAY):
            return frozenset(AHEAD if over else ())
        gone = await asyncio.gather(*(self._past(key, number, time + day * DAY) for day in AHEAD))
        return frozenset(day for day, past in zip(AHEAD, gone, strict=True) if past)

    async def _past(self, key: PositionKey, number: int, time: int) -> bool:
        """Whether it is past its line at a later `time` (Unix seconds) if nothing else happens after block `number`."""
        who, pool = checksum(key.key), self._pools.get(key.market)
        if pool is not None:
            answer = await self._ahead(pool.address, pool.encode_abi("getUserAccountData", [who]), number, time)
            return bool(self._w3.codec.decode(["uint256"] * 6, answer)[5] < WAD)
        market = self._markets[key.market]
        call = self._morpho.encode_abi("liquidate", [market.params, who, 0, 1, b""])
        try:
            await self._ahead(self._morpho.address, call, number, time)
        except ContractLogicError as refusal:
            if HEALTHY in str(refusal):
                return False
            raise
        return True

    async def _ahead(self, to: ChecksumAddress, data: HexStr, number: int, time: int) -> bytes:
        """`eth_call` in a block of another time, which web3 has no words for."""
        words: Any = [{"from": PAYER, "to": to, "data": data}, hex(number), {}, {"time": hex(time)}]
        async with self._turn:
            answer = await self._w3.provider.make_request(RPCEndpoint("eth_call"), words)
        if "error" in answer:
            raise ContractLogicError(str(answer["error"]))
        return bytes.fromhex(answer["result"][2:])

    async def _totals(self, market: MorphoMarket, number: int) -> Mapping[str, int]:
        accrue = self._morpho.encode_abi("accrueInterest", [market.params])
        stored = self._morpho.encode_abi("market", [market.id])
        calls = [(self._morpho.address, False, data) for data in (accrue, stored)]
        rows = await self._asked(self._multicall.functions.aggregate3(calls), number)
        supplied, _, borrowed, *_ = self._w3.codec.decode(["uint128"] * 6, rows[1][1])
        return {"supplied": supplied, "borrowed": borrowed}

    async def _asked(self, call: Any, number: int) -> Any:
        async with self._turn:
            return await call.call({"from": PAYER}, block_identifier=number)

    def _contract(self, local: Contract) -> AsyncContract:
        """The package's own ABI, less what is not asked here: web3 looks through all of it at every call."""
        abi = [entry for entry in local.abi if entry.get("name") in ASKED]
        return self._w3.eth.contract(local.address, abi=abi)


def pooled(words: tuple[int, ...]) -> tuple[Figures, Fraction | None]:
    """``Pool.getUserAccountData``. The pool says "infinite" for no debt; below 1e18 it lets others liquidate."""
    figures: dict[str, int | bool | None] = dict(zip(FIELDS, words, strict=True))
    if words[5] == MAX:
        figures["health"] = None
    return {**figures, "liquidatable": words[5] < WAD}, None if words[5] == MAX else Fraction(words[5], WAD)
