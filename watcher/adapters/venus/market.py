"""A Venus pool as everyone sees it: prices, one panel per market, and rates of a year."""

from __future__ import annotations

from watcher.adapter import Curve, Panel, Price
from watcher.adapters.venus.facts import Asset, Paused, Quote, Terms
from watcher.adapters.venus.quote import rate
from watcher.formula.compound.exponential import times
from watcher.formula.compound.rate import earned, points, twice_kinked, utilisation, yearly
from watcher.model import Unit
from watcher.units import RAY, WAD, Raw, Ray

WAD_TO_RAY = RAY // WAD


def prices(terms: Terms, quote: Quote) -> tuple[Price, ...]:
    """The oracle's answers, in dollars per whole token: `answer` has as many decimals as leave 18 for the value."""
    return tuple(
        Price(
            token=asset.token,
            answer=answer,
            unit=Unit("USD", 36 - asset.token.decimals),
            source=terms.oracle,
            description="the comptroller's oracle",
            path=(),
            updated=None,
        )
        for asset, answer in zip(terms.assets, quote.prices, strict=True)
    )


def borrow_rate(terms: Terms, quote: Quote, place: int) -> Ray:
    """Paid by borrowers, a year, simple, at the rate of the stored books; 0 where nobody can be charged."""
    return yearly(quote.rates[place] or 0, terms.assets[place].year)


def supply_rate(terms: Terms, quote: Quote, place: int) -> Ray:
    """Earned by depositors: the borrow rate on what is lent out, less the reserves' share."""
    asset = terms.assets[place]
    used = utilisation(quote.unaccrued().pools[place])
    return yearly(earned(quote.rates[place] or 0, used, asset.reserve_factor), asset.year)


def vai_rate(terms: Terms, quote: Quote) -> Ray:
    """Paid on VAI, a year; 0 where there is none."""
    return yearly(quote.vai.rate, terms.vai.year) if quote.vai and terms.vai else Ray(0)


def curve(asset: Asset) -> Curve:
    """Empty for a model of another make."""
    if asset.curve is not None:
        return Curve(points(asset.curve, asset.year))
    if asset.kinks is None:
        return Curve(())
    kinks = asset.kinks
    at = sorted({0, kinks.kink, kinks.kink2, WAD})
    return Curve(
        tuple((Ray(one * WAD_TO_RAY), yearly(twice_kinked(kinks, one), asset.year)) for one in at if one <= WAD)
    )


def panels(terms: Terms, quote: Quote) -> tuple[Panel, ...]:
    """One per vToken, in the order of the terms. A cap of 0 allows nothing; what is not listed counts as paused."""
    return tuple(_panel(terms, quote, place) for place in range(len(terms.assets)))


def _panel(terms: Terms, quote: Quote, place: int) -> Panel:
    asset, pool = terms.assets[place], quote.pools[place]
    stopped = terms.stopped or not asset.listed
    return Panel(
        token=asset.token,
        supplied=Raw(times(rate(asset, pool), pool.supply)),
        borrowed=Raw(pool.borrows),
        free=Raw(pool.cash),
        utilisation=Ray(utilisation(pool) * WAD_TO_RAY),
        supply_rate=supply_rate(terms, quote, place),
        borrow_rate=borrow_rate(terms, quote, place),
        curve=curve(asset),
        supply_cap=Raw(asset.supply_cap),
        borrow_cap=Raw(asset.borrow_cap),
        paused=stopped or Paused.LIQUIDATE in asset.paused,
        frozen=stopped or (Paused.MINT in asset.paused and Paused.BORROW in asset.paused),
        grace_until=None,
    )
