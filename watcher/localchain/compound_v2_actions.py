"""One verb per thing that somebody does to a local Compound V2. Amounts are raw units of the underlying; each is one mined block.

Accounts get the tokens that they need out of nothing. What Compound refuses raises `CallReverted`, with its error code or its own text.
"""

from __future__ import annotations

from typing import Any

from watcher.localchain.compound_v2 import RICHES, CompoundMarket, CompoundV2, do, supply
from watcher.localchain.contract import Contract, Receipt, deploy
from watcher.localchain.scenario import fund
from watcher.units import MAX

__all__ = ["supply"]


async def enter(world: CompoundV2, who: str, *symbols: str) -> Receipt:
    """Make what is held there count, as collateral and as debt."""
    return await world.comptroller.send(
        "enterMarkets", [world.markets[symbol].ctoken.address for symbol in symbols], sender=who
    )


async def leave(world: CompoundV2, who: str, symbol: str) -> Receipt:
    return await do(world.comptroller, "exitMarket", world.markets[symbol].ctoken.address, sender=who)


async def borrow(world: CompoundV2, who: str, symbol: str, amount: int) -> Receipt:
    """Enters the market by itself."""
    return await do(world.markets[symbol].ctoken, "borrow", amount, sender=who)


async def repay(world: CompoundV2, who: str, symbol: str, amount: int = MAX) -> Receipt:
    """`MAX` repays everything, interest of this very block included; the native token knows no such word."""
    one = world.markets[symbol]
    await pay(world, one, who)
    if one.token is None:
        return await do(one.ctoken, "repayBorrow", sender=who, value=amount)
    return await do(one.ctoken, "repayBorrow", amount, sender=who)


async def redeem(world: CompoundV2, who: str, symbol: str, ctokens: int) -> Receipt:
    return await do(world.markets[symbol].ctoken, "redeem", ctokens, sender=who)


async def transfer(world: CompoundV2, who: str, to: str, symbol: str, ctokens: int) -> Receipt:
    """Move cTokens: the receiver has a position that it never opened."""
    return await world.markets[symbol].ctoken.send("transfer", to, ctokens, sender=who)


async def touch(world: CompoundV2, symbol: str) -> Receipt:
    """Accrue interest in one market and nothing else."""
    return await do(world.markets[symbol].ctoken, "accrueInterest")


async def liquidate(world: CompoundV2, who: str, borrower: str, debt: str, collateral: str, amount: int) -> Receipt:
    """`who` repays `amount` of the borrower's `debt` and receives cTokens of `collateral`."""
    one = world.markets[debt]
    await pay(world, one, who)
    return await do(
        one.ctoken,
        *liquidation(world, borrower, debt, collateral, amount),
        sender=who,
        value=0 if one.token else amount,
    )


def liquidation(world: CompoundV2, borrower: str, debt: str, collateral: str, amount: int) -> tuple[Any, ...]:
    """The entry point of the market that is repaid and its arguments; a native debt is paid in value, not named."""
    seized = world.markets[collateral].ctoken.address
    native = world.markets[debt].token is None
    return ("liquidateBorrow", borrower, seized) if native else ("liquidateBorrow", borrower, amount, seized)


async def pay(world: CompoundV2, one: CompoundMarket, who: str) -> None:
    """Make `who` able to pay for anything in this market."""
    if one.token is None:
        await world.chain.rpc("anvil_setBalance", who, hex(RICHES))
    else:
        await fund(one.token, who, 10**40, one.ctoken.address)


async def set_price(world: CompoundV2, symbol: str, answer: int) -> Receipt:
    """The oracle's answer in its own integer."""
    return await world.oracle.send("setUnderlyingPrice", world.markets[symbol].ctoken.address, answer)


async def set_model(world: CompoundV2, symbol: str, artifact: Any, *args: Any) -> Contract:
    """Another interest rate model for one market, which is returned."""
    model = await deploy(world.chain, artifact, *args)
    await do(world.markets[symbol].ctoken, "_setInterestRateModel", model.address)
    return model
