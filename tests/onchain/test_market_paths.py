"""`watcher market` shows what its prices are made of, on the local chain."""

from __future__ import annotations

import asyncio
import json

from tests.onchain.test_market import Look, look
from tests.onchain.test_price_paths import ONE, staked
from watcher.localchain.aave_market import AaveMarket

__all__ = ["look"]  # a fixture


def test_market_shows_what_its_prices_are_made_of(v36: AaveMarket, look: Look) -> None:
    async def opened() -> None:
        async with staked(v36, 12 * ONE // 10, 123 * ONE // 100, 0):
            pass

    asyncio.run(opened())
    (asset,) = [one for one in json.loads(look(v36.name).out)["assets"] if one["symbol"] == "wstETH"]
    assert asset["price"]["made_of"]["rule"]["kind"] == "RatioCap"
    assert [below["description"] for below in asset["price"]["made_of"]["below"]] == ["WETH / USD"]
    assert [cap["room"] for cap in asset["price"]["caps"]] == ["0.025"]
    table = look(v36.name, "--format", "table").out
    paths = table[table.index("Price paths") : table.index("Inside e-modes")]
    assert "Capped wstETH / USD" in paths
    assert "counts up to 1.23 · 2.5000 % below its cap" in paths
