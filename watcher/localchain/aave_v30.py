"""A real Aave V3.0 market from the prebuilt artifacts of @aave/core-v3 1.19.3 (POOL_REVISION 1, stable debt, one e-mode per asset)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from watcher.localchain import prebuilt
from watcher.localchain.aave_assets import COMMON, MODES, USD, V30_ONLY, Mode, RateCurve
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_setup import (
    TREASURY,
    Listing,
    TokenKinds,
    Workshop,
    add_liquidity,
    configure,
    found,
    install,
    list_assets,
    make_oracle,
    read_reserves,
)
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import ZERO, Artifact, Contract, deploy, message, transact
from watcher.localchain.own import own

NAME = "local/aave-v3/v30"
TOKENS = TokenKinds(receipt="AToken", stable_debt="StableDebtToken", debt="VariableDebtToken")
FOLDERS = ("protocol", "misc")
BP_RAY = 10**23  # one basis point as a ray
HELD_LTV = 7_000  # of the asset with base threshold 0


@cache
def artifact(name: str) -> Artifact:
    """A contract of the package by its bare name; only production folders are searched, so that names do not collide."""
    return prebuilt.artifact("@aave/core-v3", FOLDERS, name)


async def deploy_v30(chain: Anvil) -> AaveMarket:
    """Eleven reserves with 18, 8, 6 and 2 decimals, two e-modes of which one has its own price source, and a whale's liquidity."""
    start = await chain.block_number() + 1
    shop = Workshop(chain, artifact)
    provider = await found(shop, NAME)
    pool_code = await shop.make("Pool", provider.address)
    await pool_code.send("initialize", provider.address)
    configurator_code = await shop.make("PoolConfigurator")
    await configurator_code.send("initialize", provider.address)
    listings = await list_assets(chain, (*COMMON, *V30_ONLY))
    oracle = await make_oracle(shop, provider, listings)
    core = await install(shop, provider, pool_code, configurator_code)
    await init_reserves(shop, provider, core.pool, core.configurator, listings)
    for listing in listings:
        await configure(core.configurator, listing)
        if listing.asset.stable_rate:
            await core.configurator.send("setReserveStableRateBorrowing", listing.token.address, True)
    mode_feed = await _set_modes(oracle, core.configurator, listings)
    await _strip_threshold(core.pool, core.configurator, listings)
    market = AaveMarket(
        name=NAME,
        version="3.0",
        revision=await core.pool.call("POOL_REVISION"),
        chain=chain,
        pool=core.pool,
        provider=provider,
        configurator=core.configurator,
        oracle=oracle,
        data_provider=core.data_provider,
        reserves=await read_reserves(shop, core.data_provider, listings, TOKENS),
        errors=(),
        mode_feed=mode_feed,
        treasury=TREASURY,
        start=start,
    )
    await add_liquidity(market)
    return market


async def init_reserves(
    shop: Workshop, provider: Contract, pool: Contract, configurator: Contract, listings: Sequence[Listing]
) -> None:
    """One reserve per transaction: it costs about 2.3 M gas. Every reserve has its own rate strategy, as V3.0 wants it."""
    tokens = [(await shop.make(n, pool.address)).address for n in ("AToken", "StableDebtToken", "VariableDebtToken")]
    for listing in listings:
        strategy = await shop.make("DefaultReserveInterestRateStrategy", provider.address, *_rays(listing.asset.curve))
        symbol = listing.asset.symbol
        names = [f"{kind}{symbol}" for kind in ("a", "a", "variableDebt", "variableDebt", "stableDebt", "stableDebt")]
        one = (*tokens, listing.asset.decimals, strategy.address, listing.token.address, TREASURY, ZERO, *names, b"")
        await configurator.send("initReserves", [one])


def _rays(curve: RateCurve) -> list[int]:
    """Optimal usage, base, two slopes; then the stable rate's own: two slopes, offset, excess offset, optimal share of debt."""
    stable: list[int] = [50, 6_000, 100, 800, 2_000]
    return [bp * BP_RAY for bp in (curve.optimal, curve.base, curve.slope1, curve.slope2, *stable)]


async def _set_modes(oracle: Contract, configurator: Contract, listings: Sequence[Listing]) -> Contract:
    """The categories and the feed of the priced one, which is returned.

    A category's price source is not asked itself: V3.0 hands it to the oracle as if it were an asset, so the oracle must know it.
    """
    feed = await deploy(oracle.chain, own("Feed"), 8, "Dollar e-mode / USD", USD)
    await oracle.send("setAssetSources", [feed.address], [feed.address])
    for mode in MODES:
        source = feed.address if mode.priced else ZERO
        await configurator.send("setEModeCategory", mode.id, mode.ltv, mode.threshold, mode.bonus, source, mode.label)
        for listing in _members(mode, listings):
            await configurator.send("setAssetEModeCategory", listing.token.address, mode.id)
    return feed


def _members(mode: Mode, listings: Sequence[Listing]) -> list[Listing]:
    return [listing for listing in listings if listing.asset.symbol in mode.collateral + mode.borrowable]


async def _strip_threshold(pool: Contract, configurator: Contract, listings: Sequence[Listing]) -> None:
    """Give e-mode collateral without a base threshold an LTV all the same, as the configurator itself.

    V3.0 enables an asset as collateral only when its LTV is above 0, and its configurator keeps the LTV at or below the threshold: no
    ordinary path leads to a position whose flagged collateral has the base threshold 0.
    """
    wanted = {symbol for mode in MODES for symbol in mode.collateral}
    for listing in listings:
        if listing.asset.symbol in wanted and not listing.asset.threshold:
            (word,) = await pool.call("getConfiguration", listing.token.address)
            data: Any = pool.data("setConfiguration", listing.token.address, (word | HELD_LTV,))
            await transact(pool.chain, message(configurator.address, pool.address, data), "setConfiguration")
