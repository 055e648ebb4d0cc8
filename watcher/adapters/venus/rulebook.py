"""How Venus liquidates, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.adapter import Clause, Rulebook, Weight
from watcher.adapters.venus.facts import Paused, Quote, Terms
from watcher.figures import exact
from watcher.formula.compound.pool import HIGHEST_RATE
from watcher.units import WAD


def rulebook(terms: Terms) -> Rulebook:
    """The clauses that the comptroller's code holds to now, and what every market counts for in every pool."""
    return Rulebook(tuple(_clauses(terms)), tuple(weights(terms)), WAD)


def weights(terms: Terms) -> Iterator[Weight]:
    """Of the core pool, then of the e-mode pools that can be entered."""
    for asset in terms.assets:
        core = asset.core
        if core.factor or core.threshold:
            yield Weight(asset.token, 0, core.factor, core.threshold, core.incentive, 0)
    for category in terms.categories:
        for place, known in category.members if category.active else ():
            yield Weight(terms.assets[place].token, category.id, known.factor, known.threshold, known.incentive, 0)


def _clauses(terms: Terms) -> Iterator[Clause]:
    yield Clause(
        "line",
        "liquidatable when the debts are worth more than collateral times its liquidation threshold; healthy at equality; only markets "
        "that the account has entered count. Borrowing is limited by the collateral factor, which is lower, and by bounds of the price",
    )
    yield Clause(
        "interest",
        "counted by blocks; a liquidator brings only the market repaid and the market seized up to date, all others stay as they were last "
        "touched: one pair may be open while another is not, and the comptroller's own views accrue nothing",
    )
    for category in terms.categories:
        rest = "those of the core pool" if category.fallback else "nothing"
        state = "" if category.active else "; inactive: its accounts stand as in the core pool"
        text = f"pool {category.id}, {category.label}: own weights; other markets count for {rest} there{state}"
        yield Clause("e-mode", text)
    if terms.vai is not None:
        yield Clause(
            "VAI",
            "minted VAI and its interest are debts of one dollar each, whatever VAI trades at; liquidated at the core pool's incentive",
        )
    yield Clause("close factor", f"{exact(100 * terms.close_factor, 18)} % of one debt in one call")
    yield Clause("forced", _forced(terms))
    if terms.liquidator is not None:
        yield Clause("liquidator", f"only {terms.liquidator} may liquidate: others go through it, on its terms")
    yield Clause("dust", "no rule: a liquidation may leave any remainder")
    yield Clause("bad debt", "what is still owed when nothing is left to seize stays with the account")
    yield Clause("bonus", "the incentive of the market seized over what is repaid; paid in vTokens, without a fee")
    yield Clause("pause", "liquidations of a debt, seizures of a collateral, repayments, or the whole protocol")
    yield Clause("price", "the oracle's answer; where it has none nobody who holds or owes anything of it can act")


def _forced(terms: Terms) -> str:
    names = [asset.token.symbol for asset in terms.assets if asset.forced]
    names += [terms.vai.token.symbol] if terms.vai is not None and terms.vai.forced else []
    now = f"; now for everybody: {', '.join(names)}" if names else ""
    return f"a debt, everybody's or one account's, may be opened to liquidation in full without a shortfall{now}"


def stops(terms: Terms, quote: Quote) -> tuple[str, ...]:
    """What holds the whole protocol, or one of its markets, up now."""
    found = ["the whole protocol is paused"] if terms.stopped else []
    for asset, rate in zip(terms.assets, quote.rates, strict=True):
        symbol = asset.token.symbol
        if Paused.LIQUIDATE in asset.paused:
            found.append(f"debts of {symbol} cannot be liquidated")
        if Paused.SEIZE in asset.paused:
            found.append(f"{symbol} cannot be seized")
        if rate is None or rate > HIGHEST_RATE:
            found.append(f"{symbol} cannot accrue interest: nothing can be done in it")
    return tuple(found)
