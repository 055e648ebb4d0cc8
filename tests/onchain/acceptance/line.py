"""One position that stands still on its line, and the pool's own verdict about it: for V2 and V3 alike.

One unit is one of the oracle's answer and, separately, one raw unit of debt. The prices are those that our search for a liquidation
price finds.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from eth_typing import ChecksumAddress
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.acceptance import aim, crowd
from tests.onchain.acceptance.crowd import PAYER, Plan
from tests.onchain.acceptance.verdict import DONE, Verdict, foretold
from watcher.adapter import Acted, Adapter, Liquidation, Position, Repay, Which
from watcher.adapters import adapter
from watcher.adapters.aave_v3.facts import Holding, Quote, Terms
from watcher.chain.reader import Reader
from watcher.health.liquidation_price import liquidation_prices
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.scenario import account
from watcher.model import PositionKey, Side, Valuation
from watcher.units import MAX, Raw

WHO = account("on the line")


@dataclass(frozen=True, slots=True)
class Structure:
    """A position, the pair that is liquidated, and what happens to the pool after it was opened."""

    plan: Plan
    pair: tuple[str, str]  # collateral, debt
    then: Callable[[AaveMarket], Awaitable[object]] | None = None


def plan(collaterals: str, debts: str, use: int = 9_990, **more: Any) -> Plan:
    return Plan(WHO, more.pop("dollars", 20_000), tuple(collaterals.split()), tuple(debts.split()), use, **more)


async def months(local: AaveMarket) -> None:
    await local.chain.advance(200 * 86_400)


@dataclass
class Scene:
    """One position at a time that stands still: every block of a test has the timestamp of the first."""

    local: AaveMarket
    reader: Reader
    verdict: Verdict
    structure: Structure
    terms: Terms
    now: int
    seen: Counter[tuple[bool, str]]

    @property
    def adapter(self) -> Adapter[Any, Any, Any]:
        return adapter(self.local.protocol)

    async def position(self) -> Position[Terms, Quote, Holding]:
        """As it is at the newest block."""
        block = await self.reader.head()
        assert block.timestamp == self.now
        key = PositionKey(self.terms.market.name, bytes.fromhex(WHO[2:]))
        quote = await self.reader.run(self.adapter.quote(self.terms), block)
        holdings = await self.reader.run(self.adapter.holdings(self.terms, [key]), block)
        accrued = self.adapter.accrue(self.terms, quote, block, Which.ALL)
        return Position(self.adapter, self.terms, accrued, holdings[key])

    async def agrees(self) -> Valuation:
        """The pool's verdict at the newest block is the one that our valuation says."""
        position = await self.position()
        ours = position.value()
        said = await self.verdict.of(WHO, *self.structure.pair, self._most(position))
        assert said == foretold(ours), ours
        self.seen[ours.liquidatable, said] += 1
        return ours

    def _most(self, position: Position[Terms, Quote, Holding]) -> int:
        """What we say may be repaid; everything would leave dust sometimes, which 3.6 refuses. Everything where nothing may."""
        collateral, debt = (self.local.reserves[symbol].token.address for symbol in self.structure.pair)
        largest = self.adapter.liquidation(position.terms, position.quote, position.holding, debt, collateral)
        return largest.repay if isinstance(largest, Liquidation) else MAX

    async def at_price(self, asset: ChecksumAddress, answer: int) -> Valuation:
        """With that answer of the oracle, checked against the pool."""
        feed, _, _ = aim.feeds(self.local)[asset]
        await self.local.chain.next_timestamp(self.now)
        await feed.send("set", answer)
        return await self.agrees()


@asynccontextmanager
async def opened(local: AaveMarket, structure: Structure) -> AsyncIterator[Scene]:
    await crowd.prepare(local)
    await crowd.enter(local, [structure.plan])
    if structure.then is not None:
        await structure.then(local)
    w3 = AsyncWeb3(AsyncHTTPProvider(local.chain.url))
    verdict = Verdict(local)
    try:
        reader = Reader(w3)
        block = await reader.head()
        terms = await reader.run(adapter(local.protocol).terms(local.market()), block)
        yield Scene(local, reader, verdict, structure, terms, block.timestamp, Counter())
    finally:
        await verdict.close()
        await w3.provider.disconnect()


async def by_price(scene: Scene) -> Counter[tuple[bool, str]]:
    """At, just above and just below every price that our search finds; what was said on either side."""
    moving = aim.feeds(scene.local)
    for found in liquidation_prices(await scene.position()):
        token, present = found.price.token.address, found.price.answer
        if found.answer is None or token not in moving:
            continue
        assert present is not None
        away = 1 if found.answer > present else -1
        assert (await scene.at_price(token, found.answer)).liquidatable
        assert not (await scene.at_price(token, found.answer - away)).liquidatable
        await scene.at_price(token, found.answer - 2 * away)
        await scene.at_price(token, found.answer + away)
        await scene.at_price(token, present)
    return scene.seen


async def by_debt(scene: Scene) -> Counter[tuple[bool, str]]:
    """Beyond the line, then repaid to it to the last raw unit of each debt."""
    await fall(scene, random.Random(1))
    for leg in (await scene.position()).value().legs:
        if leg.side is Side.DEBT:
            await repaid_to_the_line(scene, leg.token.address, leg.amount)
    return scene.seen


def enough(seen: Counter[tuple[bool, str]]) -> bool:
    """Both sides of the line were there, and without an obstacle both verdicts."""
    sides = [sum(n for (ripe, _), n in seen.items() if ripe is side) for side in (True, False)]
    said = {word for _, word in seen}
    return min(sides) >= 2 and (len(said) == 1 or DONE in said)


async def fall(scene: Scene, dice: random.Random) -> None:
    """A price somewhat beyond the one at which the position can be liquidated."""
    moving = aim.feeds(scene.local)
    prices = liquidation_prices(await scene.position())
    found = [one for one in prices if one.answer is not None and one.price.token.address in moving]
    chosen = dice.choice(found)
    assert chosen.answer is not None
    assert chosen.price.answer is not None
    beyond = 998 if chosen.answer < chosen.price.answer else 1_002
    assert (await scene.at_price(chosen.price.token.address, chosen.answer * beyond // 1_000)).liquidatable


async def repaid_to_the_line(scene: Scene, token: ChecksumAddress, owed: int) -> None:
    """The smallest repayment that ends the danger, and its neighbours, as transactions that are undone."""
    position = await scene.position()

    def ripe(amount: int) -> bool:
        after = scene.adapter.act(position.terms, position.quote, position.holding, Repay(token, Raw(amount)))
        assert isinstance(after, Acted)
        return scene.adapter.value(position.terms, after.quote, after.holding).liquidatable

    low, high = 2, owed - 1  # one unit is less than one scaled unit, where there was interest: 3.6 refuses it
    if not ripe(low) or ripe(high):
        return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ripe(middle) else (low, middle)
    mode = do.STABLE if scene.structure.plan.rate_mode == do.STABLE else do.VARIABLE
    for amount in (low - 1, low, high, high + 1):
        if amount == 0:
            continue
        before = await scene.local.chain.snapshot()
        await scene.local.chain.next_timestamp(scene.now)
        await scene.local.pool.send("repay", token, amount, mode, WHO, sender=PAYER)
        ours = await scene.agrees()
        assert ours.liquidatable == ripe(amount)
        await scene.local.chain.revert(before)
