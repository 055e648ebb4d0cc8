"""One verb per thing that somebody does to a local Aave market, V2, V3.0 or V3.6 alike. Amounts are raw units; each is one mined block.

Accounts get the tokens that they need out of nothing. What the pool refuses raises `CallReverted` with the pool's own error.
"""

from __future__ import annotations

from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_v30 import artifact as v30_artifact
from watcher.localchain.aave_v36 import artifact as v36_artifact
from watcher.localchain.contract import DEPLOYER, Contract, Receipt, deploy
from watcher.localchain.own import own
from watcher.localchain.scenario import fund
from watcher.units import MAX

ALL = MAX  # everything, where the pool understands it: withdraw, repay, liquidate
VARIABLE = 2
STABLE = 1  # V2 and V3.0


async def supply(market: AaveMarket, who: str, symbol: str, amount: int) -> Receipt:
    """The first supply of an ordinary asset enables it as collateral; from V3 not an isolated one, or one with LTV 0."""
    token = market.reserves[symbol].token
    await fund(token, who, amount, market.pool.address)
    return await market.pool.send(market.supplying, token.address, amount, who, 0, sender=who)


async def borrow(market: AaveMarket, who: str, symbol: str, amount: int, rate_mode: int = VARIABLE) -> Receipt:
    token = market.reserves[symbol].token
    return await market.pool.send("borrow", token.address, amount, rate_mode, 0, who, sender=who)


async def repay(market: AaveMarket, who: str, symbol: str, amount: int, rate_mode: int = VARIABLE) -> Receipt:
    """`ALL` repays to the last unit, interest of this very block included."""
    reserve = market.reserves[symbol]
    owed = reserve.stable_debt if rate_mode == STABLE and reserve.stable_debt else reserve.debt
    needed = amount if amount != ALL else 2 * await owed.call("balanceOf", who) + 10**reserve.decimals
    await fund(reserve.token, who, needed, market.pool.address)
    return await market.pool.send("repay", reserve.token.address, amount, rate_mode, who, sender=who)


async def repay_with_receipt(market: AaveMarket, who: str, symbol: str, amount: int) -> Receipt:
    """Repay variable debt by burning the account's own aTokens of the same asset."""
    token = market.reserves[symbol].token
    return await market.pool.send("repayWithATokens", token.address, amount, VARIABLE, sender=who)


async def withdraw(market: AaveMarket, who: str, symbol: str, amount: int) -> Receipt:
    return await market.pool.send("withdraw", market.reserves[symbol].token.address, amount, who, sender=who)


async def transfer_receipt(market: AaveMarket, who: str, to: str, symbol: str, amount: int) -> Receipt:
    """Move aTokens: the receiver has a position that it never opened."""
    return await market.reserves[symbol].receipt.send("transfer", to, amount, sender=who)


async def set_mode(market: AaveMarket, who: str, category: int) -> Receipt:
    """Enter an e-mode; 0 leaves it."""
    return await market.pool.send("setUserEMode", category, sender=who)


async def use_as_collateral(market: AaveMarket, who: str, symbol: str, enabled: bool) -> Receipt:
    token = market.reserves[symbol].token
    return await market.pool.send("setUserUseReserveAsCollateral", token.address, enabled, sender=who)


async def liquidate(
    market: AaveMarket,
    who: str,
    borrower: str,
    collateral: str,
    debt: str,
    amount: int = ALL,
    *,
    keep_receipt: bool = False,
) -> Receipt:
    """`who` repays up to `amount` of the borrower's `debt` and receives `collateral`, as aTokens when `keep_receipt`."""
    await prepare_liquidator(market, who, borrower, debt)
    return await market.pool.send(*liquidation(market, borrower, collateral, debt, amount, keep_receipt), sender=who)


async def prepare_liquidator(market: AaveMarket, who: str, borrower: str, debt: str) -> None:
    """Fund and approve `who`, so that whether the liquidation succeeds is up to the pool alone; also for `eth_call`."""
    reserve = market.reserves[debt]
    owed = await reserve.debt.call("balanceOf", borrower)
    if reserve.stable_debt is not None:
        owed += await reserve.stable_debt.call("balanceOf", borrower)
    await fund(reserve.token, who, 2 * owed + 10**reserve.decimals, market.pool.address)


def liquidation(
    market: AaveMarket, borrower: str, collateral: str, debt: str, amount: int = ALL, keep_receipt: bool = False
) -> tuple[str, str, str, str, int, bool]:
    """The pool's liquidation entry point and its arguments, for `call` and `send`."""
    seized, repaid = market.reserves[collateral].token.address, market.reserves[debt].token.address
    return ("liquidationCall", seized, repaid, borrower, amount, keep_receipt)


async def set_thresholds(market: AaveMarket, symbol: str, ltv: int, threshold: int, bonus: int) -> Receipt:
    """Base LTV, liquidation threshold and bonus in basis points, through the configurator with its own checks."""
    token = market.reserves[symbol].token
    return await market.configurator.send("configureReserveAsCollateral", token.address, ltv, threshold, bonus)


async def pause(market: AaveMarket, symbol: str, paused: bool, grace: int = 0) -> Receipt:
    """Pause or unpause one reserve. `grace` (V3.6, seconds) keeps liquidations off for that long after unpausing."""
    token = market.reserves[symbol].token.address
    if market.version == "3.0":
        return await market.configurator.send("setReservePause", token, paused)
    return await market.configurator.send("setReservePause(address,bool,uint40)", token, paused, grace)


async def freeze(market: AaveMarket, symbol: str, frozen: bool) -> Receipt:
    return await market.configurator.send("setReserveFreeze", market.reserves[symbol].token.address, frozen)


async def install_sentinel(market: AaveMarket, grace: int) -> Contract:
    """Give the market a price-oracle sentinel over a settable sequencer feed, which is returned. See `scenario.set_sequencer`."""
    feed = await deploy(market.chain, own("Feed"), 0, "L2 sequencer", 0)
    artifact = (v30_artifact if market.version == "3.0" else v36_artifact)("PriceOracleSentinel")
    sentinel = await deploy(market.chain, artifact, market.provider.address, feed.address, grace)
    await market.provider.send("setPriceOracleSentinel", sentinel.address, sender=DEPLOYER)
    return feed
