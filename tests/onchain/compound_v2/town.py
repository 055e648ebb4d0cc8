"""Many accounts at a comptroller: a seeded draw of collaterals and of how much of its limit each has borrowed."""

from __future__ import annotations

from random import Random

from watcher.localchain.compound_v2 import CompoundV2
from watcher.localchain.contract import post
from watcher.localchain.scenario import account
from watcher.units import MAX

HELD = ("WBTC", "DAI", "USDC", "DUST")
OWED = ("ETH", "USDC", "DAI", "WBTC")


async def settle(world: CompoundV2, size: int, seed: int = 1) -> list[str]:
    """`size` accounts with one or two collaterals, owing 60 to 99 % of what they may; every ninth owes nothing. In one block."""
    random = Random(seed)
    owners: list[str] = [account(f"compound {seed} {number}") for number in range(size)]
    async with world.chain.one_block():
        for number, owner in enumerate(owners):
            limit = 0  # wei
            for symbol in random.sample(HELD, random.randint(1, 2)):
                worth = random.randrange(10**17, 10**20)
                limit += worth * world.markets[symbol].plan.factor // 100
                await _supplied(world, owner, symbol, amount(world, symbol, worth))
            if number % 9 != 8:
                symbol = random.choice(OWED)
                owed = amount(world, symbol, limit * random.randrange(60, 99) // 100)
                await post(world.chain, world.markets[symbol].ctoken.transaction("borrow", owed, sender=owner))
    return owners


def amount(world: CompoundV2, symbol: str, wei: int) -> int:
    """Raw units of a token worth so much."""
    return wei * world.markets[symbol].unit // world.markets[symbol].plan.price


async def _supplied(world: CompoundV2, owner: str, symbol: str, raw: int) -> None:
    one = world.markets[symbol]
    assert one.token is not None
    await post(world.chain, one.token.transaction("mint", owner, raw))
    await post(world.chain, one.token.transaction("approve", one.ctoken.address, MAX, sender=owner))
    await post(world.chain, one.ctoken.transaction("mint", raw, sender=owner))
    await post(world.chain, world.comptroller.transaction("enterMarkets", [one.ctoken.address], sender=owner))
