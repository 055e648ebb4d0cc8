"""What an account is worth to Venus, to the last unit: legs, the two sides of its line, and what would block a liquidation."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.adapters.venus.account import factor_sums, factors, holds, minted, owing, price_of, threshold_sums
from watcher.adapters.venus.facts import USD, Entry, Holding, Paused, Quote, Terms
from watcher.adapters.venus.market import borrow_rate, supply_rate, vai_rate
from watcher.adapters.venus.quote import rate
from watcher.errors import MissingPrice
from watcher.formula.compound.exponential import times
from watcher.formula.compound.liquidity import debt
from watcher.formula.compound.liquidity import value as worth
from watcher.model import Blocked, Doubt, DoubtKind, Leg, Line, Side, Valuation
from watcher.units import MAX, WAD, Raw, Wad, mul_div_down


def value(terms: Terms, quote: Quote, holding: Holding) -> Valuation:
    """Liquidatable with a shortfall by thresholds, or, without one, where the liquidation of a debt is forced.

    Health is the weighted collateral over the debt, a wad rounded down: Venus compares the two and has no such figure. `available` is
    the borrowing power that is left, by factors and the bounds of prices; nothing where those cannot be told, for then nobody borrows.
    """
    line = threshold_sums(terms, quote, holding)
    legs = tuple(_legs(terms, quote, holding))
    held = sum(leg.value for leg in legs if leg.side is Side.COLLATERAL)
    lent = sum(leg.value * leg.ltv for leg in legs if leg.side is Side.COLLATERAL)
    owes = line.debt > 0
    return Valuation(
        key=holding.key,
        at=quote.moment,
        unit=USD,
        scale=WAD,
        legs=legs,
        collateral=held,
        debt=line.debt,
        available=_available(terms, quote, holding),
        threshold=line.weighted * WAD // held if held else 0,
        ltv=lent // held if held else 0,
        line=Line(line.weighted, line.debt, USD),
        health=Wad(mul_div_down(line.weighted, WAD, line.debt)) if owes else None,
        liquidatable=line.shortfall > 0 or forced(terms, quote, holding),
        blocked=_blocked(terms, quote, holding) if owes else None,
        doubts=tuple(_doubts(terms, quote, holding)),
    )


def forced(terms: Terms, quote: Quote, holding: Holding) -> bool:
    """Whether some debt of it may be liquidated although there is no shortfall."""
    debts = (entry for entry in holding.entries if owing(quote, entry))
    vai = holding.vai is not None and terms.vai is not None and (terms.vai.forced or holding.vai.forced)
    return any(entry.forced or terms.assets[entry.place].forced for entry in debts) or (
        vai and minted(quote, holding.vai) > 0
    )


def _available(terms: Terms, quote: Quote, holding: Holding) -> int:
    try:
        return factor_sums(terms, quote, holding).liquidity
    except MissingPrice:
        return 0


def _legs(terms: Terms, quote: Quote, holding: Holding) -> Iterator[Leg]:
    for entry in holding.entries:
        place = entry.place
        asset, pool = terms.assets[place], quote.pools[place]
        exchange, owed = rate(asset, pool), owing(quote, entry)
        amount = times(exchange, entry.tokens)
        if entry.tokens and holds(quote, entry):
            price, weights = price_of(terms, quote, place), factors(terms, holding.mode, place)
            dollars, earned = worth(exchange, price, entry.tokens), supply_rate(terms, quote, place)
            yield Leg(asset.token, Side.COLLATERAL, Raw(amount), dollars, weights.threshold, weights.factor, earned)
        elif entry.tokens and (idle := _idle(quote, entry, amount)) is not None:
            yield Leg(asset.token, Side.DEPOSIT, Raw(amount), idle, 0, 0, supply_rate(terms, quote, place))
        if owed and entry.entered:
            dollars = debt(price_of(terms, quote, place), owed)
            yield Leg(asset.token, Side.DEBT, Raw(owed), dollars, 0, 0, borrow_rate(terms, quote, place))
    if terms.vai is not None and (vai := minted(quote, holding.vai)):
        yield Leg(terms.vai.token, Side.DEBT, Raw(vai), vai, 0, 0, vai_rate(terms, quote))


def _idle(quote: Quote, entry: Entry, amount: int) -> int | None:
    """None without a price, or where the value is beyond 256 bits: what nobody reads makes nobody unknown."""
    price = quote.prices[entry.place]
    return None if not price or amount * price > MAX else times(price, amount)


def obstacle(terms: Terms, debt: int | None, collateral: int) -> Blocked | None:
    """Why nobody can liquidate this pair now, whoever may; `debt` None is VAI."""
    owed = terms.assets[debt].paused if debt is not None else terms.vai.paused if terms.vai else Paused(0)
    seized = terms.assets[collateral]
    listed = seized.listed and (debt is None or terms.assets[debt].listed)
    if terms.stopped or Paused.LIQUIDATE in owed or Paused.SEIZE in seized.paused or not listed:
        return Blocked.PAUSED
    if debt is not None and Paused.REPAY in owed:
        return Blocked.PAUSED
    return None


def _blocked(terms: Terms, quote: Quote, holding: Holding) -> Blocked | None:
    """The first pair's obstacle where every pair of this account has one, or that there is no pair."""
    held = [entry.place for entry in holding.entered() if entry.tokens]
    if not held:
        return Blocked.EMPTY
    owed: list[int | None] = [entry.place for entry in holding.entered() if owing(quote, entry)]
    if minted(quote, holding.vai):
        owed.append(None)
    found = [obstacle(terms, debt, collateral) for debt in owed for collateral in held]
    return found[0] if found and None not in found else None


def _doubts(terms: Terms, quote: Quote, holding: Holding) -> Iterator[Doubt]:
    if quote.guessed and any(entry.principal for entry in holding.entries):
        yield Doubt(
            DoubtKind.FORECAST, f"{terms.market.name} counts interest by blocks, and how many will be is not known"
        )
    for entry in holding.entries:
        if (
            entry.tokens
            and not entry.entered
            and _idle(quote, entry, times(rate(terms.assets[entry.place], quote.pools[entry.place]), entry.tokens))
            is None
        ):
            symbol = terms.assets[entry.place].token.symbol
            yield Doubt(DoubtKind.UNPRICED, f"{symbol}, not used as collateral, has no price and is not listed")
