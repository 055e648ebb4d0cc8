"""One verb per thing that somebody does to a local isolated pool. Amounts are raw units; each is one mined block.

Accounts get the tokens that they need out of nothing. What the pool refuses raises `CallReverted` with its own error.
"""

from __future__ import annotations

from collections.abc import Sequence

from watcher.localchain.contract import Receipt
from watcher.localchain.scenario import fund
from watcher.localchain.venus_isolated import VenusMarket, VenusPool


async def supply(market: VenusMarket, who: str, amount: int) -> Receipt:
    await fund(market.token, who, amount, market.vtoken.address)
    return await market.vtoken.send("mint", amount, sender=who)


async def enter(pool: VenusPool, who: str, symbols: Sequence[str]) -> Receipt:
    return await pool.comptroller.send(
        "enterMarkets", [pool.markets[symbol].vtoken.address for symbol in symbols], sender=who
    )


async def borrow(market: VenusMarket, who: str, amount: int) -> Receipt:
    return await market.vtoken.send("borrow", amount, sender=who)


async def repay(market: VenusMarket, who: str, amount: int) -> Receipt:
    """More than is owed is not taken."""
    await prepare_payer(market, who, amount)
    return await market.vtoken.send("repayBorrow", amount, sender=who)


async def withdraw(market: VenusMarket, who: str, amount: int) -> Receipt:
    return await market.vtoken.send("redeemUnderlying", amount, sender=who)


async def liquidate(debt: VenusMarket, collateral: VenusMarket, who: str, borrower: str, amount: int) -> Receipt:
    """`who` repays `amount` of `debt` and is given vTokens of `collateral`."""
    await prepare_payer(debt, who, amount)
    return await debt.vtoken.send("liquidateBorrow", borrower, amount, collateral.vtoken.address, sender=who)


async def prepare_payer(market: VenusMarket, who: str, amount: int) -> None:
    """Fund and approve `who`, so that what succeeds is up to the pool alone; also for `eth_call`."""
    await fund(market.token, who, amount, market.vtoken.address)


async def touch(market: VenusMarket) -> Receipt:
    """Accrue interest and nothing else."""
    return await market.vtoken.send("accrueInterest")
