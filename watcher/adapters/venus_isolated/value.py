"""A position as the comptroller judges it: its legs, its line, and what would hold a liquidation up."""

from __future__ import annotations

from watcher.adapters.venus_isolated.accrual import exchange_rate, lent_rate, owed_rate
from watcher.adapters.venus_isolated.facts import Holding, Quote, Terms
from watcher.adapters.venus_isolated.paths import blocked
from watcher.adapters.venus_isolated.worth import USD, Part, Sums, sums
from watcher.errors import Overflow
from watcher.formula.compound.exponential import times
from watcher.model import Doubt, DoubtKind, Leg, Line, Side, Valuation
from watcher.oracle.feed import doubts
from watcher.units import WAD, Raw, Wad, mul_div_down


def value(terms: Terms, quote: Quote, holding: Holding) -> Valuation:
    """`getAccountLiquidity` and `getBorrowingPower` on this quote: a shortfall when Σ threshold-weighted collateral < Σ debt.

    Health is their ratio, a wad rounded down. Liquidatable is also who owes where liquidations are forced, short or not. `MissingPrice`
    when any entered asset, even one of which nothing is held, has no price: the contract reverts.
    """
    total = sums(terms, quote, holding)
    forced = any(part.owes and terms.vtokens[part.place].forced for part in total.parts)
    liquidatable = total.short or forced
    legs, said = _legs(terms, quote, holding, total)
    return Valuation(
        key=holding.key,
        at=quote.moment,
        unit=USD,
        scale=WAD,
        legs=legs,
        collateral=total.collateral,
        debt=total.debt,
        available=max(0, total.borrowable - total.debt),
        threshold=_average(total.weighted, total.collateral),
        ltv=_average(total.borrowable, total.collateral),
        line=Line(total.weighted, total.debt, USD),
        health=Wad(mul_div_down(total.weighted, WAD, total.debt)) if total.debt else None,
        liquidatable=liquidatable,
        blocked=blocked(terms, total) if liquidatable else None,
        doubts=said,
    )


def _average(weighted: int, collateral: int) -> int:
    return mul_div_down(weighted, WAD, collateral) if collateral else 0


def _legs(terms: Terms, quote: Quote, holding: Holding, total: Sums) -> tuple[tuple[Leg, ...], tuple[Doubt, ...]]:
    legs: list[Leg] = []
    said: list[Doubt] = []
    parts = {part.place: part for part in total.parts}
    for place, vtoken in enumerate(terms.vtokens):
        part, tokens = parts.get(place), holding.balance(vtoken.address).tokens
        if part:
            legs += _entered(terms, quote, part)
        elif tokens:
            idle, doubt = _idle(terms, quote, place, tokens)
            legs, said = [*legs, *idle], [*said, *doubt]
        if part and (tokens or part.owes):
            said += doubts(vtoken.token.symbol, quote.pulses[place], quote.moment.timestamp)
    return tuple(legs), tuple(said)


def _entered(terms: Terms, quote: Quote, part: Part) -> list[Leg]:
    vtoken, state = terms.vtokens[part.place], quote.states[part.place]
    legs = []
    if part.balance.tokens:
        amount = Raw(part.rate * part.balance.tokens // WAD)  # the comptroller does not compute it
        weights = (vtoken.threshold, vtoken.factor)
        legs.append(Leg(vtoken.token, Side.COLLATERAL, amount, part.collateral, *weights, lent_rate(vtoken, state)))
    if part.owes:
        legs.append(Leg(vtoken.token, Side.DEBT, Raw(part.owes), part.debt, 0, 0, owed_rate(vtoken, state)))
    return legs


def _idle(terms: Terms, quote: Quote, place: int, tokens: int) -> tuple[list[Leg], list[Doubt]]:
    """A deposit in a vToken that was not entered protects nothing: where it cannot be told, no figure of the contract is missing."""
    vtoken, state, price = terms.vtokens[place], quote.states[place], quote.prices[place]
    try:
        rate = exchange_rate(vtoken, state)
        amount, worth = Raw(rate * tokens // WAD), times(times(rate, price), tokens) if price else 0
    except Overflow as error:
        return [], [Doubt(DoubtKind.UNPRICED, f"a deposit of {vtoken.token.symbol} is left out: {error}")]
    leg = Leg(vtoken.token, Side.DEPOSIT, amount, worth, 0, 0, lent_rate(vtoken, state))
    text = f"a deposit of {vtoken.token.symbol} has no price: {quote.reasons[place] or 'the oracle answers zero'}"
    return [leg], [] if price else [Doubt(DoubtKind.UNPRICED, text)]
