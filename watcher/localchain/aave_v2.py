"""Real Aave V2 markets from the prebuilt artifacts of @aave/protocol-v2 1.0.1: one priced in ETH with 18 decimals, one in USD with 8.

The package's own oracle knows ETH alone. Pools with a USD base (Avalanche's) have a later one that names its base currency; in its place
stands the oracle of @aave/core-v3, whose reads are the same. The package is AGPL: it is fetched where a chain is wanted, never shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from watcher.localchain import aave_v30, prebuilt
from watcher.localchain.aave_assets import COMMON, DOLLAR, USD, Asset, RateCurve
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_setup import LIQUIDITY, TREASURY, WHALE, Listing, TokenKinds, Workshop, read_reserves
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER, ZERO, Artifact, Contract, deploy
from watcher.localchain.own import own
from watcher.localchain.scenario import fund

TOKENS: Final = TokenKinds(receipt="AToken", stable_debt="StableDebtToken", debt="VariableDebtToken")
BP_RAY: Final = 10**23  # one basis point as a ray
STABLE: Final = (200, 10_000)  # slopes of the stable rate, in basis points
MARKET_RATE: Final = 350  # basis points: what a stable rate begins at
ETHER: Final = 2_000  # USD


@dataclass(frozen=True, slots=True)
class Base:
    """What prices are in. `dollar` is one USD in its smallest units."""

    word: str
    decimals: int
    dollar: int

    @property
    def name(self) -> str:
        return f"local/aave-v2/{self.word}"


ETH_BASE: Final = Base("eth", 18, 10**18 // ETHER)
USD_BASE: Final = Base("usd", 8, USD)

_LISTED: Final = ("WETH", "WBTC", "USDC", "DAI", "LINK", "USDT")
ASSETS: Final = (
    *(asset for asset in COMMON if asset.symbol in _LISTED),
    Asset("GUSD", 2, 1 * USD, 0, 0, 0, DOLLAR),  # two decimals; secures nothing, but its flag is set by a first deposit
    Asset("EURS", 2, 108_000_000, 6_500, 7_000, 10_750, DOLLAR),
)


@cache
def artifact(name: str) -> Artifact:
    """A contract of the package by its bare name, of the folders that a market is made of."""
    return prebuilt.artifact("@aave/protocol-v2", ("protocol", "misc", "mocks/oracle"), name)


async def deploy_v2(chain: Anvil, base: Base = ETH_BASE) -> AaveMarket:
    """Eight reserves with 18, 8, 6 and 2 decimals, stable debt in two of them, a fallback oracle, and a whale's liquidity."""
    start = await chain.block_number() + 1
    shop = Workshop(chain, artifact)
    provider = await shop.make("LendingPoolAddressesProvider", base.name)
    await provider.send("setPoolAdmin", DEPLOYER)
    await provider.send("setEmergencyAdmin", DEPLOYER)
    pool, configurator = await _install(shop, provider)
    listings = [await _list(chain, replace(a, price=a.price * base.dollar // USD), base) for a in ASSETS]
    oracle = await _make_oracle(shop, provider, base, listings)
    rates = await shop.make("LendingRateOracle")
    await provider.send("setLendingRateOracle", rates.address)
    for listing in listings:
        await rates.send("setMarketBorrowRate", listing.token.address, MARKET_RATE * BP_RAY)
        await _init_reserve(shop, provider, pool, configurator, listing)
    reader = await shop.make("AaveProtocolDataProvider", provider.address)
    market = AaveMarket(
        name=base.name,
        version="2.0",
        revision=await pool.call("LENDINGPOOL_REVISION"),
        chain=chain,
        pool=pool,
        provider=provider,
        configurator=configurator,
        oracle=oracle,
        data_provider=reader,
        reserves=await read_reserves(shop, reader, listings, TOKENS),
        errors=(),
        mode_feed=None,
        treasury=TREASURY,
        start=start,
        protocol="aave_v2",
        dollar=base.dollar,
        base=listings[0].token.address if base is ETH_BASE else None,
    )
    await _add_liquidity(market, base)
    return market


async def _install(shop: Workshop, provider: Contract) -> tuple[Contract, Contract]:
    """Pool and configurator behind the provider's proxies, and the collateral manager that the pool delegates liquidations to."""
    code = await shop.make("LendingPool")
    await code.send("initialize", provider.address)
    await provider.send("setLendingPoolImpl", code.address)
    manager = await shop.make("LendingPoolCollateralManager")
    await provider.send("setLendingPoolCollateralManager", manager.address)
    configuring = await shop.make("LendingPoolConfigurator")
    await provider.send("setLendingPoolConfiguratorImpl", configuring.address)
    pool = code.at(await provider.call("getLendingPool"))
    return pool, configuring.at(await provider.call("getLendingPoolConfigurator"))


async def _list(chain: Anvil, asset: Asset, base: Base) -> Listing:
    token = await deploy(chain, own("Token"), asset.symbol, asset.symbol, asset.decimals)
    pair = f"{asset.symbol} / {base.word.upper()}"
    return Listing(asset, token, await deploy(chain, own("Feed"), base.decimals, pair, asset.price))


async def _make_oracle(shop: Workshop, provider: Contract, base: Base, listings: Sequence[Listing]) -> Contract:
    """Both with a settable fallback oracle, which knows no price yet. Under an ETH base WETH is one by definition, whatever its feed."""
    fallback = await shop.make("PriceOracle")
    sources = [one.token.address for one in listings], [one.feed.address for one in listings]
    if base is ETH_BASE:
        oracle = await shop.make("AaveOracle", *sources, fallback.address, listings[0].token.address)
    else:
        later = aave_v30.artifact("AaveOracle")
        oracle = await deploy(shop.chain, later, provider.address, *sources, fallback.address, ZERO, base.dollar)
    await provider.send("setPriceOracle", oracle.address)
    return oracle


async def _init_reserve(
    shop: Workshop, provider: Contract, pool: Contract, configurator: Contract, listing: Listing
) -> None:
    """Every asset has its own token contracts and its own rate strategy, as V2 wants it."""
    asset, token = listing.asset, listing.token.address
    names = (f"{kind} {asset.symbol}" for kind in ("a", "stable debt", "variable debt"))
    first, second, third = ((name, name.replace(" ", ""), ZERO) for name in names)
    tokens = (
        await shop.make("AToken", pool.address, token, TREASURY, *first),
        await shop.make("StableDebtToken", pool.address, token, *second),
        await shop.make("VariableDebtToken", pool.address, token, *third),
    )
    strategy = await shop.make("DefaultReserveInterestRateStrategy", provider.address, *_rays(asset.curve))
    addresses = (made.address for made in tokens)
    await configurator.send("initReserve", *addresses, asset.decimals, strategy.address)
    if asset.threshold:
        await configurator.send("configureReserveAsCollateral", token, asset.ltv, asset.threshold, asset.bonus)
    await configurator.send("enableBorrowingOnReserve", token, asset.stable_rate)
    await configurator.send("setReserveFactor", token, asset.reserve_factor)


def _rays(curve: RateCurve) -> list[int]:
    return [bp * BP_RAY for bp in (curve.optimal, curve.base, curve.slope1, curve.slope2, *STABLE)]


async def _add_liquidity(market: AaveMarket, base: Base) -> None:
    """The whale supplies every reserve."""
    for reserve in market.reserves.values():
        amount = LIQUIDITY * base.dollar * 10**reserve.decimals // reserve.asset.price
        await fund(reserve.token, WHALE, amount, market.pool.address)
        await market.pool.send("deposit", reserve.token.address, amount, WHALE, 0, sender=WHALE)
