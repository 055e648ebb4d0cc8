"""One verb per thing that somebody does to a local Morpho market. Amounts are raw units; each is one mined block.

Accounts get the tokens that they need out of nothing. What Morpho refuses raises `CallReverted` with its own error.
"""

from __future__ import annotations

from typing import Any

from eth_utils.address import to_checksum_address as checksum

from watcher.localchain.contract import Contract, Receipt
from watcher.localchain.morpho import MorphoChain, MorphoMarket
from watcher.localchain.own import own
from watcher.localchain.scenario import fund


async def lend(world: MorphoChain, market: MorphoMarket, who: str, amount: int) -> Receipt:
    await fund(market.loan, who, amount, world.morpho.address)
    return await world.morpho.send("supply", market.params, amount, 0, who, b"", sender=who)


async def supply_collateral(world: MorphoChain, market: MorphoMarket, who: str, amount: int) -> Receipt:
    if market.collateral is not None:
        await fund(market.collateral, who, amount, world.morpho.address)
    return await world.morpho.send("supplyCollateral", market.params, amount, who, b"", sender=who)


async def borrow(world: MorphoChain, market: MorphoMarket, who: str, amount: int) -> Receipt:
    return await world.morpho.send("borrow", market.params, amount, 0, who, who, sender=who)


async def repay(world: MorphoChain, market: MorphoMarket, who: str, amount: int = 0, shares: int = 0) -> Receipt:
    """By amount, or by shares: all of an account's shares leave no debt behind."""
    await prepare_payer(world, market, who)
    return await world.morpho.send("repay", market.params, amount, shares, who, b"", sender=who)


async def liquidate(
    world: MorphoChain, market: MorphoMarket, who: str, borrower: str, seized: int = 0, shares: int = 0
) -> Receipt:
    """`who` names the collateral to seize or the borrow shares to repay, not both."""
    await prepare_payer(world, market, who)
    return await world.morpho.send(*liquidation(market, borrower, seized, shares), sender=who)


async def prepare_payer(world: MorphoChain, market: MorphoMarket, who: str) -> None:
    """Fund and approve `who` for all that this market is owed, so that what succeeds is up to Morpho alone; also for `eth_call`."""
    owed = (await world.morpho.call("market", market.id))[2]
    await fund(market.loan, who, 2 * owed + 1, world.morpho.address)


def liquidation(market: MorphoMarket, borrower: str, seized: int = 0, shares: int = 0) -> tuple[Any, ...]:
    """The liquidation entry point and its arguments, for `call` and `send`."""
    return ("liquidate", market.params, borrower, seized, shares, b"")


async def touch(world: MorphoChain, market: MorphoMarket) -> Receipt:
    """Accrue interest and nothing else."""
    return await world.morpho.send("accrueInterest", market.params)


async def pre_liquidation(
    world: MorphoChain, market: MorphoMarket, rules: tuple[int, int, int, int, int], oracle: str | None = None
) -> Contract:
    """A contract with a line before this market's: preLltv, both close factors and both incentive factors as wads; by the market's
    oracle where no other is named.
    """
    own_oracle = oracle or market.params[2]
    made = await world.factory.call("createPreLiquidation", market.id, (*rules, own_oracle))
    await world.factory.send("createPreLiquidation", market.id, (*rules, own_oracle))
    return Contract(world.chain, checksum(made), own("PreLiquidation").abi)


async def authorise(world: MorphoChain, who: str, contract: Contract, allowed: bool = True) -> Receipt:
    return await world.morpho.send("setAuthorization", contract.address, allowed, sender=who)
