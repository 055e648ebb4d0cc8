"""Many accounts in a Comet: a seeded draw of collaterals and of how much of its limit each has borrowed; some lend instead."""

from __future__ import annotations

from random import Random

from watcher.formula.comet import factored, quoted
from watcher.localchain.comet import LocalComet
from watcher.localchain.contract import message, post
from watcher.localchain.scenario import account
from watcher.units import MAX, WAD


async def settle(local: LocalComet, size: int, seed: int = 1) -> list[str]:
    """`size` accounts with one to four collaterals, borrowing 60 to 99 % of what they may; every ninth lends. In two blocks."""
    random = Random(seed)
    owners: list[str] = [account(f"{local.plan.name} {number}") for number in range(size)]
    async with local.chain.one_block():
        for number, owner in enumerate(owners):
            if number % 9 == 8:
                await _give(local, owner, local.plan.base, random.randrange(10**9, 10**10))
            else:
                await _borrower(local, owner, random)
    return owners


async def _borrower(local: LocalComet, owner: str, random: Random) -> None:
    listings, limit = local.plan.listings, 0
    size = local.plan.liquidity * 10**8 // 50_000  # in value: what all of them borrow is there
    for place in random.sample(range(len(listings)), random.randint(1, min(4, len(listings)))):
        one = listings[place]
        amount = random.randrange(10**one.decimals, 50 * 10**one.decimals) * size // one.price
        await _give(local, owner, one.symbol, amount)
        limit += factored(quoted(amount, one.price, 10**one.decimals), one.borrow * WAD // 100)
    debt = limit * random.randrange(60, 100) // 100 * 10**local.plan.decimals // local.plan.price
    await post(local.chain, local.comet.transaction("withdraw", local.base.address, debt, sender=owner))


async def _give(local: LocalComet, owner: str, symbol: str, amount: int) -> None:
    token = local.tokens[symbol]
    await post(local.chain, token.transaction("mint", owner, amount))
    await post(local.chain, message(owner, token.address, token.data("approve", local.comet.address, MAX)))
    await post(local.chain, local.comet.transaction("supply", token.address, amount, sender=owner))


async def move_prices(local: LocalComet, per_mille: int) -> None:
    """Every collateral's price at so many thousandths of its plan's, in one block."""
    async with local.chain.one_block():
        for one in local.plan.listings:
            await post(local.chain, local.feeds[one.symbol].transaction("set", one.price * per_mille // 1_000))
