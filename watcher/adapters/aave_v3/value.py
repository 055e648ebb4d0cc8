"""What an account is worth to Aave V3, to the last unit: the figures of getUserAccountData, the legs behind them, the line, and what
would block a liquidation."""

from __future__ import annotations

from typing import Final, TypeAlias

from watcher.adapters.aave_v3.account import Account, account
from watcher.adapters.aave_v3.facts import Balance, Holding, Quote, Reserve, Terms
from watcher.adapters.aave_v3.remembered import Remembered
from watcher.adapters.aave_v3.seat import Seat, now, seats
from watcher.adapters.aave_v3.thawed import thawed
from watcher.formula.aave import health, token
from watcher.formula.aave.version import Version
from watcher.model import Blocked, Doubt, DoubtKind, Leg, Line, Side, Token, Unit, Valuation
from watcher.units import BPS, MAX, RAY, WAD, Raw, Wad

SENTINEL_LINE = WAD * 95 // 100  # below it a sentinel is not asked


def _line_unit(terms: Terms) -> Unit:
    return Unit(terms.unit.symbol, terms.unit.decimals + (4 if terms.version >= Version.V3_5 else 0))


_unit: Final = Remembered(_line_unit)
_Valuation: Final = thawed(Valuation)
_Line: Final = thawed(Line)


def value(terms: Terms, quote: Quote, holding: Holding) -> Valuation:
    """Every field of getUserAccountData at the quote's moment. `threshold` and `ltv` are basis points.

    Liquidatable is health below 1e18, strictly. `MissingPrice` where the contract would read a price that is not there, `Overflow`
    where it would revert; a deposit that is not collateral and has no price is left out, with a doubt.
    """
    seen = account(terms, quote, holding)
    version, sums = terms.version, seen.sums
    factor = health.health_factor(version, sums)
    weighted, owed = health.line(version, sums)
    idle = _unused(terms, quote, holding, seen) if seen.rest else ()
    line = _Line(weighted, owed, _unit(terms))
    line.__class__ = Line
    plain = quote.can_liquidate and not idle and _plain(seen)
    made = _Valuation(
        key=holding.key,
        at=now(quote),
        unit=terms.unit,
        scale=BPS,
        legs=(*seen.legs, *(leg for _, leg in idle if leg)) if idle else tuple(seen.legs),
        collateral=sums.collateral,
        debt=sums.debt,
        available=health.available(version, sums),
        threshold=sums.threshold,
        ltv=sums.ltv,
        line=line,
        health=factor,
        liquidatable=factor is not None and factor < health.LIQUIDATION_LINE,
        blocked=None if factor is None or (plain and sums.weighted) else _blocked(terms, quote, seen, factor),
        doubts=() if plain else _doubts(terms, quote, seen, idle),
    )
    made.__class__ = Valuation
    return made


Idle: TypeAlias = tuple[tuple[Token, Leg | None], ...]


def _unused(terms: Terms, quote: Quote, holding: Holding, seen: Account) -> Idle:
    """Deposits of reserves without any flag, at the assets' own prices: the contract does not look at them."""
    found = seats(terms, quote, 0)
    rest = ((balance, found[balance.id]) for balance in seen.rest if balance.deposit)
    unflagged = ((balance, seat) for balance, seat in rest if seat and not holding.flags >> 2 * balance.id & 3)
    return tuple((seat.token, _idle(terms, balance, seat)) for balance, seat in unflagged)


def _idle(terms: Terms, balance: Balance, seat: Seat) -> Leg | None:
    """None without a price, or where its value is beyond 256 bits: what nobody reads makes nobody unknown."""
    answer = seat.answer
    if answer is None or balance.deposit * seat.income > MAX - RAY:
        return None
    amount = token.deposit(terms.version, balance.deposit, seat.income)
    if amount * answer > MAX:
        return None
    worth = health.deposit_value(amount, answer, seat.unit)
    return Leg(seat.token, Side.DEPOSIT, Raw(amount), worth, 0, 0, seat.rate)


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


def _plain(seen: Account) -> bool:
    """Whether no reserve of the account has anything to say beyond figures, as almost always."""
    for seat in seen.seats:  # noqa: SIM110 - a generator costs as much as the rest
        if seat.barred or seat.doubts:
            return False
    return True


def _blocked(terms: Terms, quote: Quote, seen: Account, factor: Wad) -> Blocked | None:
    """The first pair's obstacle where every pair of this account has one, or that there is no pair."""
    if not any(leg.side is Side.COLLATERAL for leg in seen.legs):
        return Blocked.EMPTY
    if quote.can_liquidate and not any(seat.barred for seat in seen.seats):
        return None
    reserves = {seat.token: seat.reserve for seat in seen.seats}
    found = [
        obstacle(terms, quote, reserves[debt.token], reserves[collateral.token], factor)
        for debt in seen.legs
        if debt.side is Side.DEBT
        for collateral in seen.legs
        if collateral.side is Side.COLLATERAL
    ]
    return found[0] if None not in found else None


def _doubts(terms: Terms, quote: Quote, seen: Account, idle: Idle) -> tuple[Doubt, ...]:
    found = [doubt for seat in seen.seats for doubt in seat.doubts]
    for asset, leg in idle:
        if leg is None:
            text = f"{asset.symbol}, not used as collateral, has no price and is not listed"
            found.append(Doubt(DoubtKind.UNPRICED, text))
    if not quote.can_liquidate:
        text = f"the price-oracle sentinel of {terms.market.name} holds borrowing and liquidations"
        found.append(Doubt(DoubtKind.SEQUENCER, text))
    return tuple(found)
