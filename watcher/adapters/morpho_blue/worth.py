"""A position's value and prices, as `Morpho._isHealthy` computes them; the unit is one raw unit of the loan token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eth_typing import ChecksumAddress

from watcher.adapter import Price
from watcher.adapters.morpho_blue import early
from watcher.adapters.morpho_blue.facts import Answer, Holding, Quote, Terms
from watcher.adapters.morpho_blue.interest import borrow_rate, supply_rate
from watcher.adapters.morpho_blue.price import price_of, unit
from watcher.errors import UsageError
from watcher.formula.morpho import max_borrow, quoted_down, room, to_assets_down, to_assets_up
from watcher.model import Doubt, Leg, Line, Side, Unit, Valuation
from watcher.oracle.feed import doubts
from watcher.units import WAD, Raw, Ray, Wad, mul_div_down


def money(terms: Terms) -> ChecksumAddress:
    """The token that values are counted in: its symbol is anybody's choice, its address is not."""
    return terms.loan.address


def supply_shares(terms: Terms, quote: Quote, holding: Holding) -> int:
    """What the position lends, with the fee shares that accrual minted to it when it is the fee recipient's."""
    return holding.supply_shares + (quote.minted if holding.key == terms.recipient else 0)


def limit(terms: Terms, quote: Quote, holding: Holding) -> int:
    """The most that the position may owe. The price is not needed, and not asked for, where neither side holds anything."""
    if not holding.collateral and not holding.borrow_shares:
        return 0
    return max_borrow(holding.collateral, price_of(terms, quote), terms.params.lltv)


def value(terms: Terms, quote: Quote, holding: Holding) -> Valuation:
    """`Morpho._isHealthy` on an accrued quote: liquidatable when ⌊⌊collateral·price/1e36⌋·lltv⌋ < ⌈debt⌉, healthy at equality.

    Health is that limit over the debt, a wad rounded down. The contract asks no price of a position without debt; its collateral still
    cannot be told without one, so `MissingPrice` is raised for it too and it is unknown, not worthless. `Overflow` where the contract's
    product leaves 256 bits.
    """
    borrow = quote.totals.borrow
    debt = to_assets_up(holding.borrow_shares, borrow)
    weighted = limit(terms, quote, holding)
    collateral = quoted_down(holding.collateral, price_of(terms, quote)) if holding.collateral else 0
    lltv = terms.params.lltv if holding.collateral else 0
    lines = early.lines(terms, quote, holding, debt)
    return Valuation(
        key=holding.key,
        at=quote.moment,
        unit=unit(terms),
        scale=WAD,
        legs=tuple(_legs(terms, quote, holding, collateral, debt)),
        collateral=collateral,
        debt=debt,
        available=room(borrow, holding.borrow_shares, weighted),
        threshold=lltv,
        ltv=lltv,
        line=Line(weighted, debt, unit(terms)),
        health=Wad(mul_div_down(weighted, WAD, debt)) if debt else None,
        liquidatable=weighted < debt,
        blocked=None,
        doubts=(*_doubts(terms, quote, holding), *early.doubts(lines)),
        early=lines,
    )


def _doubts(terms: Terms, quote: Quote, holding: Holding) -> tuple[Doubt, ...]:
    """Of the one price that it hangs on."""
    if terms.collateral is None or not holding.collateral:
        return ()
    return doubts(terms.collateral.symbol, quote.pulse, quote.moment.timestamp)


def _legs(terms: Terms, quote: Quote, holding: Holding, collateral: int, debt: int) -> list[Leg]:
    lltv = terms.params.lltv
    legs = []
    if holding.collateral and terms.collateral is not None:
        legs.append(
            Leg(terms.collateral, Side.COLLATERAL, Raw(holding.collateral), collateral, lltv, lltv, Ray(0)),
        )
    lent = to_assets_down(supply_shares(terms, quote, holding), quote.totals.supply)
    if lent:
        legs.append(Leg(terms.loan, Side.DEPOSIT, Raw(lent), lent, 0, 0, supply_rate(terms, quote)))
    if debt:
        legs.append(Leg(terms.loan, Side.DEBT, Raw(debt), debt, 0, 0, borrow_rate(terms, quote)))
    return legs


def prices(terms: Terms, quote: Quote) -> tuple[Price, ...]:
    """The collateral in loan tokens; nothing in an idle market. The unit makes `answer` the price of one whole collateral token."""
    if terms.collateral is None:
        return ()
    parts = [(source.role, source.feed) for source in terms.sources]
    now = quote.at.timestamp if quote.at else None
    return (
        Price(
            token=terms.collateral,
            answer=quote.price or None,
            unit=Unit(terms.loan.symbol, 36 + terms.loan.decimals - terms.collateral.decimals),
            source=terms.params.oracle,
            description=", ".join(f"{role} {feed.description}" for role, feed in parts),
            path=tuple(f"{role}: {step}" for role, feed in parts for step in feed.path),
            updated=quote.pulse.updated or None,
            doubts=doubts(terms.collateral.symbol, quote.pulse, now),
        ),
    )


def reprice(terms: Terms, quote: Quote, answers: Mapping[ChecksumAddress, int]) -> Quote:
    """The quote under another oracle answer; an early contract's own oracle is taken to move in proportion.

    `UsageError` for a token other than the collateral: the oracle prices nothing else.
    """
    for token, answer in answers.items():
        if terms.collateral is None or token != terms.collateral.address:
            raise UsageError(f"{token} has no price in {terms.market.name}: only its collateral has")
        own = tuple(_moved(terms, quote, at, answer) for at in range(len(terms.early)))
        quote = replace(quote, price=answer, no_price=None, early=own)
    return quote


def _moved(terms: Terms, quote: Quote, at: int, answer: int) -> Answer:
    """The answer of an early contract's oracle beside a new one of the market's: the same oracle gives the same, another moves as far."""
    known = quote.early[at]
    if terms.early[at].oracle == terms.params.oracle:
        return Answer(answer, None)
    if known.price is None or not quote.price:
        return known
    return Answer(mul_div_down(known.price, answer, quote.price), None)
