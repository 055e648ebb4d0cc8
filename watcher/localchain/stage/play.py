"""The demo's plot: what the prices do from block to block, and when somebody is liquidated, a reply is poisoned, the watcher is killed
and started again, two blocks are replaced.

Prices are whole USD, the staked token's a ratio to ETH. Everything is written by ordinary transactions to the feeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import Final, Self

from watcher.localchain import aave_actions, scenario
from watcher.localchain.aave_assets import USD
from watcher.localchain.contract import Contract, post
from watcher.localchain.scenario import account
from watcher.localchain.stage.cast import VICTIM
from watcher.localchain.stage.world import World

LIQUIDATOR: Final = account("liquidator")
PACE: Final = 12  # seconds between ordinary blocks
MINUTE, HOUR, DAY = 60, 3_600, 86_400


class Event(Enum):
    """What happens at a step besides its prices."""

    LIQUIDATION = "liquidation"
    LIE = "poisoned reply"  # the first endpoint answers with an old reply
    KILL = "kill -9"  # while its block is being read
    UNWATCHED = "unwatched"  # nobody is there to read its block
    RESUME = "resume"  # the watcher is started again when its block is there
    REORG = "reorg"  # when its block has been recorded, it and the one before are replaced


@dataclass(frozen=True, slots=True)
class Prices:
    """`ratio` is wstETH in ETH."""

    eth: int = 2_000
    btc: int = 60_000
    link: Decimal = Decimal(14)
    aave: int = 100
    ratio: Decimal = Decimal("1.2")


@dataclass(frozen=True, slots=True)
class Step:
    """One block, `seconds` after the one before, with `prices`."""

    seconds: int
    prices: Prices
    event: Event | None = None


def _falling() -> Iterator[Step]:
    now = Prices()

    def to(seconds: int, event: Event | None = None, **changed: int | Decimal) -> Step:
        nonlocal now
        now = replace(now, **changed)  # type: ignore[arg-type]  # the names are those of Prices
        return Step(seconds, now, event)

    yield to(PACE)
    yield to(35 * MINUTE, eth=1_950, btc=58_900)
    yield to(HOUR, eth=1_920, btc=58_300, link=Decimal("13.6"))
    yield to(DAY)  # nothing moves but interest
    yield to(15 * MINUTE, eth=1_890, btc=57_700, ratio=Decimal("1.196"))
    yield to(40 * MINUTE, eth=1_825, btc=56_200, aave=96)
    yield to(25 * MINUTE, eth=1_790, btc=55_500, link=Decimal("13.1"))
    yield to(HOUR, Event.KILL, eth=1_765, btc=54_900, ratio=Decimal("1.187"))
    yield to(30 * MINUTE, Event.UNWATCHED, eth=1_740, btc=54_200, aave=92)
    yield to(5 * MINUTE, Event.RESUME, eth=1_715, btc=53_600)
    yield to(10 * MINUTE, eth=1_690, btc=53_000)
    yield to(MINUTE, Event.LIQUIDATION)
    yield to(20 * MINUTE, eth=1_670, btc=52_600, link=Decimal("12.4"))
    yield to(PACE, eth=1_655, btc=52_200)
    yield to(PACE, eth=1_560, btc=49_000)  # this block and the next are replaced by milder ones
    yield to(PACE, Event.REORG, eth=1_500, btc=47_500)
    yield to(PACE, eth=1_640, btc=51_800, ratio=Decimal("1.174"))
    yield to(2 * HOUR, Event.LIE, eth=1_595, btc=50_400, aave=84)  # it is not asked again from here on
    yield to(30 * MINUTE, eth=1_570, btc=49_600, link=Decimal("11.8"))
    yield to(2 * DAY)
    yield to(HOUR, eth=1_610, btc=50_900, ratio=Decimal("1.181"))
    yield to(HOUR, eth=1_660, btc=52_000, ratio=Decimal("1.19"), aave=88)


STEPS: Final = tuple(_falling())
_KEPT: Final = (
    next(place for place, step in enumerate(STEPS) if step.event is Event.REORG) - 2
)  # the last step before those replaced
MILDER: Final = tuple(replace(STEPS[_KEPT].prices, eth=eth) for eth in (1_648, 1_645))
LASTS: Final = sum(step.seconds for step in STEPS)  # seconds of the chain's own time


class Play:
    """``play = await Play.of(world)``, then ``await play.act(step)`` for each of `STEPS`, in order."""

    def __init__(self, world: World, dollar: Contract) -> None:
        self.world = world
        self._dollar = dollar  # the quote feed behind Morpho's WETH/USDC

    @classmethod
    async def of(cls, world: World) -> Self:
        """From here on every block is one of the play's: the liquidator has his money already."""
        market = world.morpho.markets["WETH/USDC"]
        assert market.oracle is not None
        await aave_actions.prepare_liquidator(world.v36, LIQUIDATOR, account(VICTIM), "USDC")
        return cls(world, market.source.at(await market.oracle.call("QUOTE_FEED_1")))

    async def act(self, step: Step) -> None:
        """Mine the step's one block: its prices, or the liquidation."""
        chain = self.world.chain
        await chain.next_timestamp(await chain.timestamp() + step.seconds)
        if step.event is Event.LIQUIDATION:
            call = aave_actions.liquidation(self.world.v36, account(VICTIM), "WETH", "USDC")
            await self.world.v36.pool.send(*call, sender=LIQUIDATOR)
            return
        await self.quote(step.prices)

    async def quote(self, prices: Prices) -> None:
        """Mine a block with these prices, at the time that the chain's own clock gives it."""
        async with self.world.chain.one_block():
            for source, answer in self._answers(prices):
                await post(self.world.chain, source.transaction("set", answer))

    async def replace_two_blocks(self) -> None:
        """The newest two blocks never were: others with milder prices stand in their place."""
        replacement = [
            (source.transaction("set", answer), place)
            for place, prices in enumerate(MILDER)
            for source, answer in self._answers(prices)
        ]
        chain = self.world.chain
        await chain.rpc("anvil_setBlockTimestampInterval", PACE)
        await scenario.reorg(chain, len(MILDER), replacement)
        await chain.rpc("anvil_removeBlockTimestampInterval")

    def _answers(self, prices: Prices) -> Iterator[tuple[Contract, int]]:
        """Every feed and oracle with its own integer; those whose price stands still report it again, as feeds do every day."""
        staked = int(prices.eth * prices.ratio * USD)
        dollars = {
            "WETH": prices.eth * USD,
            "wstETH": staked,
            "WBTC": prices.btc * USD,
            "LINK": int(prices.link * USD),
            "AAVE": prices.aave * USD,
        }
        for market in (self.world.v30, self.world.v36):
            for symbol, reserve in market.reserves.items():
                yield reserve.feed, dollars.get(symbol, reserve.asset.price)
            if market.mode_feed is not None:
                yield market.mode_feed, USD
        blue = self.world.morpho.markets
        yield blue["WETH/USDC"].source, dollars["WETH"]
        yield self._dollar, USD
        yield blue["wstETH/WETH"].source, int(prices.ratio * 10**36)
        yield blue["WBTC/USDC"].source, prices.btc * 10**34
        yield blue["USDC/WETH"].source, 10**48 // prices.eth
