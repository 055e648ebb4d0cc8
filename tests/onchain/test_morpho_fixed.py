"""A Morpho market under a fixed rate, on the local chain: our model answers as the original did, and interest can be foretold."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.onchain.morpho_scene import Scene
from watcher.adapter import Which
from watcher.adapters.morpho_blue import ADAPTER
from watcher.adapters.morpho_blue.facts import Model
from watcher.adapters.morpho_blue.interest import borrow_rate
from watcher.localchain import morpho_actions
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import ZERO, Contract, deploy
from watcher.localchain.morpho import MorphoChain, MorphoMarket
from watcher.localchain.own import own
from watcher.localchain.scenario import account
from watcher.model import PositionKey
from watcher.units import WAD, YEAR

ALICE = account("alice")
RATE = 5 * WAD // 100 // YEAR  # per second
VECTORS = Path(__file__).parents[1] / "formula" / "vectors" / "morpho_fixed_rate.json"


async def under(world: MorphoChain, model: Contract) -> MorphoMarket:
    """Another WETH/USDC market, with this model."""
    base = world.markets["hostile"]
    await world.morpho.send("enableIrm", model.address)
    params = (*base.params[:3], model.address, base.params[4])
    made = replace(base, id=keccak(encode(["address"] * 4 + ["uint256"], params)), params=params, model=model)
    await model.send("setBorrowRate", made.id, RATE)
    await world.morpho.send("createMarket", params)
    return made


def test_interest_at_a_fixed_rate_is_foretold_for_any_time(morpho: MorphoChain) -> None:
    async def story() -> None:
        market = await under(morpho, await deploy(morpho.chain, own("FixedModel")))
        await morpho_actions.lend(morpho, market, account("lender"), 10**12)
        await morpho_actions.supply_collateral(morpho, market, ALICE, 10**21)
        await morpho_actions.borrow(morpho, market, ALICE, 9 * 10**11 + 7)
        scene = await Scene.open(morpho)
        try:
            found = replace(morpho.market("hostile"), name="local/morpho-blue/fixed", id=market.id)
            terms = await scene.reader.run(ADAPTER.terms(found), await scene.reader.head())
            assert terms.model is Model.FIXED
            key = PositionKey(found.name, bytes.fromhex(ALICE[2:]))
            for later in (1, 12, 86_400, 365 * 86_400):
                at, block = await scene.moment(later), await scene.reader.head()
                quote = await scene.reader.run(ADAPTER.quote(terms), block)
                held = await scene.reader.run(ADAPTER.holdings(terms, [key]), block)
                said = ADAPTER.accrue(terms, quote, at, Which.ALL)
                assert borrow_rate(terms, said) == RATE * YEAR * 10**9
                await morpho.chain.next_timestamp(at.timestamp)
                await morpho_actions.touch(morpho, market)
                totals = said.totals
                sides = (totals.supply.assets, totals.supply.shares, totals.borrow.assets, totals.borrow.shares)
                assert (await scene.truth.stored(market))[:4] == sides
                assert ADAPTER.value(terms, said, held[key]).debt >= totals.borrow.assets
        finally:
            await scene.close()

    asyncio.run(story())


def test_our_fixed_model_answers_as_the_original_did(chain: Anvil) -> None:
    rows: list[list[int]] = json.loads(VECTORS.read_text())["rows"]

    async def story() -> None:
        model = await deploy(chain, own("FixedModel"))
        answers = []
        for place, (rate, supplied, borrowed, updated, _) in enumerate(rows):
            params = (ZERO, ZERO, ZERO, model.address, place)
            await model.send("setBorrowRate", keccak(encode(["address"] * 4 + ["uint256"], params)), rate)
            state = (supplied, supplied * 10**6, borrowed, borrowed * 10**6, updated, 0)
            answers.append(await model.call("borrowRateView", params, state))
        assert answers == [row[4] for row in rows]

    asyncio.run(story())
