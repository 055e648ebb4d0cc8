"""What an account is worth to a comptroller, to the last unit: its two sums, the legs behind them, and who could liquidate it."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.adapters.compound_v2.account import Part, parts, rate_of
from watcher.adapters.compound_v2.facts import Entry, Holding, Listing, Quote, State, Terms
from watcher.errors import AnswerError, Overflow
from watcher.formula.compound import liquidity
from watcher.formula.compound.rate import earned, utilisation, yearly
from watcher.model import Blocked, Doubt, DoubtKind, Leg, Line, Side, Valuation
from watcher.oracle import feed
from watcher.units import WAD, Raw, Ray, Wad, mul_div_down


def value(terms: Terms, quote: Quote, holding: Holding) -> Valuation:
    """`getAccountLiquidity` on the books of the quote's moment, whichever of them were accrued. Values and weights are wads.

    Health is the first sum over the second, a wad rounded down; liquidatable below it, strictly, and whoever owes anything in a
    deprecated market. `MissingPrice` where the comptroller finds no price in a market that was entered, `Overflow` where its arithmetic
    ends; cTokens in markets not entered are looked at by nobody, and one without a price is left out with a doubt.
    """
    seen = tuple(parts(terms, quote, holding))
    weighted, owing = sum(part.weighted for part in seen), sum(part.owed for part in seen)
    legs = [leg for part in seen for leg in _legs(quote, part)]
    idle = tuple(_idle(terms, quote, holding))
    collateral = sum(leg.value for leg in legs if leg.side is Side.COLLATERAL)
    average = mul_div_down(weighted, WAD, collateral) if collateral else 0
    free = any(part.listing.deprecated and part.debt for part in seen)
    return Valuation(
        key=holding.key,
        at=quote.moment,
        unit=terms.unit,
        scale=WAD,
        legs=(*legs, *(leg for _, leg in idle if leg)),
        collateral=collateral,
        debt=owing,
        available=max(0, weighted - owing),
        threshold=average,
        ltv=average,
        line=Line(weighted, owing, terms.unit),
        health=Wad(mul_div_down(weighted, WAD, owing)) if owing else None,
        liquidatable=weighted < owing or free,
        blocked=_blocked(terms, holding) if owing else None,
        doubts=_doubts(terms, quote, seen, idle),
    )


def borrow_rate(listing: Listing, state: State) -> Ray:
    """Paid by borrowers, a year of the model's own length, simple: as the model answers for the stored books."""
    return yearly(state.rate or 0, listing.year)


def supply_rate(listing: Listing, state: State) -> Ray:
    """Nothing where reserves exceed the rest of the books: the model reverts, and no interest can be accrued."""
    try:
        used = utilisation(state.stored)
    except Overflow:
        return Ray(0)
    return yearly(earned(state.rate or 0, used, listing.reserve_factor), listing.year)


def _legs(quote: Quote, part: Part) -> Iterator[Leg]:
    listing, state = part.listing, quote.states[part.listing.id]
    if part.supplied:
        worth = liquidity.value(part.rate, part.price, part.entry.tokens)
        side = Side.COLLATERAL if listing.factor else Side.DEPOSIT
        rate = supply_rate(listing, state)
        yield Leg(listing.token, side, Raw(part.supplied), worth, listing.factor, listing.factor, rate)
    if part.debt:
        yield Leg(listing.token, Side.DEBT, Raw(part.debt), part.owed, 0, 0, borrow_rate(listing, state))


def _idle(terms: Terms, quote: Quote, holding: Holding) -> Iterator[tuple[Listing, Leg | None]]:
    """cTokens in markets that were not entered; None without a price or an exchange rate: what nobody reads makes nobody unknown."""
    for entry in holding.entries:
        if entry.tokens and not holding.counts(entry.id):
            listing, price = terms.listings[entry.id], quote.prices[entry.id]
            try:
                yield listing, None if price is None else _unused(quote, listing, entry, price)
            except AnswerError:
                yield listing, None


def _unused(quote: Quote, listing: Listing, entry: Entry, price: int) -> Leg:
    state = quote.states[listing.id]
    rate = rate_of(state)
    amount = Raw(liquidity.underlying(rate, entry.tokens))
    worth = liquidity.value(rate, price, entry.tokens)
    return Leg(listing.token, Side.DEPOSIT, amount, worth, 0, 0, supply_rate(listing, state))


def _blocked(terms: Terms, holding: Holding) -> Blocked | None:
    """A pause of seizures holds every pair. Any cToken can be seized, of markets not entered too."""
    if not any(entry.tokens for entry in holding.entries):
        return Blocked.EMPTY
    return Blocked.PAUSED if terms.words.head.seize_paused else None


def _doubts(
    terms: Terms, quote: Quote, seen: tuple[Part, ...], idle: tuple[tuple[Listing, Leg | None], ...]
) -> tuple[Doubt, ...]:
    now = quote.moment.timestamp
    found = [doubt for part in seen for doubt in doubts(terms, quote, part.listing, now)]
    for listing, leg in idle:
        if leg is None:
            text = f"{listing.token.symbol}, not entered as collateral, has no price or exchange rate and is not listed"
            found.append(Doubt(DoubtKind.UNPRICED, text))
    return tuple(found)


def doubts(terms: Terms, quote: Quote, listing: Listing, now: int | None) -> tuple[Doubt, ...]:
    """Of a market's price, where the oracle says what it reads."""
    for known, pulse in zip(terms.feeds, quote.pulses, strict=True):
        if known.source == listing.feed:
            return feed.doubts(listing.token.symbol, pulse, now)
    return ()
