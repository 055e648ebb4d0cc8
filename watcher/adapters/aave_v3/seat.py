"""A reserve as the accounts in one e-mode find it under one quote: looked up once and remembered, since a whole market asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watcher.adapters.aave_v3.facts import Category, Quote, Reserve, Terms
from watcher.adapters.aave_v3.remembered import Remembered
from watcher.errors import MissingPrice
from watcher.formula.aave.rounding import rounding
from watcher.formula.aave.version import Version
from watcher.model import Doubt, Moment, Token
from watcher.oracle import feed
from watcher.oracle.feed import Pulse
from watcher.units import Ray


def now(quote: Quote) -> Moment:
    """The moment that a quote was accrued to. A quote as it was read has none: a bug of the caller."""
    if quote.at is None:
        raise ValueError("the quote has not been accrued to a moment")
    return quote.at


def applied(version: Version, reserve: Reserve, category: Category | None) -> tuple[int, int, int]:
    """(threshold, loan-to-value, bonus) of a reserve for an account in that e-mode, in basis points.

    A category that holds the reserve replaces its threshold and bonus. Loan-to-value: until 3.5 a base value of 0 stays 0 in e-mode; from
    3.6 the category's `ltv_zero` bitmap decides, and from 3.7 an isolated category leaves 0 to everything outside it.
    """
    rules = reserve.rules
    inside = category is not None and bool(category.collateral >> reserve.id & 1)
    if category is None or not inside:
        alone = version >= Version.V3_7 and category is not None and category.isolated
        return rules.threshold, 0 if alone else rules.ltv, rules.bonus
    barred = category.ltv_zero >> reserve.id & 1 if version >= Version.V3_6 else rules.ltv == 0
    return category.threshold, 0 if barred else category.ltv, category.bonus


def counts(version: Version, reserve: Reserve) -> bool:
    """Whether the flag makes it collateral: until 3.5 a base threshold of 0 leaves it out, in e-mode too."""
    return version >= Version.V3_6 or reserve.rules.threshold != 0


def answered(terms: Terms, quote: Quote, place: int) -> int:
    """The oracle's answer for the asset at that place of the terms; `MissingPrice` where the contract would revert or read nothing."""
    answer = quote.prices[place]
    if answer is None:
        asset = terms.assets[place]
        raise MissingPrice(asset.address, f"the oracle of {terms.market.name} does not answer for {asset.symbol}")
    return answer


def shared_price(terms: Terms, quote: Quote, category: Category | None) -> int | None:
    """The price that an e-mode puts in place of its assets' own, until 3.1; None where the category has no source."""
    if category is None or category.price_source is None:
        return None
    return answered(terms, quote, terms.place(category.price_source))


@dataclass(frozen=True, slots=True)
class Seat:
    """`answer` is what the contract values the reserve at: the e-mode's own price, or the asset's at `place`; None where it is missing.

    `counts` says that the collateral flag is worth something here. Threshold and loan-to-value are basis points.
    """

    reserve: Reserve
    token: Token
    place: int  # in the terms
    income: Ray  # the deposit index
    owed: Ray  # the debt index
    rate: Ray
    debt_rate: Ray
    unit: int
    answer: int | None
    threshold: int
    ltv: int
    counts: bool
    discounted: bool  # 3.3: the debt token gives a discount, which nothing here tells
    barred: bool  # something of the reserve's own may block a liquidation
    doubts: tuple[Doubt, ...]  # of the asset's price


class Seats(dict[int, Seat | None]):
    """By reserve id, made when first asked for; None for an id that no reserve has."""

    def __init__(self, terms: Terms, quote: Quote, mode: int) -> None:
        super().__init__()
        self.at, self.rounds = now(quote), rounding(terms.version)
        self._terms, self._quote = terms, quote
        self._category = terms.category(mode)
        # The contract reads the e-mode's price first, even if no reserve uses it.
        self._shared = shared_price(terms, quote, self._category)
        self._places = _places(terms)

    def __missing__(self, id: int) -> Seat | None:
        place = self._places.get(id)
        self[id] = seat = None if place is None else self._seat(place)
        return seat

    def _seat(self, place: int) -> Seat:
        terms, quote, category = self._terms, self._quote, self._category
        reserve = terms.reserves[place]
        threshold, ltv, _ = applied(terms.version, reserve, category)
        shared = self._shared if category is not None and category.collateral >> reserve.id & 1 else None
        rules, state, moment = reserve.rules, quote.states[place], now(quote).timestamp
        return Seat(
            reserve=reserve,
            token=reserve.token,
            place=place,
            income=state.income,
            owed=state.owed,
            rate=state.rate,
            debt_rate=state.debt_rate,
            unit=reserve.unit,
            answer=quote.prices[place] if shared is None else shared,
            threshold=threshold,
            ltv=ltv,
            counts=counts(terms.version, reserve),
            discounted=terms.version is Version.V3_3 and not rules.accounted,
            barred=rules.paused or not rules.active or reserve.grace_until >= moment,
            doubts=feed.doubts(reserve.token.symbol, _pulse(terms, quote, place), moment),
        )


def _pulse(terms: Terms, quote: Quote, place: int) -> Pulse | None:
    source = terms.sources[place]
    known = zip(terms.feeds, quote.pulses, strict=True)
    return next((pulse for feed, pulse in known if feed.source == source), None)


def _by_id(terms: Terms) -> dict[int, int]:
    return {reserve.id: place for place, reserve in enumerate(terms.reserves)}


def _by_quote(_: Terms) -> Remembered[Quote, dict[int, Seats]]:
    return Remembered(lambda _: {}, most=4)


_places: Final = Remembered(_by_id)
_quotes: Final = Remembered(_by_quote)


_latest: tuple[Terms | None, Quote | None, dict[int, Seats]] = (None, None, {})


def seats(terms: Terms, quote: Quote, mode: int) -> Seats:
    """The seats of an e-mode. `AnswerError` for one that the terms do not know; `MissingPrice` where its own price is missing."""
    global _latest
    rules, stored, modes = _latest  # one reference, so that threads see one pair
    if rules is not terms or stored is not quote:
        modes = _quotes(terms)(quote)
        _latest = terms, quote, modes
    found = modes.get(mode)
    if found is None:
        found = modes[mode] = Seats(terms, quote, mode)
    return found
