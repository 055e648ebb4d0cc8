"""Interest up to a moment, and the rates that apply at it."""

from __future__ import annotations

from dataclasses import replace

from watcher.adapter import Accrued, Curve, Panel, Which
from watcher.adapters.morpho_blue.facts import Model, Quote, Stored, Terms
from watcher.errors import AnswerError
from watcher.formula import adaptive_curve
from watcher.formula.adaptive_curve import Rates, utilisation
from watcher.formula.morpho import with_interest
from watcher.model import Moment
from watcher.units import RAY, WAD, YEAR, Raw, Ray, checked, mul_div_down

WAD_TO_RAY = RAY // WAD


def accrue(terms: Terms, quote: Quote, at: Moment, which: Accrued) -> Quote:
    """`Morpho._accrueInterest` at `at`, fee shares included; a set accrues when it names the loan token.

    `Overflow` for a moment before the last update, as in the contract. `AnswerError` where the model is neither the adaptive curve
    nor fixed and the moment is not the one whose rate was read: nobody can tell that interest.
    """
    touched = terms.loan.address in which if isinstance(which, frozenset) else which is Which.ALL
    quote = quote.unaccrued()
    stored = Stored(quote.totals, quote.last_update, quote.at_target, quote.minted)
    elapsed = checked(at.timestamp - quote.last_update)
    if not touched or elapsed == 0:
        return replace(quote, at=at)
    if terms.model is Model.NONE:
        return replace(quote, at=at, last_update=at.timestamp, stored=stored)
    rates = _charged(terms, quote, at.timestamp)
    interest = with_interest(quote.totals, rates.average, elapsed, quote.fee)
    return replace(
        quote,
        totals=interest.totals,
        minted=quote.minted + interest.fee_shares,
        at_target=rates.at_target,
        last_update=at.timestamp,
        at=at,
        stored=stored,
    )


def _charged(terms: Terms, quote: Quote, timestamp: int) -> Rates:
    borrow, supply = quote.totals.borrow, quote.totals.supply
    if terms.model is Model.ADAPTIVE:
        used = utilisation(borrow.assets, supply.assets)
        return adaptive_curve.rates(used, quote.at_target, timestamp - quote.last_update)
    if borrow.assets == 0:
        return Rates(0, 0)  # nothing earns interest, whatever the rate
    if quote.rate is None:
        raise AnswerError(f"the interest rate model {terms.params.irm} answers no rate")
    if terms.model is not Model.FIXED and quote.rate_at != timestamp:
        raise AnswerError(
            f"the interest rate model {terms.params.irm} is one that cannot be foretold: its rate is known for the block that was read only"
        )
    return Rates(quote.rate, 0)


def borrow_rate(terms: Terms, quote: Quote) -> Ray:
    """Paid by borrowers, a year, simple. What `borrowRateView` answers at the quote's moment.

    On accrued totals that is the curve as it stands; on stale ones the average since the last update.
    """
    if terms.model is Model.NONE:
        return Ray(0)
    if terms.model in (Model.OTHER, Model.FIXED):
        if quote.rate is None:
            raise AnswerError(f"the interest rate model {terms.params.irm} answers no rate")
        return Ray(quote.rate * YEAR * WAD_TO_RAY)
    elapsed = checked(quote.moment.timestamp - quote.last_update)
    used = utilisation(quote.totals.borrow.assets, quote.totals.supply.assets)
    return Ray(adaptive_curve.rates(used, quote.at_target, elapsed).average * YEAR * WAD_TO_RAY)


def used(quote: Quote) -> Ray:
    """Borrowed over supplied assets, rounded down."""
    supplied = quote.totals.supply.assets
    return Ray(mul_div_down(quote.totals.borrow.assets, RAY, supplied) if supplied else 0)


def supply_rate(terms: Terms, quote: Quote) -> Ray:
    """Earned by lenders, a year, simple: the borrow rate on the part that is lent out, less the protocol's fee."""
    return Ray(mul_div_down(mul_div_down(borrow_rate(terms, quote), used(quote), RAY), WAD - quote.fee, WAD))


def curve(terms: Terms, quote: Quote) -> Curve:
    """The adaptive curve through nothing, the target and everything borrowed, at the present rate at target.

    Flat without a model or with a fixed one.
    """
    if terms.model is Model.OTHER:
        return Curve(())
    if terms.model in (Model.NONE, Model.FIXED):
        rate = borrow_rate(terms, quote)
        return Curve(((Ray(0), rate), (Ray(RAY), rate)))
    at_target = quote.at_target or adaptive_curve.INITIAL
    return Curve(
        tuple(
            (
                Ray(at * WAD_TO_RAY),
                Ray(adaptive_curve.curve(at_target, adaptive_curve.distance(at)) * YEAR * WAD_TO_RAY),
            )
            for at in (0, adaptive_curve.TARGET, WAD)
        )
    )


def panels(terms: Terms, quote: Quote) -> tuple[Panel, ...]:
    """The loan token; Morpho keeps no total of the collateral. There are no caps and no pause."""
    supply, borrow = quote.totals.supply, quote.totals.borrow
    return (
        Panel(
            token=terms.loan,
            supplied=Raw(supply.assets),
            borrowed=Raw(borrow.assets),
            free=Raw(supply.assets - borrow.assets),
            utilisation=used(quote),
            supply_rate=supply_rate(terms, quote),
            borrow_rate=borrow_rate(terms, quote),
            curve=curve(terms, quote),
            supply_cap=None,
            borrow_cap=None,
            paused=False,
            frozen=False,
            grace_until=None,
        ),
    )
