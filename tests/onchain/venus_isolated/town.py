"""Many accounts in an isolated pool: a seeded draw of collaterals and of how much of its limit each has borrowed; opened in one block."""

from __future__ import annotations

from random import Random

from watcher.localchain.contract import message, post
from watcher.localchain.scenario import account, set_price
from watcher.localchain.venus_isolated import VenusMarket, VenusPool
from watcher.localchain.venus_isolated_plans import DECIMALS, Plan
from watcher.localchain.venus_isolated_plans import POOLS as PLANS
from watcher.units import MAX


def plans(pool: VenusPool) -> dict[str, Plan]:
    return {one.symbol: one for plan in PLANS if plan.slug == pool.slug for one in plan.markets}


async def settle(pool: VenusPool, size: int, seed: int = 1) -> list[str]:
    """`size` accounts with one or two collaterals, owing 60 to 99 % of what they may; every ninth owes nothing."""
    random = Random(seed)
    owners: list[str] = [account(f"isolated {seed} {number}") for number in range(size)]
    async with pool.comptroller.chain.one_block():
        for number, owner in enumerate(owners):
            await _settled(pool, owner, random, debt=number % 9 != 8)
    return owners


async def _settled(pool: VenusPool, owner: str, random: Random, *, debt: bool) -> None:
    chain, listed = pool.comptroller.chain, plans(pool)
    held = random.sample([symbol for symbol in listed if listed[symbol].factor], random.randint(1, 2))
    limit = 0  # cents
    for symbol in held:
        cents = random.randrange(10_000, 5_000_000)
        await _supply(pool.markets[symbol], owner, cents * 10 ** (DECIMALS[symbol] + 6) // listed[symbol].price)
        limit += cents * listed[symbol].factor // 100
    vtokens = [pool.markets[symbol].vtoken.address for symbol in held]
    await post(chain, pool.comptroller.transaction("enterMarkets", vtokens, sender=owner))
    if debt:
        symbol = random.choice(list(listed))
        cents = limit * random.randrange(60, 99) // 100
        amount = cents * 10 ** (DECIMALS[symbol] + 6) // listed[symbol].price
        await post(chain, pool.markets[symbol].vtoken.transaction("borrow", amount, sender=owner))


async def _supply(market: VenusMarket, owner: str, amount: int) -> None:
    chain, token, vtoken = market.token.chain, market.token, market.vtoken
    await post(chain, token.transaction("mint", owner, amount))
    await post(chain, message(owner, token.address, token.data("approve", vtoken.address, MAX)))
    await post(chain, vtoken.transaction("mint", amount, sender=owner))


async def move_prices(pool: VenusPool, per_mille: int) -> None:
    """Ether and bitcoin at so many thousandths of their plans' prices."""
    for symbol in ("WETH", "WBTC"):
        if symbol in pool.markets:
            await set_price(pool.markets[symbol].feed, plans(pool)[symbol].price * per_mille // 1_000)
