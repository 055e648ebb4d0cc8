"""Real Venus isolated pools from the prebuilt artifacts of @venusprotocol/isolated-pools 4.4.0: a registry with two pools, one whose
vTokens accrue by the block and one by the second; prices through the real resilient oracle of @venusprotocol/oracle 2.16.0.

Comptrollers and vTokens stand behind beacons, as Venus deploys them. The feeds below the oracles are our own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from watcher.errors import ConfigError
from watcher.localchain import packages
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER, ZERO, Artifact, Contract, deploy
from watcher.localchain.own import own
from watcher.localchain.scenario import account, fund
from watcher.localchain.venus_isolated_plans import BLOCKS_PER_YEAR, DECIMALS, POOLS, Plan, PoolPlan, Rates, percent
from watcher.model import Market
from watcher.units import MAX, WAD, YEAR

NAME = "local/venus-isolated"
LENDER = account("venus isolated lender")  # supplies what the others borrow
HIGHEST_RATE = 5 * 10**11  # of one block or second: what a vToken takes for absurd above it
LOOPS = 100
STALE = 100 * YEAR  # a feed of ours is never too old, unless a test sets it so
INITIAL = 10**10  # times ten to the underlying's decimals: a vToken of 8 decimals begins at one of the underlying
PERMISSIONS = (  # what the access control is asked for
    "addPool(string,address,uint256,uint256,uint256)",
    "addMarket(AddMarketInput)",
    "setCloseFactor(uint256)",
    "setLiquidationIncentive(uint256)",
    "setMinLiquidatableCollateral(uint256)",
    "setCollateralFactor(address,uint256,uint256)",
    "setMarketSupplyCaps(address[],uint256[])",
    "setMarketBorrowCaps(address[],uint256[])",
    "setActionsPaused(address[],uint256[],bool)",
    "setForcedLiquidation(address,bool)",
    "unlistMarket(address)",
    "setProtocolSeizeShare(uint256)",
    "setReserveFactor(uint256)",
    "setInterestRateModel(address)",
    "setReduceReservesBlockDelta(uint256)",
    "setTokenConfig(TokenConfig)",
    "setValidateConfig(ValidateConfig)",
    "setDirectPrice(address,uint256)",
    "enableOracle(address,uint8,bool)",
    "pause()",
    "unpause()",
)
FOLDERS = {
    "@venusprotocol/isolated-pools": (
        "contracts",
        "@openzeppelin/contracts/proxy/beacon",
        "@venusprotocol/governance-contracts/contracts/Governance",
        "@venusprotocol/protocol-reserve/contracts/ProtocolReserve",
    ),
    "@venusprotocol/oracle": ("contracts", "contracts/oracles"),
}
PLACES = ("", "Pool/", "test/Mocks/")


@dataclass(frozen=True, slots=True)
class VenusMarket:
    """One vToken. `feed` moves its price (8 decimals)."""

    symbol: str
    token: Contract
    vtoken: Contract
    feed: Contract


@dataclass(frozen=True, slots=True)
class VenusPool:
    name: str
    slug: str
    comptroller: Contract
    markets: Mapping[str, VenusMarket]


@dataclass(frozen=True, slots=True)
class VenusIsolated:
    """`start` is the first block of the deployment; pools are by slug. `reserve` takes the protocol's share."""

    chain: Anvil
    registry: Contract
    oracle: Contract
    feeds: Contract  # the Chainlink oracle below it
    reserve: Contract
    pools: Mapping[str, VenusPool]
    start: int

    def listing(self) -> Market:
        """The registry as the configuration names it."""
        return Market(self.chain.chain_id, "venus_isolated", NAME, self.registry.address, start=self.start)

    def market(self, slug: str) -> Market:
        """One pool as the configuration names it."""
        pool = self.pools[slug]
        return Market(
            self.chain.chain_id, "venus_isolated", f"{NAME}/{slug}", pool.comptroller.address, start=self.start
        )


@cache
def artifact(name: str, package: str = "@venusprotocol/isolated-pools") -> Artifact:
    """A contract of a package by its bare name; only the folders that are used are searched, so that names do not collide."""
    root = packages.path(package) / "artifacts"
    paths = [
        path
        for folder in FOLDERS[package]
        for path in (root / folder / place / f"{name}.sol" / f"{name}.json" for place in PLACES)
        if path.is_file()
    ]
    if len(paths) != 1:
        raise ConfigError(f"{package} has {len(paths)} artifacts called {name}: expected one")
    built = json.loads(paths[0].read_text())
    return Artifact.build(built["contractName"], built["abi"], built["bytecode"], built["linkReferences"])


@dataclass(frozen=True, slots=True)
class _Site:
    """What the pools of one deployment share."""

    chain: Anvil
    access: Contract
    registry: Contract
    reserve: Contract
    oracle: Contract
    feeds: Contract
    tokens: Mapping[str, Contract]
    prices: Mapping[str, Contract]


