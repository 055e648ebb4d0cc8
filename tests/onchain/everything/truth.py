"""What the contracts of every family answer about one account, by plain contract calls with the packages' own ABIs.

Where a protocol's views see stored books, interest is accrued in the same simulated transaction. Sums are made of the contracts' own
figures as their sources round them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from eth_abi.abi import decode

from tests.onchain.everything.world import Web3, World, plain
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.comet import LocalComet
from watcher.localchain.compound_v2 import CompoundV2
from watcher.localchain.contract import Contract
from watcher.localchain.morpho import MorphoMarket
from watcher.localchain.multicall import AGGREGATE, MULTICALL3
from watcher.localchain.venus_isolated import VenusIsolated
from watcher.localchain.venus_isolated import VenusPool as IsolatedPool
from watcher.localchain.venus_pool import VenusPool
from watcher.units import MAX, WAD

Asked = tuple[Contract, str, tuple[Any, ...]]
Amounts = dict[tuple[str, str], int]  # raw units by side and token
Prices = dict[str, int]  # the protocol's own answers, by token


@dataclass(frozen=True, slots=True)
class Figures:
    """Values are integers of `decimals`; `health` is a wad, None where nothing is owed."""

    decimals: int
    amounts: Amounts
    collateral: int
    debt: int
    available: int
    health: int | None
    deposits: int = 0
    rate: Fraction = Fraction(1)  # US dollars for one unit of account
    prices: Prices = field(default_factory=dict)


class Truth:
    """At one block, for one account."""

    def __init__(self, world: World, w3: Web3, block: int, who: str) -> None:
        self.world, self.w3, self.block, self.who = world, w3, block, who

    async def call(self, contract: Contract, function: str, *args: Any) -> Any:
        return await plain(self.w3, contract).functions[function](*args).call(block_identifier=self.block)

    async def accrued(self, touched: list[Contract], asked: list[Asked]) -> list[tuple[Any, ...]]:
        """The answers after interest of these markets was accrued, inside one simulated transaction."""
        multicall = self.w3.eth.contract(MULTICALL3, abi=AGGREGATE)
        calls = [(one.address, False, plain(self.w3, one).encode_abi("accrueInterest", [])) for one in touched]
        calls += [(one.address, False, plain(self.w3, one).encode_abi(name, list(args))) for one, name, args in asked]
        rows = await multicall.functions.aggregate3(calls).call(block_identifier=self.block)
        answers = []
        for (one, name, _), row in zip(asked, rows[len(touched) :], strict=True):
            (entry,) = [e for e in one.abi if e.get("name") == name and e["type"] == "function"]
            answers.append(decode([output["type"] for output in entry["outputs"]], row[1]))
        return answers

    async def ether(self) -> Fraction:
        return Fraction(await self.call(self.world.ether, "latestAnswer"), 10**8)

    async def coin(self) -> Fraction:
        return Fraction(await self.call(self.world.coin, "latestAnswer"), 10**8)

    async def aave(self, market: AaveMarket, decimals: int, rate: Fraction) -> Figures:
        data = await self.call(market.pool, "getUserAccountData", self.who)
        amounts, prices = Amounts(), Prices()
        for reserve in market.reserves.values():
            for side, token in (("collateral", reserve.receipt), ("debt", reserve.debt)):
                if held := await self.call(token, "balanceOf", self.who):
                    amounts[side, reserve.token.address] = held
                    prices[reserve.token.address] = await self.call(
                        market.oracle, "getAssetPrice", reserve.token.address
                    )
        health = None if data[5] == MAX else data[5]
        return Figures(decimals, amounts, data[0], data[1], data[2], health, rate=rate, prices=prices)

    async def morpho(self, market: MorphoMarket, rate: Fraction) -> Figures:
        """SharesMathLib over the totals after a simulated accrueInterest."""
        morpho = self.world.morpho.morpho
        multicall = self.w3.eth.contract(MULTICALL3, abi=AGGREGATE)
        contract = plain(self.w3, morpho)
        calls = [
            (morpho.address, False, contract.encode_abi("accrueInterest", [market.params])),
            (morpho.address, False, contract.encode_abi("market", [market.id])),
        ]
        rows = await multicall.functions.aggregate3(calls).call(block_identifier=self.block)
        totals = decode(["uint128"] * 6, rows[1][1])
        lent, shares, collateral = await self.call(morpho, "position", market.id, self.who)
        owed = -(-shares * (totals[2] + 1) // (totals[3] + 10**6))
        supplied = lent * (totals[0] + 1) // (totals[1] + 10**6)
        assert market.oracle is not None
        price = await self.call(market.oracle, "price")
        worth = collateral * price // 10**36
        limit = worth * market.params[4] // WAD
        held: Amounts = {("collateral", market.params[1]): collateral, ("debt", market.params[0]): owed}
        held["deposit", market.params[0]] = supplied
        decimals = await self.call(market.loan, "decimals")
        health = limit * WAD // owed if owed else None
        prices: Prices = {market.params[1]: price} if collateral else {}
        amounts = {key: amount for key, amount in held.items() if amount}
        return Figures(decimals, amounts, worth, owed, max(0, limit - owed), health, supplied, rate, prices)

    async def compound(self, world: CompoundV2) -> Figures:
        found = [(one.ctoken, one.token) for one in world.markets.values()]
        return await self.pooled(world.comptroller, world.oracle, found, power="getAccountLiquidity")

    async def venus(self, pool: VenusPool) -> Figures:
        found = [(one.v, one.token) for one in pool.markets.values()]
        return await self.pooled(pool.comptroller, pool.oracle, found, power="getBorrowingPower")

    async def isolated(self, world: VenusIsolated, pool: IsolatedPool) -> Figures:
        found = [(one.vtoken, one.token) for one in pool.markets.values()]
        return await self.pooled(pool.comptroller, world.oracle, found, power="getBorrowingPower")

    async def pooled(
        self, comptroller: Contract, oracle: Contract, markets: Sequence[tuple[Contract, Contract | None]], power: str
    ) -> Figures:
        """A comptroller's account after every market that it has anything in accrued; `power` tells what may still be borrowed."""
        views = [
            (
                one,
                token,
                await self.call(one, "balanceOf", self.who),
                await self.call(one, "borrowBalanceStored", self.who),
            )
            for one, token in markets
        ]
        used = [(one, token, held) for one, token, held, owed in views if held or owed]
        asked: list[Asked] = []
        for one, _, _ in used:
            asked += [(one, "exchangeRateStored", ()), (one, "borrowBalanceStored", (self.who,))]
        asked += [(comptroller, "getAccountLiquidity", (self.who,)), (comptroller, power, (self.who,))]
        *rows, line, (error, available, shortfall) = await self.accrued([one for one, _, _ in used], asked)
        assert (error, shortfall, line[0], line[2]) == (0, 0, 0, 0)
        amounts, prices, collateral, debt = Amounts(), Prices(), 0, 0
        for place, (one, token, held) in enumerate(used):
            (rate,), (owed,) = rows[2 * place : 2 * place + 2]
            assert token is not None
            price = prices[token.address] = await self.call(oracle, "getUnderlyingPrice", one.address)
            if held:
                amounts["collateral", token.address] = held * rate // WAD
                collateral += rate * price // WAD * held // WAD
            if owed:
                amounts["debt", token.address] = owed
                debt += owed * price // WAD
        health = (
            (line[1] + debt) * WAD // debt
        )  # what protects less what is owed is the liquidity that the contract answers
        return Figures(18, amounts, collateral, debt, available, health, prices=prices)

    async def comet(self, local: LocalComet, rate: Fraction) -> Figures:
        """The sums of `isLiquidatable` (Comet.sol: mulPrice and mulFactor round down) over what the contract itself answers."""
        owed = await self.call(local.comet, "borrowBalanceOf", self.who)
        amounts: Amounts = {("debt", local.base.address): owed}
        collateral = limit = weighted = 0
        base = await self.call(local.comet, "getPrice", local.feeds[local.plan.base].address)
        prices: Prices = {local.base.address: base}
        for listing in local.plan.listings:
            token = local.tokens[listing.symbol].address
            held = await self.call(local.comet, "collateralBalanceOf", self.who, token)
            if held:
                price = prices[token] = await self.call(local.comet, "getPrice", local.feeds[listing.symbol].address)
                worth = held * price // 10**listing.decimals
                amounts["collateral", token] = held
                collateral += worth
                weighted += worth * (listing.liquidate * 10**16) // WAD
                limit += worth * (listing.borrow * 10**16) // WAD
        debt = owed * base // 10**local.plan.decimals
        return Figures(
            8, amounts, collateral, debt, max(0, limit - debt), weighted * WAD // debt, rate=rate, prices=prices
        )
