"""What an account is worth to Aave V3, to the last unit: the figures of getUserAccountData, the legs behind them, the line, and what
would block a liquidation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from watcher.adapters.aave_v3.account import Account, Entry, account
from watcher.adapters.aave_v3.facts import Balance, Holding, Quote, Reserve, Terms
from watcher.adapters.aave_v3.remembered import Remembered
from watcher.adapters.aave_v3.seat import Seat, now, seats
from watcher.formula.aave import health, token
from watcher.formula.aave.version import Version
from watcher.model import Blocked, Doubt, DoubtKind, Leg, Line, Side, Unit, Valuation
from watcher.units import BPS, WAD, Raw, Ray, Wad

SENTINEL_LINE = WAD * 95 // 100  # below it a sentinel is not asked


def _line_unit(terms: Terms) -> Unit:
    return Unit(terms.unit.symbol, terms.unit.decimals + (4 if terms.version >= Version.V3_5 else 0))


_unit: Final = Remembered(_line_unit)


def value(terms: Terms, quote: Quote, holding: Holding) -> Valuation:
    """Every field of getUserAccountData at the quote's moment. `threshold` and `ltv` are basis points.

    Liquidatable is health below 1e18, strictly. `MissingPrice` where the contract would read a price that is not there, `Overflow`
    where it would revert; a deposit that is not collateral and has no price is left out, with a doubt.
    """
    seen = account(terms, quote, holding)
    version, sums = terms.version, seen.sums
    factor = health.health_factor(version, sums)
    weighted, owed = health.line(version, sums)
    idle = _unused(terms, quote, holding, seen)
    return Valuation(
        key=holding.key,
        at=now(quote),
        unit=terms.unit,
        scale=BPS,
        legs=_legs(terms, seen, idle),
        collateral=sums.collateral,
        debt=sums.debt,
        available=health.available(version, sums),
        threshold=sums.threshold,
        ltv=sums.ltv,
        line=Line(weighted, owed, _unit(terms)),
        health=factor,
        liquidatable=factor is not None and factor < health.LIQUIDATION_LINE,
        blocked=_blocked(terms, quote, seen, factor),
        doubts=_doubts(terms, quote, seen, idle),
    )


def _legs(terms: Terms, seen: Account, idle: tuple[tuple[Balance, Seat], ...]) -> tuple[Leg, ...]:
    legs = []
    for entry in seen.entries:
        seat = entry.seat
        name = seat.reserve.token
        if entry.deposit:
            side = Side.COLLATERAL if entry.counts else Side.DEPOSIT
            threshold, ltv = (seat.threshold, seat.ltv) if entry.counts else (0, 0)
            legs.append(Leg(name, side, Raw(entry.deposit), entry.deposit_value, threshold, ltv, seat.state.rate))
        if entry.debt:
            rate = _rate(entry) if entry.stable else seat.state.debt_rate
            legs.append(Leg(name, Side.DEBT, Raw(entry.debt), entry.debt_value, 0, 0, rate))
    legs.extend(_idle(terms, idle))
    return tuple(legs)


def _rate(entry: Entry) -> Ray:
    """What the debt pays: the variable rate, or where there is stable debt the two weighted by amount, down."""
    variable = entry.debt - entry.stable
    return Ray((variable * entry.seat.state.debt_rate + entry.stable * entry.stable_rate) // entry.debt)


def _idle(terms: Terms, idle: tuple[tuple[Balance, Seat], ...]) -> Iterator[Leg]:
    """Deposits without the collateral flag, where they have a price: the contract does not look at them."""
    for balance, seat in idle:
        amount = token.deposit(terms.version, balance.deposit, seat.state.income)
        if seat.answer is not None and amount:
            worth = health.deposit_value(amount, seat.answer, seat.unit)
            yield Leg(seat.reserve.token, Side.DEPOSIT, Raw(amount), worth, 0, 0, seat.state.rate)


def _unused(terms: Terms, quote: Quote, holding: Holding, seen: Account) -> tuple[tuple[Balance, Seat], ...]:
    """Deposits of reserves without any flag, at the assets' own prices."""
    flags = holding.flags
    rest = [balance for balance in holding.balances if balance.deposit and not flags >> 2 * balance.id & 3]
    if not rest:
        return ()
    found = ((balance, seats(terms, quote, 0)[balance.id]) for balance in rest)
    return tuple((balance, seat) for balance, seat in found if seat is not None)


def obstacle(terms: Terms, quote: Quote, debt: Reserve, collateral: Reserve, factor: int) -> Blocked | None:
    """Why the pool would refuse to liquidate this pair at that health, below the line or not (ValidationLogic.validateLiquidationCall).

    A reserve that is not active counts as paused. A grace period blocks up to and including its last second; the sentinel is asked only
    at a health of 0.95 or more.
    """
    for reserve in (debt, collateral):
        if not reserve.rules.active or reserve.rules.paused:
            return Blocked.PAUSED
    if terms.sentinel is not None and factor >= SENTINEL_LINE and not quote.can_liquidate:
        return Blocked.SENTINEL
    if terms.version >= Version.V3_1 and max(debt.grace_until, collateral.grace_until) >= now(quote).timestamp:
        return Blocked.GRACE
    return None


def _blocked(terms: Terms, quote: Quote, seen: Account, factor: Wad | None) -> Blocked | None:
    """The first pair's obstacle where every pair of this account has one, or that there is no pair."""
    if factor is None:
        return None
    first = None
    for debt in seen.entries:
        if not debt.debt:
            continue
        for collateral in seen.entries:
            if collateral.counts and collateral.deposit:
                found = obstacle(terms, quote, debt.seat.reserve, collateral.seat.reserve, factor)
                if found is None:
                    return None
                first = first or found
    return first or Blocked.EMPTY


def _doubts(terms: Terms, quote: Quote, seen: Account, idle: tuple[tuple[Balance, Seat], ...]) -> tuple[Doubt, ...]:
    found = [doubt for entry in seen.entries for doubt in entry.seat.doubts]
    for _, seat in idle:
        if seat.answer is None:
            text = f"{seat.reserve.token.symbol}, not used as collateral, has no price and is not listed"
            found.append(Doubt(DoubtKind.UNPRICED, text))
    if not quote.can_liquidate:
        text = f"the price-oracle sentinel of {terms.market.name} holds borrowing and liquidations"
        found.append(Doubt(DoubtKind.SEQUENCER, text))
    return tuple(found)
