"""Three Comets of our own making: Compound's original is in no package, so a twin of ours stands in, held to the original's vectors.

One lends USDC and counts in dollars, one lends WETH and counts in ether (its base feed is a constant), one has more than 16 collaterals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address as checksum

from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER, Contract, deploy
from watcher.localchain.own import own
from watcher.localchain.scenario import fund
from watcher.model import Market
from watcher.units import WAD, YEAR

LENDER: Final = checksum("0x0000000000000000000000000000000000001e4d")  # supplies what the others borrow
PERCENT: Final = WAD // 100


@dataclass(frozen=True, slots=True)
class Listing:
    """A collateral before it exists: factors in per cent, `price` as its feed answers it, `cap` in whole tokens."""

    symbol: str
    decimals: int
    price: int
    borrow: int
    liquidate: int
    liquidation: int
    cap: int = 10_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A Comet before it exists: `minimum` in raw units of base, `liquidity` and `reserve` in whole ones, prices in `unit`."""

    name: str
    base: str
    decimals: int
    unit: str
    price: int
    listings: tuple[Listing, ...]
    minimum: int
    liquidity: int
    reserve: int = 0


USD_PLAN: Final = Plan(
    name="usdc",
    base="USDC",
    decimals=6,
    unit="USD",
    price=99_990_000,
    listings=(
        Listing("WETH", 18, 2_000 * 10**8, 83, 90, 95),
        Listing("WBTC", 8, 60_000 * 10**8, 80, 85, 95, 10_000),
        Listing("LINK", 18, 1_312_000_000, 79, 85, 93),
        Listing("COMP", 18, 4_500_000_000, 50, 70, 75),
    ),
    minimum=100 * 10**6,
    liquidity=50_000_000,
    reserve=10_000,
)
ETH_PLAN: Final = Plan(
    name="weth",
    base="WETH",
    decimals=18,
    unit="ETH",
    price=10**8,
    listings=(
        Listing("wstETH", 18, 119_876_543, 90, 93, 97),
        Listing("cbETH", 18, 109_123_456, 90, 93, 97),
    ),
    minimum=10**17,
    liquidity=100_000,
)
WIDE_PLAN: Final = Plan(
    name="usdt",
    base="USDT",
    decimals=6,
    unit="USD",
    price=10**8,
    listings=tuple(
        Listing(f"C{place:02}", (18, 8, 6)[place % 3], (place + 1) * 10**9, 60 + place, 70 + place, 90)
        for place in range(20)
    ),
    minimum=1,
    liquidity=5_000_000,
)


@dataclass(frozen=True, slots=True)
class LocalComet:
    """One Comet. `tokens` and `feeds` are by symbol, base included; `comet` is the proxy under the twin's ABI, `start` its first block."""

    chain: Anvil
    plan: Plan
    comet: Contract
    proxy: Contract
    base: Contract
    tokens: Mapping[str, Contract]
    feeds: Mapping[str, Contract]
    start: int

    @property
    def name(self) -> str:
        return f"local/compound-v3/{self.plan.name}"

    def market(self) -> Market:
        """As the configuration names it."""
        return Market(self.chain.chain_id, "compound_v3", self.name, self.comet.address, start=self.start)


@dataclass(frozen=True, slots=True)
class CometChain:
    chain: Anvil
    usd: LocalComet
    eth: LocalComet
    wide: LocalComet

    def all(self) -> tuple[LocalComet, ...]:
        return (self.usd, self.eth, self.wide)


async def deploy_comet(chain: Anvil) -> CometChain:
    """A USD comet, an ETH comet and a wide one, each with a lender's liquidity."""
    return CometChain(chain, *[await deploy_one(chain, plan) for plan in (USD_PLAN, ETH_PLAN, WIDE_PLAN)])


async def deploy_one(chain: Anvil, plan: Plan) -> LocalComet:
    """One Comet with tokens and feeds of its own, and what `plan.liquidity` and `plan.reserve` promise."""
    start = await chain.block_number() + 1
    parts = [(plan.base, plan.decimals, plan.price), *((one.symbol, one.decimals, one.price) for one in plan.listings)]
    tokens = {symbol: await deploy(chain, own("Token"), symbol, symbol, places) for symbol, places, _ in parts}
    feeds = {
        symbol: await deploy(chain, own("Feed"), 8, _description(plan, symbol), price) for symbol, _, price in parts
    }
    code = await implementation(chain, plan, tokens, feeds)
    proxy = await deploy(chain, own("CometProxy"), code.address)
    comet = code.at(proxy.address)
    await comet.send("initializeStorage")
    base = tokens[plan.base]
    await fund(base, comet.address, plan.reserve * 10**plan.decimals)
    amount = plan.liquidity * 10**plan.decimals
    await fund(base, LENDER, amount, comet.address)
    await comet.send("supply", base.address, amount, sender=LENDER)
    return LocalComet(chain, plan, comet, proxy, base, tokens, feeds, start)


def _description(plan: Plan, symbol: str) -> str:
    """As Compound's feeds call themselves; a base that is its own unit has a constant one, which names no currency."""
    own_unit = symbol == plan.base and plan.unit != "USD"
    return "Constant price feed" if own_unit else f"{symbol} / {plan.unit}"


async def implementation(
    chain: Anvil, plan: Plan, tokens: Mapping[str, Contract], feeds: Mapping[str, Contract]
) -> Contract:
    """Code with the plan's rules in it: what the proxy is upgraded to when they change."""
    listed = [
        (
            tokens[one.symbol].address,
            feeds[one.symbol].address,
            10**one.decimals,
            one.borrow * PERCENT,
            one.liquidate * PERCENT,
            one.liquidation * PERCENT,
            one.cap * 10**one.decimals,
        )
        for one in plan.listings
    ]
    list_ = await deploy(chain, own("CometAssets"), listed)
    return await deploy(
        chain, own("CometTwin"), rules(plan, tokens[plan.base].address, feeds[plan.base].address), list_.address
    )


def rules(plan: Plan, base: ChecksumAddress, feed: ChecksumAddress) -> tuple[object, ...]:
    """`Rules` as the twin's constructor takes them: the curves of the first USDC comet, rewards, minimum and target."""
    supply = (80 * PERCENT, 325 * WAD // 10_000 // YEAR, 4 * WAD // 10 // YEAR, 0)
    borrow = (80 * PERCENT, 35 * WAD // 1_000 // YEAR, 25 * WAD // 100 // YEAR, 15 * WAD // 1_000 // YEAR)
    rewards = (10**15, 10**15 * 161 // 86_400 // 100, 10**15 * 481 // 86_400 // 100, 10 ** (plan.decimals + 4))
    target = 5_000_000 * 10**plan.decimals
    return (
        DEPLOYER,
        base,
        feed,
        plan.decimals,
        supply,
        borrow,
        60 * PERCENT,
        *rewards,
        plan.minimum,
        target,
    )


async def upgrade(local: LocalComet, plan: Plan) -> LocalComet:
    """The same Comet under other rules, as governance changes them: by new code behind the proxy."""
    code = await implementation(local.chain, plan, local.tokens, local.feeds)
    await local.proxy.send("upgradeTo", code.address)
    return replace(local, plan=plan)
