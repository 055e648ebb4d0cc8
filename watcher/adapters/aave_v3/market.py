"""An Aave V3 pool as everyone sees it: prices with what stands behind them, and one panel per reserve."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.adapter import Curve, Panel, Price
from watcher.adapters.aave_v3.facts import Quote, Reserve, State, Terms
from watcher.adapters.aave_v3.seat import now
from watcher.formula.aave import interest, token
from watcher.formula.aave.rate import utilisation
from watcher.formula.aave.version import Version
from watcher.oracle import feed
from watcher.units import Raw, checked


def prices(terms: Terms, quote: Quote) -> tuple[Price, ...]:
    """The oracle's answers for every reserve and every e-mode price source, in base currency per whole token."""
    behind = {known.source: (known, pulse) for known, pulse in zip(terms.feeds, quote.pulses, strict=True)}
    moment = quote.at.timestamp if quote.at else None
    found = []
    for asset, source, answer in zip(terms.assets, terms.sources, quote.prices, strict=True):
        known, pulse = behind.get(source, (None, None))
        found.append(
            Price(
                token=asset,
                answer=answer,
                unit=terms.unit,
                source=source,
                description=known.description if known else "fallback oracle",
                path=known.path if known else (),
                updated=(pulse.updated or None) if pulse else None,
                doubts=feed.doubts(asset.symbol, pulse, moment),
            )
        )
    return tuple(found)


def stable_total(version: Version, state: State, timestamp: int) -> int:
    """All stable debt of a reserve at a time, by its average rate, half up (StableDebtToken._calcTotalSupply)."""
    if state.stable_principal == 0:
        return 0
    grown = interest.compounded(version, state.stable_rate, checked(timestamp - state.stable_updated))
    return token.debt(version, state.stable_principal, grown)


def panels(terms: Terms, quote: Quote) -> tuple[Panel, ...]:
    """One panel per reserve, in the order of ids; rates are those stored by the last change, as the pool pays them."""
    return tuple(_panels(terms, quote))


def _panels(terms: Terms, quote: Quote) -> Iterator[Panel]:
    moment = now(quote).timestamp
    for reserve, state in zip(terms.reserves, quote.states, strict=True):
        borrowed = token.debt(terms.version, state.debts, state.owed) + stable_total(terms.version, state, moment)
        yield Panel(
            token=reserve.token,
            supplied=Raw(token.deposit(terms.version, state.deposits, state.income)),
            borrowed=Raw(borrowed),
            free=state.free,
            utilisation=utilisation(borrowed, state.free),
            supply_rate=state.rate,
            borrow_rate=state.debt_rate,
            curve=Curve(reserve.strategy.points if reserve.strategy else ()),
            supply_cap=_cap(reserve, reserve.rules.supply_cap),
            borrow_cap=_cap(reserve, reserve.rules.borrow_cap),
            paused=reserve.rules.paused or not reserve.rules.active,
            frozen=reserve.rules.frozen,
            grace_until=reserve.grace_until or None,
        )


def _cap(reserve: Reserve, tokens: int) -> Raw | None:
    return Raw(tokens * reserve.unit) if tokens else None
