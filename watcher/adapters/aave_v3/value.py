"""What an account is worth to Aave V3, to the last unit: the figures of getUserAccountData, the legs behind them, the line, and what
would block a liquidation."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.adapters.aave_v3.account import Account, Entry, account, now
from watcher.adapters.aave_v3.facts import Holding, Quote, Reserve, Terms
from watcher.formula.aave import health, token
from watcher.formula.aave.version import Version
from watcher.model import Blocked, Doubt, DoubtKind, Leg, Line, Side, Unit, Valuation
from watcher.oracle import feed
from watcher.units import BPS, WAD, Raw, Ray, Wad

SENTINEL_LINE = WAD * 95 // 100  # below it a sentinel is not asked


def value(terms: Terms, quote: Quote, holding: Holding) -> Valuation:
    """Every field of getUserAccountData at the quote's moment. `threshold` and `ltv` are basis points.

    Liquidatable is health below 1e18, strictly. `MissingPrice` where the contract would read a price that is not there, `Overflow`
    where it would revert; a deposit that is not collateral and has no price is left out, with a doubt.
    """
    seen = account(terms, quote, holding)
    version, sums = terms.version, seen.sums
    factor = health.health_factor(version, sums)
    weighted, owed = health.line(version, sums)
    digits = 4 if version >= Version.V3_5 else 0
    return Valuation(
        key=holding.key,
        at=now(quote),
        unit=terms.unit,
        scale=BPS,
        legs=(*_legs(seen), *_idle(terms, quote, holding)),
        collateral=sums.collateral,
        debt=sums.debt,
        available=health.available(version, sums),
        threshold=sums.threshold,
        ltv=sums.ltv,
        line=Line(weighted, owed, Unit(terms.unit.symbol, terms.unit.decimals + digits)),
        health=factor,
        liquidatable=factor is not None and factor < health.LIQUIDATION_LINE,
        blocked=_blocked(terms, quote, seen, factor),
        doubts=tuple(_doubts(terms, quote, holding)),
    )


def _legs(seen: Account) -> Iterator[Leg]:
    for entry in seen.entries:
        side = Side.COLLATERAL if entry.counts else Side.DEPOSIT
        threshold, ltv = (entry.threshold, entry.ltv) if entry.counts else (0, 0)
        name, amount = entry.reserve.token, Raw(entry.deposit)
        if entry.deposit:
            yield Leg(name, side, amount, entry.deposit_value, threshold, ltv, entry.state.rate)
        if entry.debt:
            yield Leg(name, Side.DEBT, Raw(entry.debt), entry.debt_value, 0, 0, _rate(entry))


def _rate(entry: Entry) -> Ray:
    """What the debt pays: the variable rate, or where there is stable debt the two weighted by amount, down."""
    variable = entry.debt - entry.stable
    return Ray((variable * entry.state.debt_rate + entry.stable * entry.stable_rate) // entry.debt)


def _idle(terms: Terms, quote: Quote, holding: Holding) -> Iterator[Leg]:
    """Deposits without the collateral flag, where they have a price: the contract does not look at them."""
    for balance, reserve, place in _unused(terms, holding):
        state, answer = quote.states[place], quote.prices[place]
        amount = token.deposit(terms.version, balance, state.income)
        if answer is not None and amount:
            worth = health.deposit_value(amount, answer, reserve.unit)
            yield Leg(reserve.token, Side.DEPOSIT, Raw(amount), worth, 0, 0, state.rate)


def _unused(terms: Terms, holding: Holding) -> Iterator[tuple[int, Reserve, int]]:
    amounts = {balance.id: balance.deposit for balance in holding.balances if balance.deposit}
    for place, reserve in enumerate(terms.reserves):
        if reserve.id in amounts and not holding.flags >> 2 * reserve.id & 3:
            yield amounts[reserve.id], reserve, place


def obstacle(terms: Terms, quote: Quote, debt: Reserve, collateral: Reserve, factor: int) -> Blocked | None:
    """Why the pool would refuse to liquidate this pair at that health, below the line or not (ValidationLogic.validateLiquidationCall).

    A reserve that is not active counts as paused. A grace period blocks up to and including its last second; the sentinel is asked only
    at a health of 0.95 or more.
    """
    if not all(reserve.rules.active and not reserve.rules.paused for reserve in (debt, collateral)):
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
    found = [
        obstacle(terms, quote, debt.reserve, collateral.reserve, factor)
        for debt in seen.entries
        if debt.debt
        for collateral in seen.entries
        if collateral.counts and collateral.deposit
    ]
    if not found:
        return Blocked.EMPTY
    return found[0] if None not in found else None


def _doubts(terms: Terms, quote: Quote, holding: Holding) -> Iterator[Doubt]:
    at = now(quote).timestamp
    pulses = {known.source: pulse for known, pulse in zip(terms.feeds, quote.pulses, strict=True)}
    for place, reserve in enumerate(terms.reserves):
        if holding.flags >> 2 * reserve.id & 3:
            yield from feed.doubts(reserve.token.symbol, pulses.get(terms.sources[place]), at)
    for _, reserve, place in _unused(terms, holding):
        if quote.prices[place] is None:
            text = f"{reserve.token.symbol}, not used as collateral, has no price and is not listed"
            yield Doubt(DoubtKind.UNPRICED, text)
    if not quote.can_liquidate:
        yield Doubt(
            DoubtKind.SEQUENCER, f"the price-oracle sentinel of {terms.market.name} holds borrowing and liquidations"
        )
