"""What only Aave V2 can do, beside the verbs of `aave_actions`, and a crowd of borrowers for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.localchain.aave_actions import STABLE, VARIABLE
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import Receipt, message, receipt, transact
from watcher.localchain.scenario import account, fund
from watcher.units import BPS

ACTIVE: Final = 1 << 56  # in a configuration word
PAIRS: Final = (("WETH", "USDC"), ("WBTC", "DAI"), ("LINK", "USDT"), ("USDC", "WETH"), ("EURS", "DAI"), ("DAI", "USDC"))
PER_BLOCK: Final = 36  # transactions of GAS each
GAS: Final = 1_500_000
SMALLEST, LARGEST = 500, 40_000  # USD of collateral


async def swap_rate(market: AaveMarket, who: str, symbol: str, mode: int) -> Receipt:
    """Turn all debt of that mode into the other one."""
    return await market.pool.send("swapBorrowRateMode", market.reserves[symbol].token.address, mode, sender=who)


async def rebalance(market: AaveMarket, who: str, symbol: str) -> Receipt:
    """Anybody sets an account's stable rate anew, where the reserve is nearly used up and its lenders earn little."""
    return await market.pool.send("rebalanceStableBorrowRate", market.reserves[symbol].token.address, who)


async def pause(market: AaveMarket, paused: bool) -> Receipt:
    """The whole pool."""
    return await market.configurator.send("setPoolPause", paused)


async def freeze(market: AaveMarket, symbol: str, frozen: bool) -> Receipt:
    verb = "freezeReserve" if frozen else "unfreezeReserve"
    return await market.configurator.send(verb, market.reserves[symbol].token.address)


async def switch_off(market: AaveMarket, symbol: str) -> Receipt:
    """A reserve that is not active any more although it is used: the configurator's own function would refuse, so it acts itself."""
    token = market.reserves[symbol].token.address
    (word,) = await market.pool.call("getConfiguration", token)
    data = market.pool.data("setConfiguration", token, word & ~ACTIVE)
    return await transact(market.chain, message(market.configurator.address, market.pool.address, data), "switch off")


async def seed(market: AaveMarket, count: int, *, label: str = "borrower") -> tuple[ChecksumAddress, ...]:
    """Open `count` positions and return their accounts. The same label, the same positions.

    Each has one of `PAIRS` and owes half to all of what its LTV allows; every tenth that owes an asset with a stable rate pays that.
    """
    users = tuple(account(f"{label} {n}") for n in range(count))
    source, payer = random.Random(label), account(f"{label} payer")
    for symbol in dict.fromkeys(supplied for supplied, _ in PAIRS):
        reserve = market.reserves[symbol]
        await fund(reserve.token, payer, 10**12 * 10**reserve.decimals, market.pool.address)
    plans = [_plan(market, user, place, source) for place, user in enumerate(users)]
    pool = market.pool
    await _send(market, [pool.transaction(*plan.deposit, sender=payer, gas=GAS) for plan in plans])
    await _send(market, [pool.transaction(*plan.borrow, sender=plan.user, gas=GAS) for plan in plans])
    return users


@dataclass(frozen=True, slots=True)
class _Plan:
    """`deposit` and `borrow` are functions of the pool with their arguments."""

    user: ChecksumAddress
    deposit: tuple[Any, ...]
    borrow: tuple[Any, ...]


def _plan(market: AaveMarket, user: ChecksumAddress, place: int, source: random.Random) -> _Plan:
    """At the listed prices."""
    supplied, owed = (market.reserves[symbol] for symbol in PAIRS[place % len(PAIRS)])
    worth = source.randint(SMALLEST * 100, LARGEST * 100) * market.dollar // 100
    debt = worth * supplied.asset.ltv * source.randint(BPS // 2, BPS - 10) // BPS**2
    mode = STABLE if owed.asset.stable_rate and source.random() < 0.1 else VARIABLE
    given = worth * 10**supplied.decimals // supplied.asset.price
    taken = debt * 10**owed.decimals // owed.asset.price
    deposit = "deposit", supplied.token.address, given, user, 0
    return _Plan(user, deposit, ("borrow", owed.token.address, taken, mode, 0, user))


async def _send(market: AaveMarket, sent: Sequence[dict[str, str]]) -> None:
    """As many blocks as it takes; `CallReverted` where one of them failed."""
    chain = market.chain
    for start in range(0, len(sent), PER_BLOCK):
        async with chain.one_block():
            hashes = await chain.batch([("eth_sendTransaction", [one]) for one in sent[start : start + PER_BLOCK]])
        for one in hashes:
            await receipt(chain, one, "a crowd's transaction")
