"""A market followed through real transactions: at every block the book is what a fresh reading is, and says what the contract says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from tests.onchain.account_scene import configured, plain
from tests.onchain.conftest import Local, either
from tests.onchain.test_survey import key
from watcher.adapters import adapter
from watcher.book.book import Book
from watcher.connection import Connection, connect
from watcher.following.followed import Followed
from watcher.following.stride import stride
from watcher.following.weigh import Scale, Told
from watcher.health.bands import LADDER, VOLATILE
from watcher.localchain import aave_actions as aave
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import post
from watcher.localchain.seeder import seed
from watcher.model import BlockRef, Status
from watcher.survey.open import Opened, open_market
from watcher.units import WAD

BORROWERS = 40
BLOCKS = 12


def scale() -> Scale:
    return Scale(lambda mode, together: VOLATILE)


def followed(found: Opened[Any, Any, Any]) -> Followed:
    of = adapter(found.market.protocol)
    book = Book(found.market, of, found.terms, found.holdings)
    return Followed(found.market, book, found.quote, found.block)


async def advance(line: Connection, one: Followed, scales: Scale) -> Told:
    head = await line.block()
    step = await stride(line, one.market, one.of, one.terms, one.book.keys, one.heard, head, {})
    moved = one.take(step)
    return scales.told(one, moved, head.timestamp, confirmed=True)


async def health(market: AaveMarket, owners: Sequence[str], block: BlockRef) -> list[int]:
    """What a plain client with the pool's own ABI is told."""
    from web3 import AsyncHTTPProvider, AsyncWeb3

    w3 = AsyncWeb3(AsyncHTTPProvider(market.chain.url))
    pool = plain(w3, market.pool)
    async with w3.batch_requests() as batch:
        for owner in owners:
            batch.add(pool.functions.getUserAccountData(owner))
        answers = await batch.async_execute()
    assert (await w3.eth.get_block("latest"))["hash"].to_0x_hex() == block.hash
    await w3.provider.disconnect()
    return [answer[5] for answer in answers]  # type: ignore[literal-required]


async def stir(market: AaveMarket, owners: Sequence[str], chance: random.Random) -> None:
    """Somebody does something, or a price moves, or a threshold is changed."""
    who = chance.choice(owners)
    match chance.randrange(5):
        case 0:
            async with market.chain.one_block():
                fall = chance.randint(70, 101)
                for symbol in ("WETH", "WBTC", "wstETH"):
                    reserve = market.reserves[symbol]
                    await post(market.chain, reserve.feed.transaction("set", reserve.asset.price * fall // 100))
        case 1:
            await aave.supply(market, who, "WETH", 10**17)
        case 2:
            held = market.reserves["DAI"].receipt
            await aave.supply(market, who, "DAI", 10**20)
            await held.send("transfer", chance.choice(owners), 10**19, sender=who)
        case 3:
            newcomer = owners[0][:-4] + f"{chance.randrange(1, 9999):04d}"
            await aave.supply(market, newcomer, "WETH", 10**18)
            await aave.borrow(market, newcomer, "USDC", 100 * 10**6)
        case _:
            await market.chain.mine(1)


@either
def test_the_book_is_what_a_fresh_reading_is_and_says_what_the_contract_says(local: Local, aave: AaveMarket) -> None:
    async def run() -> None:
        chance = random.Random(7)
        owners = await seed(aave, BORROWERS)
        async with connect(configured(local)) as line:
            scales = scale()
            one = followed(await open_market(line, aave.market()))
            below = 0
            for _ in range(BLOCKS):
                await stir(aave, owners, chance)
                await advance(line, one, scales)
                fresh = await open_market(line, aave.market())
                assert dict(one.book.holdings()).keys() == fresh.holdings.keys()
                again = Book(one.market, one.of, fresh.terms, fresh.holdings)
                everyone = list(fresh.holdings)
                assert [one.book.held.of(one.book.row(k)) for k in everyone] == [
                    again.held.of(again.row(k)) for k in everyone
                ]
                truth = await health(aave, owners, one.block)
                ranks = scales.ranks(one.book, one.accrued())
                for owner, said in zip(owners, truth, strict=True):
                    row = one.book.row(key(aave, owner))
                    wanted = Status.LIQUIDATABLE if said < WAD else LADDER[1 + sum(said < step for step in BANDS)]
                    assert LADDER[ranks.status[row]] is wanted
                    below += said < WAD
            assert below > 0

    asyncio.run(run())


BANDS = (VOLATILE.watch, VOLATILE.warn, VOLATILE.danger, VOLATILE.critical)
