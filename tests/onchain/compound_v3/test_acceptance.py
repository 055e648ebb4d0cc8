"""Random owners on every Comet, block after block: what we say of each equals what the contract says, and so does who is absorbed."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from tests.onchain.compound_v3.scene import ABSORBER, Scene, play
from tests.onchain.compound_v3.town import move_prices, settle
from tests.onchain.compound_v3.truth import Figures, figures
from watcher.errors import CallReverted
from watcher.localchain import comet_actions as do
from watcher.localchain.comet import CometChain, LocalComet
from watcher.localchain.scenario import fund

SIZE = 20


@pytest.mark.long
@pytest.mark.parametrize(("name", "blocks", "level"), [("usd", 25, 1_000), ("eth", 25, 1_000), ("wide", 12, 820)])
def test_every_account_at_every_block(comets: CometChain, name: str, blocks: int, level: int) -> None:
    """Supplies, withdrawals, borrows, repayments, transfers of base and collateral, absorptions, prices and time.

    Prices begin at `level` thousandths of those at which was borrowed.
    """
    local: LocalComet = getattr(comets, name)

    async def story(scene: Scene) -> None:
        random, owners = Random(f"{name} {blocks}"), await settle(local, SIZE, seed=blocks)
        for who in owners:
            await fund(local.base, who, 10**30, local.comet.address)
        await move_prices(local, level)
        prices = {one.symbol: one.price * level // 1_000 for one in local.plan.listings}
        terms, verdicts = (await scene.view([])).terms, []
        for _ in range(blocks):
            await local.chain.next_timestamp(await local.chain.timestamp() + random.choice((1, 12, 3_600, 20 * 86_400)))
            symbol = random.choice(list(prices))
            prices[symbol] = prices[symbol] * random.choice((70, 85, 95, 104, 115)) // 100 + 1
            await local.feeds[symbol].send("set", prices[symbol])
            with suppress(CallReverted):  # who may not do it
                await deed(local, owners, prices, random)
            view = await scene.view(owners, terms)
            truth = await figures(local, owners, view.block.number)
            absorbed = await scene.absorbable(view.block.number, owners)
            for who, late in zip(owners, absorbed, strict=True):
                seen = view.value(who)
                assert (Figures(seen.health, seen.collateral, seen.debt), seen.liquidatable) == (truth[who], late)
                verdicts.append(late)
        assert len(verdicts) == SIZE * blocks
        assert verdicts.count(True) >= 10 and verdicts.count(False) > SIZE

    play(local, story)


async def deed(local: LocalComet, owners: list[str], prices: dict[str, int], random: Random) -> None:
    who, other = random.sample(owners, 2)
    symbol = random.choice(list(prices))
    places = next(one.decimals for one in local.plan.listings if one.symbol == symbol)
    unit = local.plan.liquidity * 10**8 * 10**places // 50_000 // prices[symbol] + 1
    base = local.plan.liquidity * 10**local.plan.decimals // 50_000
    match random.randrange(7):
        case 0:
            await do.supply(local, who, symbol, random.randrange(1, 10 * unit))
        case 1:
            await do.withdraw(local, who, symbol, random.randrange(1, 3 * unit))
        case 2:
            await do.borrow(local, who, random.randrange(1, 5 * base))
        case 3:
            await do.supply(local, who, local.plan.base, random.randrange(1, 20 * base))
        case 4:
            await do.transfer(local, who, other, local.plan.base, random.randrange(1, 3 * base))
        case 5:
            await do.transfer(local, who, other, symbol, random.randrange(1, 2 * unit))
        case _:
            ripe = [one for one in owners if await local.comet.call("isLiquidatable", one)]
            await do.absorb(local, ABSORBER, ripe[:1])
