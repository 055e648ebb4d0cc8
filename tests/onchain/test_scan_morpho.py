"""`watcher scan` and `watcher curve` on real Morpho: who is listed, what is owed, and each threshold by a simulated liquidation."""

from __future__ import annotations

import asyncio
import json

from tests.onchain.conftest import Local
from tests.onchain.morpho_truth import Truth
from tests.onchain.scan_scene import Run, watcher
from tests.onchain.test_scan import round_trip
from watcher.exit import Exit
from watcher.health.fall import STEPS
from watcher.localchain import morpho_actions as do
from watcher.localchain.morpho import MorphoChain
from watcher.localchain.scenario import account, set_price

__all__ = ["watcher"]  # a fixture

NAME = "wstETH/WETH"  # its oracle answers any integer
PRICE = 1_150 * 10**33  # ether per wstETH, in thousandths
WHO = {
    account(f"loop {number}"): 9_000 + 200 * number for number in range(6)
}  # thousandths of an ether against 10 wstETH


async def borrowed(world: MorphoChain) -> None:
    """Each a loop of its own, a day old; and somebody who can pay for all of them."""
    market, truth = world.markets[NAME], Truth(world)
    await truth.prepare()
    await truth.close()
    await set_price(market.source, PRICE)
    for who, owed in WHO.items():
        await do.supply_collateral(world, market, who, 10 * 10**18)
        await do.borrow(world, market, who, owed * 10**15)
    await world.chain.advance(86_400)


def test_a_scan_owes_what_morpho_says_and_a_threshold_is_where_it_liquidates(
    local: Local, morpho: MorphoChain, watcher: Run
) -> None:
    asyncio.run(borrowed(morpho))
    market = morpho.markets[NAME]
    name = f"local/morpho-blue/0x{market.id.hex()}"
    said = watcher("scan", name, "--below", "1.2")
    assert said.code == Exit.OK
    block = int(json.loads(said.out)["block"])
    rows = {row["account"]: row for row in json.loads(said.out)["accounts"]}
    curve = json.loads(watcher("curve", name, "--to", "-40%").out)
    falls = {one["account"]: round_trip(one["fall"], 6) for one in curve["thresholds"]}
    assert set(falls) == set(WHO) and curve["unit"] == "WETH"

    async def checked() -> None:
        truth = Truth(morpho)
        try:
            for who, row in rows.items():
                shares = (await truth.position(market, who))[1]
                (owed,) = await truth.owed(market, [(who, shares)], block)
                assert owed.answer is not None and round_trip(row["debt"], 18) == owed.answer[0]
            for who in list(falls)[::2]:
                for steps, falls_ in ((falls[who], True), (falls[who] - 1, False)):
                    await morpho.chain.next_timestamp(await morpho.chain.timestamp())
                    await set_price(market.source, PRICE * (STEPS - steps) // STEPS)
                    (tried,) = await truth.liquidations(market, [who], await morpho.chain.block_number())
                    assert (tried.answer is not None) is falls_, (who, steps, tried)
        finally:
            await truth.close()

    asyncio.run(checked())
    assert 0 < len(rows) < len(WHO)
