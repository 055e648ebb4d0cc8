"""A whole market followed for days of the chain's time, on real contracts, and what they said of everybody at each block."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from io import StringIO
from pathlib import Path

from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.account_scene import configured, plain
from tests.onchain.conftest import Local
from tests.onchain.test_following import stir
from watcher.config import dump
from watcher.config.read_watch import load_watch
from watcher.errors import CallReverted
from watcher.localchain import aave_actions
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.scenario import reorg
from watcher.localchain.seeder import seed
from watcher.model import BlockRef
from watcher.watching.session import opened

BORROWERS, TURNS, REORG, TERMS, LATE = 24, 16, 12, 7, 9
DEEP = 2  # blocks of a reorg
Said = tuple[int, ...]  # the six words of getUserAccountData


@dataclass(slots=True)
class Past:
    """`truth` by the blocks that were read, and by owner. `gap` are blocks that nobody watched."""

    db: Path
    chains: Path
    market: AaveMarket
    owners: Sequence[str]
    truth: dict[BlockRef, Mapping[str, Said]]
    gap: range


async def said(market: AaveMarket, owners: Sequence[str], block: BlockRef) -> dict[str, Said]:
    """What a plain client with the pool's own ABI is told at that block."""
    w3 = AsyncWeb3(AsyncHTTPProvider(market.chain.url))
    pool = plain(w3, market.pool)
    async with w3.batch_requests() as batch:
        for owner in owners:
            batch.add(pool.functions.getUserAccountData(owner).call(block_identifier=block.number))
        answers = await batch.async_execute()
    assert (await w3.eth.get_block(block.number))["hash"].to_0x_hex() == block.hash
    await w3.provider.disconnect()
    return {owner: tuple(answer) for owner, answer in zip(owners, answers, strict=True)}  # type: ignore[arg-type]


async def lived(local: Local, folder: Path) -> Past:
    """Seeded borrowers, moves, newcomers, falling prices, a threshold that changes, blocks nobody watched, and a reorg."""
    chance, market = random.Random(11), local.v36
    owners = await seed(market, BORROWERS, label="followed")
    chain = replace(configured(local), block_time=Decimal(12), finality=4)
    (folder / "chains.toml").write_text(dump(chain), encoding="utf-8")
    toml = folder / "watcher.toml"
    toml.write_text(f'chains_file = "chains.toml"\ndb = "watcher.db"\n[[follow]]\nmarket = "{market.name}"\n')
    past = Past(folder / "watcher.db", folder / "chains.toml", market, owners, {}, range(0))
    async with opened(load_watch(toml, {}), {}, StringIO()) as session:
        (seen,) = session.desk.chains.values()

        async def look() -> None:
            await session.once()
            assert seen.tip is not None and seen.follower.markets[market.name].block == seen.tip
            past.truth = {block: told for block, told in past.truth.items() if block.number < seen.tip.number}
            past.truth[seen.tip] = await said(market, owners, seen.tip)

        for turn in range(TURNS):
            if turn == TERMS:
                await aave_actions.set_thresholds(market, "WETH", 7_400, 7_700, 10_500)
            elif turn == REORG:
                await reorg(local.chain, DEEP)
                past.truth = dict(list(past.truth.items())[:-DEEP])
                await local.chain.mine(1)
            else:
                with suppress(CallReverted):  # whose health is too low may not do it
                    await stir(market, owners, chance)
            await look()
            await local.chain.next_timestamp(await local.chain.timestamp() + chance.randint(7_200, 21_600))
            first = await local.chain.block_number() + 1
            await local.chain.mine(6 if turn == LATE else 1)
            past.gap = range(first, first + 5) if turn == LATE else past.gap
            await look()
    return past
