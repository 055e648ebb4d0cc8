"""The assets that a position holds or owes as their market has them: rates, liquidity, caps and stops, as records and as lines."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.adapter import Panel
from watcher.cli.account.record import Record
from watcher.figures import age, exact, percent, short
from watcher.model import Side, Token, Valuation
from watcher.units import RAY


def of_panel(panel: Panel) -> Record:
    """Amounts in whole tokens, rates yearly and utilisation as fractions of one; `curve` is (utilisation, rate) pairs."""
    token = panel.token
    return {
        "token": token.address,
        "symbol": token.symbol,
        "supplied": exact(panel.supplied, token.decimals),
        "borrowed": exact(panel.borrowed, token.decimals),
        "free_liquidity": exact(panel.free, token.decimals),
        "utilisation": exact(panel.utilisation, 27),
        "supply_rate": exact(panel.supply_rate, 27),
        "borrow_rate": exact(panel.borrow_rate, 27),
        "curve": [[exact(use, 27), exact(rate, 27)] for use, rate in panel.curve.points],
        "supply_cap": cap(panel.supply_cap, token),
        "borrow_cap": cap(panel.borrow_cap, token),
        "paused": panel.paused,
        "frozen": panel.frozen,
        "grace_until": panel.grace_until,
    }


def cap(amount: int | None, token: Token) -> str | None:
    return None if amount is None else exact(amount, token.decimals)


def stops(panel: Panel, seen: Valuation) -> Iterator[str]:
    """What keeps its owner, or a liquidator, from acting on this asset now."""
    symbol, held = panel.token.symbol, {leg.side: leg.amount for leg in seen.legs if leg.token == panel.token}
    if panel.paused:
        yield f"{symbol} is paused: no deposit, withdrawal, loan, repayment or liquidation"
    if panel.frozen:
        yield f"{symbol} is frozen: no new deposits or loans"
    if panel.grace_until is not None and panel.grace_until >= seen.at.timestamp:
        yield f"{symbol} is in a grace period: no liquidation for {age(panel.grace_until - seen.at.timestamp)}"
    lent = held.get(Side.DEPOSIT, 0) + held.get(Side.COLLATERAL, 0)
    if lent > panel.free:
        free = short(panel.free, panel.token.decimals, 4)
        yield f"{symbol}: only {free} can be withdrawn now (utilisation {percent(panel.utilisation, RAY, up=True)})"
