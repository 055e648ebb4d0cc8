"""Interest up to a moment, and the rates that apply at it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from watcher.adapter import Accrued, Curve, Panel, Which
from watcher.adapters.compound_v3.facts import SUPPLY, WITHDRAW, Asset, Quote, Stored, Terms
from watcher.formula import comet
from watcher.formula.comet import accrued, present, utilisation
from watcher.model import Moment
from watcher.units import RAY, WAD, YEAR, Raw, Ray, checked

WAD_TO_RAY: Final = RAY // WAD


def accrue(terms: Terms, quote: Quote, at: Moment, which: Accrued) -> Quote:
    """`Comet.accrueInternal` at `at`; a set accrues when it names base.

    Unaccrued is what `isLiquidatable` sees, accrued what `absorb` does. `Overflow` for a moment before the last update, as in the contract.
    """
    touched = terms.base.address in which if isinstance(which, frozenset) else which is Which.ALL
    quote = quote.unaccrued()
    elapsed = checked(at.timestamp - quote.updated)
    if not touched or elapsed == 0:
        return replace(quote, at=at)
    totals = accrued(quote.totals, terms.supply, terms.borrow, elapsed)
    return replace(quote, totals=totals, updated=at.timestamp, at=at, stored=Stored(quote.totals, quote.updated))


def yearly(per_second: int) -> Ray:
    """A wad per second as a simple yearly ray."""
    return Ray(per_second * YEAR * WAD_TO_RAY)


def borrow_rate(terms: Terms, quote: Quote) -> Ray:
    """Paid by borrowers from the quote's moment on, a year, simple."""
    return yearly(comet.rate(terms.borrow, utilisation(quote.totals)))


def supply_rate(terms: Terms, quote: Quote) -> Ray:
    """Earned by lenders: a curve of its own, not a share of what borrowers pay."""
    return yearly(comet.rate(terms.supply, utilisation(quote.totals)))


def curve(terms: Terms) -> Curve:
    """The borrow rate through nothing, the kink and everything borrowed."""
    points = sorted({0, min(terms.borrow.kink, WAD), WAD})
    return Curve(tuple((Ray(at * WAD_TO_RAY), yearly(comet.rate(terms.borrow, at))) for at in points))


def panels(terms: Terms, quote: Quote) -> tuple[Panel, ...]:
    """Base, then every collateral, which nobody can borrow. Paused is without withdrawals, frozen without supplies."""
    totals = quote.totals
    base = Panel(
        token=terms.base,
        supplied=Raw(present(totals.supplied, totals.supply_index)),
        borrowed=Raw(present(totals.borrowed, totals.borrow_index)),
        free=Raw(quote.cash),
        utilisation=Ray(utilisation(totals) * WAD_TO_RAY),
        supply_rate=supply_rate(terms, quote),
        borrow_rate=borrow_rate(terms, quote),
        curve=curve(terms),
        supply_cap=None,
        borrow_cap=None,
        paused=quote.stops(WITHDRAW),
        frozen=quote.stops(SUPPLY),
        grace_until=None,
    )
    return (base, *(_held(asset, amount, quote) for asset, amount in zip(terms.assets, quote.collateral, strict=True)))


def _held(asset: Asset, amount: int, quote: Quote) -> Panel:
    return Panel(
        token=asset.token,
        supplied=Raw(amount),
        borrowed=Raw(0),
        free=Raw(amount),  # nobody borrows it
        utilisation=Ray(0),
        supply_rate=Ray(0),
        borrow_rate=Ray(0),
        curve=Curve(()),
        supply_cap=Raw(asset.cap),
        borrow_cap=None,
        paused=quote.stops(WITHDRAW),
        frozen=quote.stops(SUPPLY),
        grace_until=None,
    )
