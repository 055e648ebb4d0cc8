"""An account as Aave V3 sums it up: the loop of GenericLogic.calculateUserAccountData, in the pool's own version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from watcher.adapters.aave_v3.facts import Balance, Holding, Quote, Reserve, Terms
from watcher.adapters.aave_v3.seat import Seat, Seats, answered, seats
from watcher.adapters.aave_v3.thawed import thawed
from watcher.errors import AnswerError
from watcher.formula.aave import interest, token
from watcher.formula.aave.health import Sums
from watcher.formula.aave.version import Version
from watcher.model import Leg, Moment, Side
from watcher.units import RAY, Raw, Ray, checked

COLLATERAL, DEPOSIT, DEBT = (
    Side.COLLATERAL,
    Side.DEPOSIT,
    Side.DEBT,
)  # found once: an enum looks its members up each time
_Leg: Final = thawed(Leg)
_made: Final = tuple.__new__  # what a NamedTuple's own constructor calls


class Account(NamedTuple):
    """`seats` are those of the reserves with a flag, `legs` what is in them by id; `rest` has every balance if some have none."""

    sums: Sums
    legs: list[Leg]
    seats: list[Seat]
    rest: tuple[Balance, ...]

    def debt(self, reserve: Reserve) -> int:
        """What is owed of that reserve, raw."""
        return next((leg.amount for leg in self.legs if leg.side is Side.DEBT and leg.token is reserve.token), 0)


def stable_debt(version: Version, balance: Balance, at: Moment) -> int:
    """Stable debt grows by its own rate from its own last change, half up (StableDebtToken.balanceOf)."""
    if balance.principal == 0:
        return 0
    grown = interest.compounded(version, balance.rate, checked(at.timestamp - balance.since))
    return token.debt(version, balance.principal, grown)


def account(terms: Terms, quote: Quote, holding: Holding) -> Account:
    """The account that the contract sums up. `MissingPrice` where it would read a price that is not there; `Overflow` where it reverts.

    Empty flags end before anything is read, prices included.
    """
    flags = holding.flags
    if not flags:
        return Account(Sums(0, 0, 0, 0), [], [], holding.balances)
    known = seats(terms, quote, holding.mode)
    rounds = known.rounds
    legs: list[Leg] = []
    found: list[Seat] = []
    collateral = owed = weighted = lendable = met = 0
    for balance in holding.balances:
        bits = flags >> 2 * balance.id & 3
        seat = known[balance.id] if bits else None
        if seat is None:
            continue
        met |= bits << 2 * balance.id
        found.append(seat)
        answer = answered(terms, quote, seat.place) if seat.answer is None else seat.answer
        if balance.deposit and (amount := rounds.deposit(balance.deposit, seat.income, RAY)):
            value = rounds.deposit_value(amount, answer, seat.unit)
            if bits & 2 and seat.counts:
                collateral += value
                weighted += value * seat.threshold
                lendable += value * seat.ltv
                leg = _Leg(seat.token, COLLATERAL, amount, value, seat.threshold, seat.ltv, seat.rate)
            else:
                leg = _Leg(seat.token, DEPOSIT, amount, value, 0, 0, seat.rate)
            leg.__class__ = Leg
            legs.append(leg)
        debt = rounds.debt(balance.debt, seat.owed, RAY) if bits & 1 and balance.debt else 0
        if bits & 1 and (balance.principal or seat.discounted):
            debt = _unusual(terms, known, seat, balance, debt)
        if debt:
            value = rounds.debt_value(debt, answer, seat.unit)
            owed += value
            rate = _mixed(terms.version, seat, balance, debt, known.at) if balance.principal else seat.debt_rate
            leg = _Leg(seat.token, DEBT, Raw(debt), value, 0, 0, rate)
            leg.__class__ = Leg
            legs.append(leg)
    rest = holding.balances if len(found) < len(holding.balances) else ()
    if met != flags:
        found.extend(_empty(terms, quote, known, flags & ~met))
    checked(collateral | owed | weighted | lendable)  # as many bits as the largest of them
    sums = _made(Sums, (collateral, owed, weighted, lendable))
    return _made(Account, (sums, legs, found, rest))


def _empty(terms: Terms, quote: Quote, known: Seats, flags: int) -> Iterator[Seat]:
    """The reserves whose flag is set and that hold nothing: the contract reads their prices all the same."""
    for id in range((flags.bit_length() + 1) // 2):
        seat = known[id] if flags >> 2 * id & 3 else None
        if seat is not None:
            if seat.answer is None:
                answered(terms, quote, seat.place)
            yield seat


def _unusual(terms: Terms, known: Seats, seat: Seat, balance: Balance, variable: int) -> int:
    """Variable and stable debt together. `AnswerError` for one with a discount, whose amount these figures do not tell."""
    debt = variable + stable_debt(terms.version, balance, known.at)
    if debt and seat.discounted:
        raise AnswerError(f"{seat.token.symbol} of {terms.market.name} has a debt with discount: not supported")
    return debt


def _mixed(version: Version, seat: Seat, balance: Balance, debt: int, at: Moment) -> Ray:
    """What variable and stable debt pay together: the two rates weighted by amount, down."""
    stable = stable_debt(version, balance, at)
    return Ray(((debt - stable) * seat.debt_rate + stable * balance.rate) // debt)


def flagged(holding: Holding) -> tuple[Balance, ...]:
    """The balances, and an empty one for every flag without any, by id."""
    empty = holding.flags
    for balance in holding.balances:
        empty &= ~(3 << 2 * balance.id)
    if not empty:
        return holding.balances
    ids = range((empty.bit_length() + 1) // 2)
    more = (Balance(id, 0, 0) for id in ids if empty >> 2 * id & 3)
    return tuple(sorted((*holding.balances, *more), key=lambda balance: balance.id))


def zero_ltv(terms: Terms, quote: Quote, holding: Holding) -> bool:
    """Whether some collateral, an empty one too, has a loan-to-value of 0: then nothing else may be withdrawn while there is debt."""
    known = seats(terms, quote, holding.mode) if holding.flags else {}
    secured = (known[balance.id] for balance in flagged(holding) if holding.secures(balance.id))
    return any(seat is not None and seat.counts and seat.ltv == 0 for seat in secured)
