"""Many accounts in a Venus pool: a seeded draw of collaterals, pools, and of how much of its limit each has borrowed; some owe VAI."""

from __future__ import annotations

from random import Random

from watcher.localchain import venus_actions as do
from watcher.localchain.contract import message, post
from watcher.localchain.scenario import account
from watcher.localchain.venus_pool import VenusPool
from watcher.units import MAX

HELD = ("WBTC", "WETH", "USDC", "USDT")
OWED = ("BNB", "USDC", "USDT", "WETH", "VAI")


async def settle(pool: VenusPool, size: int, seed: int = 1) -> list[str]:
    """`size` accounts with one or two collaterals, owing 60 to 99 % of what they may; every ninth owes nothing. In one block."""
    random = Random(seed)
    owners: list[str] = [account(f"venus {seed} {number}") for number in range(size)]
    async with pool.chain.one_block():
        for number, owner in enumerate(owners):
            await _settled(pool, owner, random, debt=number % 9 != 8, mode=number % 5 == 4)
    return owners


async def _settled(pool: VenusPool, owner: str, random: Random, *, debt: bool, mode: bool) -> None:
    """An account of the stablecoins' pool holds USDC and owes USDT; another any of the rest."""
    limit = 0  # cents
    for symbol in ("USDC",) if mode else random.sample(HELD, random.randint(1, 2)):
        market = pool.markets[symbol]
        cents = random.randrange(10_000, 5_000_000)
        await _supply(pool, owner, symbol, cents * 10**market.decimals // market.plan.price)
        limit += cents * (90 if mode else market.plan.factor) // 100
    if mode:
        await post(pool.chain, pool.comptroller.transaction("enterPool", 1, sender=owner))
    if not debt:
        return
    cents = limit * random.randrange(60, 99) // 100
    symbol = "USDT" if mode else random.choice(OWED)
    if symbol == "VAI":
        await post(pool.chain, pool.controller.transaction("mintVAI", cents * 10**16, sender=owner))
        return
    market = pool.markets[symbol]
    amount = cents * 10**market.decimals // market.plan.price
    await post(pool.chain, market.v.transaction("borrow", amount, sender=owner))


async def _supply(pool: VenusPool, owner: str, symbol: str, amount: int) -> None:
    market = pool.markets[symbol]
    token = market.token
    assert token is not None
    await post(pool.chain, token.transaction("mint", owner, amount))
    await post(pool.chain, message(owner, token.address, token.data("approve", market.v.address, MAX)))
    await post(pool.chain, market.v.transaction("mint", amount, sender=owner))
    await post(pool.chain, pool.comptroller.transaction("enterMarkets", [market.v.address], sender=owner))


async def move_prices(pool: VenusPool, per_mille: int) -> None:
    """Ether and bitcoin at so many thousandths of their plans' prices."""
    for symbol in ("WETH", "WBTC"):
        market = pool.markets[symbol]
        await do.set_price(pool, symbol, market.scaled(market.plan.price) * per_mille // 1_000)
