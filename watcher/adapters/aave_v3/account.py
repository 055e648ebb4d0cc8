"""An account as Aave V3 sums it up: the loop of GenericLogic.calculateUserAccountData, in the pool's own version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watcher.adapters.aave_v3.facts import Balance, Category, Holding, Quote, Reserve, State, Terms
from watcher.errors import AnswerError, MissingPrice
from watcher.formula.aave import health, interest, token
from watcher.formula.aave.health import Sums
from watcher.formula.aave.version import Version
from watcher.model import Moment
from watcher.units import checked


@dataclass(frozen=True, slots=True)
class Entry:
    """One reserve of one account, as the contract's loop sees it. Amounts are raw, values base currency, shares basis points."""

    reserve: Reserve
    state: State
    deposit: int
    debt: int
    deposit_value: int
    debt_value: int
    counts: bool  # as collateral
    threshold: int
    ltv: int
    stable: int  # the part of the debt that is at a stable rate
    stable_rate: int


@dataclass(frozen=True, slots=True)
class Account:
    """`zero_ltv` says that some collateral has a loan-to-value of 0: then nothing else may be withdrawn while there is debt."""

    entries: tuple[Entry, ...]
    sums: Sums
    zero_ltv: bool


def now(quote: Quote) -> Moment:
    """The moment that a quote was accrued to. A quote as it was read has none: a bug of the caller."""
    if quote.at is None:
        raise ValueError("the quote has not been accrued to a moment")
    return quote.at


def applied(version: Version, reserve: Reserve, category: Category | None) -> tuple[int, int, int]:
    """(threshold, loan-to-value, bonus) of a reserve for an account in that e-mode, in basis points.

    A category that holds the reserve replaces its threshold and bonus. Loan-to-value: until 3.5 a base value of 0 stays 0 in e-mode; from
    3.6 the category's `ltv_zero` bitmap decides, and from 3.7 an isolated category leaves 0 to everything outside it.
    """
    rules = reserve.rules
    inside = category is not None and bool(category.collateral >> reserve.id & 1)
    if category is None or not inside:
        alone = version >= Version.V3_7 and category is not None and category.isolated
        return rules.threshold, 0 if alone else rules.ltv, rules.bonus
    barred = category.ltv_zero >> reserve.id & 1 if version >= Version.V3_6 else rules.ltv == 0
    return category.threshold, 0 if barred else category.ltv, category.bonus


def answered(terms: Terms, quote: Quote, place: int) -> int:
    """The oracle's answer for the asset at that place of the terms; `MissingPrice` where the contract would revert or read nothing."""
    answer = quote.prices[place]
    if answer is None:
        asset = terms.assets[place]
        raise MissingPrice(asset.address, f"the oracle of {terms.market.name} does not answer for {asset.symbol}")
    return answer


def shared_price(terms: Terms, quote: Quote, category: Category | None) -> int | None:
    """The price that an e-mode puts in place of its assets' own, until 3.1; None where the category has no source."""
    if category is None or category.price_source is None:
        return None
    return answered(terms, quote, terms.place(category.price_source))


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
    entries = tuple(_entries(terms, quote, holding)) if holding.flags else ()
    counted = tuple(entry for entry in entries if entry.counts)
    sums = Sums(
        collateral=checked(sum(entry.deposit_value for entry in counted)),
        debt=checked(sum(entry.debt_value for entry in entries)),
        weighted=checked(sum(entry.deposit_value * entry.threshold for entry in counted)),
        lendable=checked(sum(entry.deposit_value * entry.ltv for entry in counted)),
    )
    return Account(entries, sums, any(entry.ltv == 0 for entry in counted))


def _entries(terms: Terms, quote: Quote, holding: Holding) -> Iterator[Entry]:
    at = now(quote)
    version = terms.version
    category = terms.category(holding.mode)
    shared = shared_price(terms, quote, category)  # the contract reads it first, even if no reserve uses it
    for place, (reserve, state) in enumerate(zip(terms.reserves, quote.states, strict=True)):
        borrows, secures = holding.borrows(reserve.id), holding.secures(reserve.id)
        if not (borrows or secures):
            continue
        inside = category is not None and category.collateral >> reserve.id & 1
        answer = shared if shared is not None and inside else answered(terms, quote, place)
        threshold, ltv, _ = applied(version, reserve, category)
        counts = secures and (version >= Version.V3_6 or reserve.rules.threshold != 0)
        balance = holding.balance(reserve.id)
        deposit = token.deposit(version, balance.deposit, state.income)
        stable = stable_debt(balance, at)
        debt = token.debt(version, balance.debt, state.owed) + stable if borrows else 0
        if debt and version is Version.V3_3 and not reserve.rules.accounted:
            raise AnswerError(f"{reserve.token.symbol} of {terms.market.name} has a debt with discount: not supported")
        yield Entry(
            reserve=reserve,
            state=state,
            deposit=deposit,
            debt=debt,
            deposit_value=health.deposit_value(deposit, answer, reserve.unit),
            debt_value=health.debt_value(version, debt, answer, reserve.unit),
            counts=counts,
            threshold=threshold,
            ltv=ltv,
            stable=stable,
            stable_rate=balance.rate,
        )
