"""One verb per thing that somebody does to a local Comet. Amounts are raw units; each is one mined block.

Accounts get the tokens that they need out of nothing. What Comet refuses raises `CallReverted` with its own error.
"""

from __future__ import annotations

from collections.abc import Sequence

from watcher.localchain.comet import LocalComet
from watcher.localchain.contract import Receipt
from watcher.localchain.scenario import fund


async def supply(local: LocalComet, who: str, symbol: str, amount: int) -> Receipt:
    """Collateral; or base, which repays first."""
    await fund(local.tokens[symbol], who, amount, local.comet.address)
    return await local.comet.send("supply", local.tokens[symbol].address, amount, sender=who)


async def withdraw(local: LocalComet, who: str, symbol: str, amount: int) -> Receipt:
    """Collateral; or base, which is borrowed where it is not there."""
    return await local.comet.send("withdraw", local.tokens[symbol].address, amount, sender=who)


async def borrow(local: LocalComet, who: str, amount: int) -> Receipt:
    """What is withdrawn beyond a deposit of base is owed."""
    return await withdraw(local, who, local.plan.base, amount)


async def transfer(local: LocalComet, who: str, to: str, symbol: str, amount: int) -> Receipt:
    return await local.comet.send("transferAsset", to, local.tokens[symbol].address, amount, sender=who)


async def absorb(local: LocalComet, who: str, borrowers: Sequence[str]) -> Receipt:
    """Costs `who` nothing but gas."""
    return await local.comet.send("absorb", who, list(borrowers), sender=who)


async def buy(local: LocalComet, who: str, symbol: str, base: int) -> Receipt:
    """Collateral that was absorbed, at a discount, for so much base."""
    await fund(local.base, who, base, local.comet.address)
    return await local.comet.send("buyCollateral", local.tokens[symbol].address, 0, base, who, sender=who)


async def touch(local: LocalComet, who: str) -> Receipt:
    """Accrue interest and nothing else."""
    return await local.comet.send("accrueAccount", who)
