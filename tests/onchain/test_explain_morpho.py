"""`watcher explain` on real Morpho: one cause gets all of it, and at every cut health is that of Morpho's own books."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.onchain.account_scene import configured
from tests.onchain.conftest import Local
from tests.onchain.explained import Story, adds_up, astray, cuts, only, shares, standing
from tests.onchain.liquidation_scene import ADA, LIQUIDATOR
from tests.onchain.morpho_truth import Truth
from tests.onchain.scan_scene import commands
from tests.onchain.test_liquidations_morpho import PRICE, market_of, oracle
from watcher.localchain import morpho_actions as do
from watcher.localchain.morpho import MorphoChain
from watcher.units import WAD

DUST = {"liquidation": 2}  # wei: what is repaid is rounded up, to the good of every share


async def lived(world: MorphoChain) -> Story:
    chain, market = world.chain, market_of(world)
    await do.supply_collateral(world, market, ADA, 10 * 10**18)
    await do.borrow(world, market, ADA, 10**19)
    for who in (ADA, LIQUIDATOR):
        await do.prepare_payer(world, market, who)
    await chain.advance(86_400)
    story = Story(await chain.block_number())
    story.happened("price of wstETH", (await standing(oracle(world), "set", 1_150 * PRICE)).block)
    await chain.advance(86_400)
    story.happened("time", await chain.block_number())
    repaid = "repay", market.params, 10**17, 0, ADA, b""
    story.happened("own action", (await standing(world.morpho, *repaid, sender=ADA)).block)
    await standing(oracle(world), "set", 1_040 * PRICE)
    seized = await standing(world.morpho, *do.liquidation(market, ADA, 10**18), sender=LIQUIDATOR)
    story.happened("liquidation", seized.block)
    await chain.mine()  # the newest block is not final
    return story


async def health(world: MorphoChain, block: int) -> int:
    """By Morpho's own accrued totals, its position and the oracle's own price."""
    truth, market, source = Truth(world), market_of(world), oracle(world)
    try:
        _, _, assets, shares, *_ = await truth.totals(market, block)
        _, borrowed, held = await truth.morpho.functions.position(market.id, ADA).call(block_identifier=block)
        price = truth.w3.eth.contract(source.address, abi=source.abi).functions.price()
        owed = -(-borrowed * (assets + 1) // (shares + 10**6))
        worth = held * int(await price.call(block_identifier=block)) // 10**36
        return int(worth * market.params[4] // WAD * WAD // owed)
    finally:
        await truth.close()


def test_one_cause_gets_all_of_it_and_every_cut_is_morphos_own(
    local: Local,
    morpho: MorphoChain,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = asyncio.run(lived(morpho))
    watcher = commands(replace(configured(local), finality=1), tmp_path, capsys, monkeypatch)
    assert len(story.stretches) == 4
    assert astray(watcher, ADA, story, DUST) == {}
    whole = only(watcher, ADA, story.first, story.last, "--each")
    assert adds_up(whole) and shares(whole).keys() - {"rates"} == story.stretches.keys()
    found = cuts(whole)
    assert found.keys() >= {story.stretches[deed][1] for deed in ("own action", "liquidation")}
    assert found == {block: asyncio.run(health(morpho, block)) for block in found}
