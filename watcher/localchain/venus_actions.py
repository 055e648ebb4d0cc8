"""One verb per thing that somebody does to a local Venus pool. Amounts are raw units; each is one mined block.

Accounts get the tokens that they need out of nothing. Venus refuses by an error code as often as by a revert: both raise `CallReverted`.
"""

from __future__ import annotations

from typing import Any

from watcher.errors import CallReverted
from watcher.localchain.contract import DEPLOYER, Contract, Receipt, simulate, transact
from watcher.localchain.scenario import fund
from watcher.localchain.venus_pool import VenusMarket, VenusPool
from watcher.units import MAX

COINS = 10**30  # of the chain's own coin, for whoever pays with it


async def attempt(contract: Contract, function: str, *args: Any, sender: str, value: int = 0) -> dict[str, str]:
    """The transaction, once a simulation of it has answered no error code."""
    fields = contract.transaction(function, *args, sender=sender)
    if value:
        await contract.chain.rpc("anvil_setBalance", sender, hex(COINS))
        fields["value"] = hex(value)
    answer = await simulate(contract.chain, fields, function)
    if answer[:32] != bytes(32)[: len(answer)]:
        raise CallReverted(f"{function} (error code {int.from_bytes(answer[:32], 'big')})", answer)
    return fields


async def send(contract: Contract, function: str, *args: Any, sender: str, value: int = 0) -> Receipt:
    return await transact(
        contract.chain, await attempt(contract, function, *args, sender=sender, value=value), function
    )


async def supply(pool: VenusPool, who: str, symbol: str, amount: int) -> Receipt:
    """Deposit; it counts as collateral once the market is entered."""
    market = pool.markets[symbol]
    if market.token is None:
        return await send(market.v, "mint", sender=who, value=amount)
    await fund(market.token, who, amount, market.v.address)
    return await send(market.v, "mint", amount, sender=who)


async def enter(pool: VenusPool, who: str, *symbols: str) -> Receipt:
    markets = [pool.markets[symbol].v.address for symbol in symbols]
    return await pool.comptroller.send("enterMarkets", markets, sender=who)


async def leave(pool: VenusPool, who: str, symbol: str) -> Receipt:
    return await send(pool.comptroller, "exitMarket", pool.markets[symbol].v.address, sender=who)


async def borrow(pool: VenusPool, who: str, symbol: str, amount: int) -> Receipt:
    """Borrowing enters the market."""
    return await send(pool.markets[symbol].v, "borrow", amount, sender=who)


async def repay(pool: VenusPool, who: str, symbol: str, amount: int) -> Receipt:
    """2**256 - 1 repays everything."""
    market = pool.markets[symbol]
    if market.token is None:
        return await send(market.v, "repayBorrow", sender=who, value=amount)
    await prepare_payer(pool, who, symbol)
    return await send(market.v, "repayBorrow", amount, sender=who)


async def withdraw(pool: VenusPool, who: str, symbol: str, amount: int) -> Receipt:
    return await send(pool.markets[symbol].v, "redeemUnderlying", amount, sender=who)


async def select_pool(pool: VenusPool, who: str, number: int) -> Receipt:
    """Enter an e-mode pool; 0 is the core pool."""
    return await pool.comptroller.send("enterPool", number, sender=who)


async def mint_vai(pool: VenusPool, who: str, amount: int) -> Receipt:
    return await send(pool.controller, "mintVAI", amount, sender=who)


async def repay_vai(pool: VenusPool, who: str, amount: int) -> Receipt:
    await prepare_payer(pool, who, "VAI")
    return await transact(pool.chain, pool.controller.transaction("repayVAI", amount, sender=who), "repayVAI")


async def prepare_payer(pool: VenusPool, who: str, symbol: str) -> None:
    """Fund and approve `who` for anything, so that what succeeds is up to Venus alone; also for `eth_call`."""
    if symbol == "VAI":
        await pool.vai.send("mint", who, 10**30, sender=DEPLOYER)
        await pool.vai.send("approve", pool.controller.address, MAX, sender=who)
        return
    market = pool.markets[symbol]
    if market.token is None:
        await pool.chain.rpc("anvil_setBalance", who, hex(COINS))
        return
    await fund(market.token, who, 10**36, market.v.address)


def liquidation(
    pool: VenusPool, borrower: str, debt: str, collateral: str, amount: int
) -> tuple[Contract, str, tuple[Any, ...], int]:
    """The entry point of this pair with its arguments, and the coins to send along."""
    seized = pool.markets[collateral].v.address
    if debt == "VAI":
        return pool.controller, "liquidateVAI", (borrower, amount, seized), 0
    market = pool.markets[debt]
    if market.token is None:
        return market.v, "liquidateBorrow", (borrower, seized), amount
    return market.v, "liquidateBorrow", (borrower, amount, seized), 0


async def liquidate(pool: VenusPool, who: str, borrower: str, debt: str, collateral: str, amount: int) -> Receipt:
    """By somebody who was prepared as a payer of `debt`."""
    contract, function, args, value = liquidation(pool, borrower, debt, collateral, amount)
    return await send(contract, function, *args, sender=who, value=value)


async def set_price(pool: VenusPool, symbol: str, answer: int) -> Receipt:
    """The oracle's own answer: dollars of one raw unit, scaled by 1e36."""
    token = pool.vai if symbol == "VAI" else pool.markets[symbol].token
    assert token is not None, "the mock oracle knows one price of the chain's own coin"
    return await pool.oracle.send("setDirectPrice", token.address, answer)


async def accrue(market: VenusMarket) -> Receipt:
    return await market.v.send("accrueInterest")
