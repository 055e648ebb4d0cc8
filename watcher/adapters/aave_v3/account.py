"""An account as Aave V3 sums it up: the loop of GenericLogic.calculateUserAccountData, in the pool's own version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from watcher.adapters.aave_v3.facts import Balance, Holding, Quote, Reserve, Terms
from watcher.adapters.aave_v3.seat import Seat, answered, flagged, now, seats
from watcher.errors import AnswerError
from watcher.formula.aave import health, interest, token
from watcher.formula.aave.health import Sums
from watcher.formula.aave.version import Version
from watcher.model import Moment
from watcher.units import checked


class Entry(NamedTuple):
    """One reserve of one account, as the contract's loop sees it. Amounts are raw, values base currency."""

    seat: Seat
    deposit: int
    debt: int
    deposit_value: int
    debt_value: int
    counts: bool  # as collateral
    stable: int  # the part of the debt that is at a stable rate
    stable_rate: int

    @property
    def reserve(self) -> Reserve:
        return self.seat.reserve


@dataclass(frozen=True, slots=True)
class Account:
    """`zero_ltv` says that some collateral has a loan-to-value of 0: then nothing else may be withdrawn while there is debt."""

    entries: tuple[Entry, ...]
    sums: Sums
    zero_ltv: bool


def stable_debt(balance: Balance, at: Moment) -> int:
    """Stable debt grows by its own rate from its own last change, half up (StableDebtToken.balanceOf; always the binomial)."""
    if balance.principal == 0:
        return 0
    grown = interest.binomial(balance.rate, checked(at.timestamp - balance.since))
    return token.debt(Version.V3_0, balance.principal, grown)


def account(terms: Terms, quote: Quote, holding: Holding) -> Account:
    """The account that the contract sums up. `MissingPrice` where it would read a price that is not there; `Overflow` where it reverts.

    Empty flags end before anything is read, prices included.
    """
    entries = _entries(terms, quote, holding) if holding.flags else ()
    collateral = owed = weighted = lendable = 0
    zero_ltv = False
    for entry in entries:
        owed += entry.debt_value
        if entry.counts:
            value = entry.deposit_value
            collateral += value
            weighted += value * entry.seat.threshold
            lendable += value * entry.seat.ltv
            zero_ltv |= entry.seat.ltv == 0
    sums = Sums(checked(collateral), checked(owed), checked(weighted), checked(lendable))
    return Account(entries, sums, zero_ltv)


def _entries(terms: Terms, quote: Quote, holding: Holding) -> tuple[Entry, ...]:
    found = seats(terms, quote, holding.mode)
    version, at = terms.version, now(quote)
    held = {balance.id: balance for balance in holding.balances}
    entries = []
    for id, borrows, secures in flagged(holding.flags):
        seat = found[id]
        if seat is None:
            continue
        answer, state = seat.answer, seat.state
        if answer is None:
            answer = answered(terms, quote, seat.place)
        balance = held.get(id) or Balance(id, 0, 0)
        deposit = token.deposit(version, balance.deposit, state.income) if balance.deposit else 0
        stable = stable_debt(balance, at) if balance.principal else 0
        debt = token.debt(version, balance.debt, state.owed) + stable if borrows else 0
        if debt and version is Version.V3_3 and not seat.reserve.rules.accounted:
            name = f"{seat.reserve.token.symbol} of {terms.market.name}"
            raise AnswerError(f"{name} has a debt with discount: not supported")
        entries.append(
            Entry(
                seat,
                deposit,
                debt,
                health.deposit_value(deposit, answer, seat.unit) if deposit else 0,
                health.debt_value(version, debt, answer, seat.unit) if debt else 0,
                secures and seat.counts,
                stable,
                balance.rate,
            )
        )
    return tuple(entries)
