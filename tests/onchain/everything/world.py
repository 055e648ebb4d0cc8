"""One chain with every family on it, one wallet with positions in all of them, and plain web3 to ask the contracts themselves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.contract import AsyncContract

from watcher.config import Chain, Endpoint, UsdFeed
from watcher.localchain import aave_actions, comet_actions, compound_v2_actions, morpho_actions
from watcher.localchain import venus_actions as core
from watcher.localchain import venus_isolated_actions as isolated
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_v2 import deploy_v2
from watcher.localchain.aave_v36 import deploy_v36
from watcher.localchain.anvil import Anvil
from watcher.localchain.comet import ETH_PLAN, USD_PLAN, LocalComet, deploy_one
from watcher.localchain.compound_v2 import CompoundV2, deploy_compound_v2
from watcher.localchain.contract import Contract, deploy
from watcher.localchain.morpho import MorphoChain, deploy_morpho
from watcher.localchain.multicall import MULTICALL3, place_multicall
from watcher.localchain.own import own
from watcher.localchain.scenario import account
from watcher.localchain.venus import deploy_venus
from watcher.localchain.venus_isolated import VenusIsolated, deploy_venus_isolated
from watcher.localchain.venus_pool import VenusPool
from watcher.units import WAD

T = TypeVar("T")
Web3 = AsyncWeb3[AsyncHTTPProvider]
OWNER, OTHER, LENDER = account("wallet of everything"), account("second wallet"), account("lender of everything")
SMALL = {"aave_v2", "aave_v3", "compound_v2", "compound_v3", "morpho_blue"}  # families without large packages
ETHER = 199_950_000_000  # what Chainlink says, with 8 decimals: not what the protocols' own oracles do
COIN = 99_970_000


@dataclass(frozen=True, slots=True)
class World:
    """`ether` and `coin` are the US dollar feeds of ETH and USDC. Venus is only there when its packages were taken."""

    chain: Anvil
    v3: AaveMarket
    v2: AaveMarket
    morpho: MorphoChain
    compound: CompoundV2
    usd: LocalComet
    eth: LocalComet
    ether: Contract
    coin: Contract
    venus: VenusPool | None = None
    pools: VenusIsolated | None = None

    def configured(self) -> Chain:
        """What a chains file would say about it; isolated pools are listed by their registry, Morpho's markets found in logs."""
        markets = [self.v3.market(), self.v2.market(), self.compound.market(), self.usd.market(), self.eth.market()]
        markets += [self.venus.market()] if self.venus else []
        feeds = [
            (self.v2.reserves["WETH"].token, self.ether),
            (self.v3.reserves["WETH"].token, self.ether),
            (self.morpho.tokens["WETH"], self.ether),
            (self.morpho.tokens["USDC"], self.coin),
        ]
        return Chain(
            name="local",
            id=self.chain.chain_id,
            endpoints=(Endpoint("node", self.chain.url),),
            block_time=Decimal(12),
            finality=64,
            stale_head=10**9,
            multicall3=MULTICALL3,
            markets=tuple(markets),
            singletons=(self.morpho.singleton(),),
            registries=(self.pools.listing(),) if self.pools else (),
            usd=tuple(UsdFeed(token.address, feed.address) for token, feed in feeds),
        )


async def deployed(chain: Anvil, *, large: bool) -> World:
    """Every family; with `large` Venus too."""
    await chain.start()
    await place_multicall(chain)
    return World(
        chain,
        await deploy_v36(chain),
        await deploy_v2(chain),
        await deploy_morpho(chain),
        await deploy_compound_v2(chain),
        await deploy_one(chain, USD_PLAN),
        await deploy_one(chain, ETH_PLAN),
        await deploy(chain, own("Feed"), 8, "ETH / USD", ETHER),
        await deploy(chain, own("Feed"), 8, "USDC / USD", COIN),
        await deploy_venus(chain) if large else None,
        await deploy_venus_isolated(chain) if large else None,
    )


async def invest(world: World, who: str = OWNER) -> None:
    """A position in every family, a day ago."""
    await _aave(world, who)
    await _morpho(world, who)
    await _compound(world, who)
    if world.venus is not None and world.pools is not None:
        await _venus(world.venus, world.pools, who)
    await world.chain.advance(86_400)


async def _aave(world: World, who: str) -> None:
    for market in (world.v3, world.v2):
        await aave_actions.supply(market, LENDER, "USDC", 2_000_000 * 10**6)
        await aave_actions.supply(market, who, "WETH", 10 * WAD)
        await aave_actions.borrow(market, who, "USDC", 9_000 * 10**6)
    await aave_actions.supply(world.v3, who, "WBTC", 10**7)
    await aave_actions.supply(world.v2, who, "WBTC", 10**7)


async def _morpho(world: World, who: str) -> None:
    """A debt, a loop, and a deposit without a debt."""
    loan, loop, lent = (world.morpho.markets[name] for name in ("WETH/USDC", "wstETH/WETH", "WBTC/USDC"))
    await morpho_actions.supply_collateral(world.morpho, loan, who, 5 * WAD)
    await morpho_actions.borrow(world.morpho, loan, who, 6_000 * 10**6)
    await morpho_actions.supply_collateral(world.morpho, loop, who, 3 * WAD)
    await morpho_actions.borrow(world.morpho, loop, who, 3 * WAD)
    await morpho_actions.lend(world.morpho, lent, who, 1_000 * 10**6)


async def _compound(world: World, who: str) -> None:
    await compound_v2_actions.supply(world.compound, who, "USDC", 30_000 * 10**6)
    await compound_v2_actions.enter(world.compound, who, "USDC")
    await compound_v2_actions.borrow(world.compound, who, "DAI", 15_000 * WAD)
    await comet_actions.supply(world.usd, who, "WETH", 4 * WAD)
    await comet_actions.borrow(world.usd, who, 4_000 * 10**6)
    await comet_actions.supply(world.eth, who, "wstETH", 6 * WAD)
    await comet_actions.borrow(world.eth, who, 5 * WAD)


async def _venus(venus: VenusPool, pools: VenusIsolated, who: str) -> None:
    debt, collateral = [market for market in venus.markets.values() if market.token is not None][:2]
    await core.supply(venus, who, collateral.symbol, 20 * 10**collateral.decimals)
    await core.enter(venus, who, collateral.symbol)
    worth = 20 * collateral.plan.price * collateral.plan.factor // 200
    await core.borrow(venus, who, debt.symbol, worth * 10**debt.decimals // debt.plan.price)
    for pool, held, owed in (("defi-friends", "WETH", "USDC"), ("stablecoins", "USDC", "DAI")):
        one, other = pools.pools[pool].markets[held], pools.pools[pool].markets[owed]
        await isolated.supply(one, who, 10 * WAD if held == "WETH" else 10_000 * 10**6)
        await isolated.enter(pools.pools[pool], who, [held])
        await isolated.borrow(other, who, 5_000 * (10**6 if owed == "USDC" else WAD))


def asked(world: World, question: Any) -> Any:
    """Plain web3, opened and closed around one question of it."""

    async def run() -> Any:
        w3: Web3 = AsyncWeb3(AsyncHTTPProvider(world.chain.url))
        try:
            return await question(w3)
        finally:
            await w3.provider.disconnect()

    return asyncio.run(run())


def plain(w3: Web3, contract: Contract) -> AsyncContract:
    return w3.eth.contract(contract.address, abi=contract.abi)
