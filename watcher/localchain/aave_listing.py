"""One more reserve on a market that is already there: the odd token that a test needs."""

from __future__ import annotations

from dataclasses import replace

from watcher.localchain import aave_v30, aave_v36
from watcher.localchain.aave_assets import Asset
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_setup import Listing, Workshop, configure, read_reserves
from watcher.localchain.contract import Contract, deploy
from watcher.localchain.own import own


async def list_asset(market: AaveMarket, asset: Asset, token: Contract) -> AaveMarket:
    """The market with `token` as its newest reserve, priced by a feed of its own. `token` is mintable, as `own("Token")` is."""
    feed = await deploy(market.chain, own("Feed"), 8, f"{asset.symbol} / USD", asset.price)
    listing = Listing(asset, token, feed)
    await market.oracle.send("setAssetSources", [token.address], [feed.address])
    if market.version == "3.0":
        shop, kinds = Workshop(market.chain, aave_v30.artifact), aave_v30.TOKENS
        await aave_v30.init_reserves(shop, market.provider, market.pool, market.configurator, [listing])
    else:
        shop, kinds = Workshop(market.chain, aave_v36.artifact), aave_v36.TOKENS
        await aave_v36.init_reserves(shop, market.pool, market.configurator, [listing])
    await configure(market.configurator, listing)
    added = await read_reserves(shop, market.data_provider, [listing], kinds, first=len(market.reserves))
    return replace(market, reserves={**market.reserves, **added})
