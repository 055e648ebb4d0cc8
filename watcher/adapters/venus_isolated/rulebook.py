"""How an isolated pool liquidates, in words and numbers, and what holds it up now."""

from __future__ import annotations

from watcher.adapter import Clause, Rulebook, Weight
from watcher.adapters.venus_isolated.facts import Deed, Quote, Terms
from watcher.figures import exact
from watcher.units import WAD


def rulebook(terms: Terms) -> Rulebook:
    """The clauses of `Comptroller.preLiquidateHook`, `liquidateAccount` and `healAccount`. The protocol's share of what is seized,
    seize share over incentive, is told as that of the bonus.
    """
    minimum = f"{exact(terms.minimum, 18)} USD"
    forced = [vtoken.token.symbol for vtoken in terms.vtokens if vtoken.forced]
    clauses = (
        Clause(
            "line",
            "liquidatable when the debts are worth more than collateral times its liquidation threshold; healthy at equality; only "
            "markets that the account has entered count",
        ),
        Clause("borrowing", "limited by the collateral factor, which is at most the liquidation threshold"),
        Clause(
            "interest",
            "a liquidator brings only the market repaid and the market seized up to date; the comptroller's own view accrues nothing",
        ),
        Clause("close factor", f"{exact(100 * terms.close_factor, 18)} % of one debt in one call"),
        Clause(
            "small accounts",
            f"at or below {minimum} of collateral no pair can be liquidated: all debt is repaid in one call (liquidateAccount), or, where "
            "the collateral does not cover it with the incentive, all collateral is taken for what it covers (healAccount)",
        ),
        Clause(
            "bad debt", "what healing leaves unpaid is written off at the suppliers' cost, until an auction recovers it"
        ),
        Clause("bonus", f"{exact(100 * (terms.incentive - WAD), 18)} % over what is repaid; paid in vTokens"),
        Clause("fee", "of what is seized a share, measured by what was repaid, is redeemed for the protocol at once"),
        Clause("forced", f"without a shortfall, all of the debt at once: {', '.join(forced) or 'no debts now'}"),
        Clause("pause", "by asset: liquidate and repay of the debt, seize of the collateral"),
        Clause(
            "price",
            "the resilient oracle's, updated first; where it reverts for one entered asset nobody can act on the account",
        ),
    )
    return Rulebook(clauses, tuple(_weights(terms)), WAD)


def _weights(terms: Terms) -> list[Weight]:
    bonus = terms.incentive - WAD
    return [
        Weight(one.token, 0, one.factor, one.threshold, terms.incentive, one.seize_share * WAD // bonus if bonus else 0)
        for one in terms.vtokens
        if one.threshold
    ]


def stops(terms: Terms, quote: Quote) -> tuple[str, ...]:
    """Assets whose debts nobody can liquidate now, and those without a price."""
    found = []
    for place, vtoken in enumerate(terms.vtokens):
        symbol = vtoken.token.symbol
        found += [f"{deed.name.lower()} of {symbol} is paused" for deed in _STOPS if vtoken.stopped(deed)]
        if not quote.prices[place]:
            found.append(f"{symbol} has no price: {quote.reasons[place]}")
    return tuple(found)


_STOPS = (Deed.LIQUIDATE, Deed.REPAY, Deed.SEIZE)
