"""An account as Aave V3 sums it up: the loop of GenericLogic.calculateUserAccountData, in the pool's own version."""

from __future__ import annotations

from typing import Final, NamedTuple

from watcher.adapters.aave_v3.facts import Balance, Holding, Quote, Reserve, Terms
from watcher.adapters.aave_v3.seat import Seat, answered, seats
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


class Account(NamedTuple):
    """`seats` are those of the reserves with a flag, `legs` what is in them, both by id; `rest` are the balances of the others."""

    sums: Sums
    legs: list[Leg]
    seats: list[Seat]
    rest: list[Balance]

    def debt(self, reserve: Reserve) -> int:
        """What is owed of that reserve, raw."""
        return next((leg.amount for leg in self.legs if leg.side is Side.DEBT and leg.token is reserve.token), 0)


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
    found: list[Seat] = []
    rest: list[Balance] = []
    legs = _legs(terms, quote, holding, found, rest) if holding.flags else []
    collateral = debt = weighted = lendable = 0
    for leg in legs:
        if leg.side is COLLATERAL:
            value = leg.value
            collateral += value
            weighted += value * leg.threshold
            lendable += value * leg.ltv
        elif leg.side is DEBT:
            debt += leg.value
    checked(collateral | debt | weighted | lendable)  # as many bits as the largest of them
    sums = Sums(collateral, debt, weighted, lendable)
    return Account(sums, legs, found, rest if holding.flags else list(holding.balances))


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


def _legs(terms: Terms, quote: Quote, holding: Holding, found: list[Seat], rest: list[Balance]) -> list[Leg]:
    """What is in the reserves with a flag; their seats enter `found`, the balances of others `rest`."""
    legs: list[Leg] = []
    known = seats(terms, quote, holding.mode)
    rounds, flags = known.rounds, holding.flags
    for balance in flagged(holding):
        bits = flags >> 2 * balance.id & 3
        if not bits:
            rest.append(balance)
            continue
        seat = known[balance.id]
        if seat is None:
            continue
        found.append(seat)
        answer = answered(terms, quote, seat.place) if seat.answer is None else seat.answer
        if balance.deposit and (deposit := rounds.deposit(balance.deposit, seat.income, RAY)):
            value = rounds.deposit_value(deposit, answer, seat.unit)
            if bits & 2 and seat.counts:
                leg = _Leg(seat.token, COLLATERAL, deposit, value, seat.threshold, seat.ltv, seat.rate)
            else:
                leg = _Leg(seat.token, DEPOSIT, deposit, value, 0, 0, seat.rate)
            leg.__class__ = Leg
            legs.append(leg)
        if bits & 1 and (balance.debt or balance.principal):
            debt, rate = rounds.debt(balance.debt, seat.owed, RAY), seat.debt_rate
            if balance.principal or seat.discounted:
                debt, rate = _unusual(terms, seat, balance, debt, known.at)
            if debt:
                leg = _Leg(seat.token, DEBT, debt, rounds.debt_value(debt, answer, seat.unit), 0, 0, rate)
                leg.__class__ = Leg
                legs.append(leg)
    return legs


def _unusual(terms: Terms, seat: Seat, balance: Balance, variable: int, at: Moment) -> tuple[Raw, Ray]:
    """Variable and stable debt together, and what they pay: the two rates weighted by amount, down.

    `AnswerError` for a debt with a discount, whose amount these figures do not tell.
    """
    stable = stable_debt(balance, at)
    debt = variable + stable
    if debt and seat.discounted:
        raise AnswerError(f"{seat.token.symbol} of {terms.market.name} has a debt with discount: not supported")
    paid = (variable * seat.debt_rate + stable * balance.rate) // debt if debt else 0
    return Raw(debt), Ray(paid)


def zero_ltv(terms: Terms, quote: Quote, holding: Holding) -> bool:
    """Whether some collateral, an empty one too, has a loan-to-value of 0: then nothing else may be withdrawn while there is debt."""
    known = seats(terms, quote, holding.mode) if holding.flags else {}
    secured = (known[balance.id] for balance in flagged(holding) if holding.secures(balance.id))
    return any(seat is not None and seat.counts and seat.ltv == 0 for seat in secured)