async def deploy_venus_isolated(chain: Anvil) -> VenusIsolated:
    """Two pools of 18, 8, 6 and 2 decimals under one registry and one resilient oracle, with a lender's liquidity."""
    start = await chain.block_number() + 1
    access = await deploy(chain, artifact("AccessControlManager"))
    registry = await behind_beacon(chain, await _beacon(chain, artifact("PoolRegistry")), access.address)
    for signature in PERMISSIONS:
        for caller in (DEPLOYER, registry.address):
            await access.send("giveCallPermission", ZERO, signature, caller)
    reserve_code = await _beacon(
        chain, artifact("ProtocolShareReserve"), account("core"), account("wbnb"), account("vbnb")
    )
    reserve = await behind_beacon(chain, reserve_code, access.address, LOOPS)
    await reserve.send("setPoolRegistry", registry.address)
    oracle, feeds = await _oracles(chain, access)
    tokens = {symbol: await deploy(chain, own("Token"), symbol, symbol, places) for symbol, places in DECIMALS.items()}
    listed = {plan.symbol: plan for pool in POOLS for plan in pool.markets}
    prices = {}
    for symbol, plan in listed.items():
        prices[symbol] = await deploy(chain, own("Feed"), 8, f"{symbol} / USD", plan.price)
        await feeds.send("setTokenConfig", (tokens[symbol].address, prices[symbol].address, STALE))
        await oracle.send("setTokenConfig", main_only(tokens[symbol], feeds))
    site = _Site(chain, access, registry, reserve, oracle, feeds, tokens, prices)
    comptrollers = await _beacon(chain, artifact("Comptroller"), registry.address)
    pools = {plan.slug: await _open(site, plan, comptrollers) for plan in POOLS}
    return VenusIsolated(chain, registry, oracle, feeds, reserve, pools, start)


def main_only(token: Contract, oracle: Contract, *, cached: bool = False) -> tuple[Any, ...]:
    """`ResilientOracle.TokenConfig` of an asset with one oracle and neither pivot nor fallback."""
    return (token.address, [oracle.address, ZERO, ZERO], [True, False, False], cached)


async def _oracles(chain: Anvil, access: Contract) -> tuple[Contract, Contract]:
    """The resilient oracle and the Chainlink oracle that it asks."""
    package = "@venusprotocol/oracle"
    bounds = await behind_beacon(chain, await _beacon(chain, artifact("BoundValidator", package)), access.address)
    code = await _beacon(chain, artifact("ResilientOracle", package), ZERO, ZERO, bounds.address)
    feeds = await _beacon(chain, artifact("ChainlinkOracle", package))
    return await behind_beacon(chain, code, access.address), await behind_beacon(chain, feeds, access.address)


async def _beacon(chain: Anvil, code: Artifact, *args: Any) -> Contract:
    """An implementation behind a beacon; the answer has the beacon's address and the implementation's ABI."""
    made = await deploy(chain, code, *args)
    beacon = await deploy(chain, artifact("UpgradeableBeacon"), made.address)
    return Contract(chain, beacon.address, made.abi)


async def behind_beacon(chain: Anvil, beacon: Contract, *args: Any) -> Contract:
    """A proxy over a beacon, initialized with `args`."""
    proxy = await deploy(chain, artifact("BeaconProxy"), beacon.address, beacon.data("initialize", *args))
    return Contract(chain, proxy.address, beacon.abi)


async def _open(site: _Site, plan: PoolPlan, comptrollers: Contract) -> VenusPool:
    pool = await behind_beacon(site.chain, comptrollers, LOOPS, site.access.address)
    await pool.send("setPriceOracle", site.oracle.address)
    terms = (percent(plan.close_factor), percent(plan.incentive), plan.minimum * WAD)
    await site.registry.send("addPool", plan.name, pool.address, *terms)
    clock = (True, 0) if plan.timed else (False, BLOCKS_PER_YEAR)
    code = await _beacon(site.chain, artifact("VToken"), *clock, HIGHEST_RATE)
    markets = {one.symbol: await _list(site, pool, code, one, clock) for one in plan.markets}
    return VenusPool(plan.name, plan.slug, pool, markets)


async def _list(site: _Site, pool: Contract, code: Contract, plan: Plan, clock: tuple[bool, int]) -> VenusMarket:
    token, digits = site.tokens[plan.symbol], DECIMALS[plan.symbol]
    model = await _model(site, plan.rates, clock)
    vtoken = await behind_beacon(
        site.chain,
        code,
        token.address,
        pool.address,
        model.address,
        INITIAL * 10**digits,
        f"Venus {plan.symbol}",
        f"v{plan.symbol}",
        8,
        DEPLOYER,
        site.access.address,
        (account("shortfall"), site.reserve.address),
        percent(plan.reserve_factor),
    )
    await vtoken.send("setReduceReservesBlockDelta", 3_600 if clock[0] else MAX)
    caps = [MAX if cap is None else cap * 10**digits for cap in (plan.supply_cap, plan.borrow_cap)]
    amount = plan.liquidity * 10**digits
    await fund(token, DEPLOYER, amount, site.registry.address)
    entry = (vtoken.address, percent(plan.factor), percent(plan.threshold), amount, LENDER, *caps)
    await site.registry.send("addMarket", entry)
    return VenusMarket(plan.symbol, token, vtoken, site.prices[plan.symbol])


async def _model(site: _Site, rates: Rates, clock: tuple[bool, int]) -> Contract:
    base, slope, jump, kink = (percent(n) for n in (rates.base, rates.slope, rates.jump, rates.kink))
    args: tuple[Any, ...]
    match rates.model:
        case "JumpRateModelV2":
            args = (base, slope, jump, kink, site.access.address)
        case "TwoKinksInterestRateModel":
            args = (base, slope, percent(rates.first), percent(rates.middle), 0, kink, jump)
        case _:
            args = (base, slope)
    return await deploy(site.chain, artifact(rates.model), *args, *clock)
