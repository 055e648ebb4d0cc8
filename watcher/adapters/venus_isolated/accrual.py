"""Interest up to a moment and what follows from it: exchange rates, yearly rates, and every asset as everyone sees it."""

from __future__ import annotations

from dataclasses import replace

from watcher.adapter import Accrued, Panel, Which
from watcher.adapters.venus_isolated.facts import Deed, Quote, State, Terms, VToken
from watcher.adapters.venus_isolated.rates import borrow_rate, drawn, supply_rate, utilisation
from watcher.errors import Overflow
from watcher.formula.compound import pool
from watcher.formula.compound.exponential import times
from watcher.formula.compound.rate import yearly
from watcher.model import Moment
from watcher.units import RAY, WAD, Raw, Ray


def accrue(terms: Terms, quote: Quote, at: Moment, which: Accrued) -> Quote:
    """`VToken.accrueInterest` at `at` of every vToken, or of those whose underlying is named; from the stored books, in one step.

    The rate is the contract's own answer for the stored books. Reserves that an accrual pays out leave the cash as well: no exchange
    rate, utilisation or free liquidity changes by it. `Overflow` for a moment before the last accrual, as in the contract.
    """
    quote = quote.unaccrued()
    states = tuple(
        _accrued(vtoken, state, at) if _named(vtoken, which) else state
        for vtoken, state in zip(terms.vtokens, quote.states, strict=True)
    )
    return replace(quote, states=states, stored=quote.states, at=at)


def _named(vtoken: VToken, which: Accrued) -> bool:
    return vtoken.token.address in which if isinstance(which, frozenset) else which is Which.ALL


def _accrued(vtoken: VToken, state: State, at: Moment) -> State:
    books = pool.accrued(state.books, state.rate, vtoken.reserve_factor, vtoken.tick(at))
    return state if books == state.books else rated(vtoken, _paid_out(vtoken, replace(state, books=books)))


def _paid_out(vtoken: VToken, state: State) -> State:
    """As much of the reserves as there is cash for, once they are due; without cash the payout counts as made all the same."""
    books = state.books
    if books.stamp - state.paid < vtoken.payout:
        return state
    amount = min(books.cash, books.reserves)
    return replace(
        state,
        books=replace(books, cash=books.cash - amount, reserves=books.reserves - amount),
        paid=books.stamp,
    )


def rated(vtoken: VToken, state: State) -> State:
    """The books with the rate that the model charges on them; a model that is not known keeps the rate that was read."""
    rate = borrow_rate(vtoken.model, utilisation(state.books, state.bad))
    return state if rate is None else replace(state, rate=rate)


def exchange_rate(vtoken: VToken, state: State) -> int:
    """`VToken.exchangeRateStored`: raw underlying per vToken, a wad; bad debt still counts as lent."""
    return pool.exchange_rate(replace(state.books, cash=state.books.cash + state.bad), vtoken.initial)


def lent_rate(vtoken: VToken, state: State) -> Ray:
    """Earned on deposits, a year, simple."""
    return yearly(supply_rate(state.rate, state.books, state.bad, vtoken.reserve_factor), vtoken.ticks)


def owed_rate(vtoken: VToken, state: State) -> Ray:
    """Paid on debts, a year, simple."""
    return yearly(state.rate, vtoken.ticks)


def panels(terms: Terms, quote: Quote) -> tuple[Panel, ...]:
    """Every vToken's underlying. `frozen`: nothing can be supplied nor borrowed; `paused`: nothing can be liquidated."""
    return tuple(_panel(vtoken, state) for vtoken, state in zip(terms.vtokens, quote.states, strict=True))


def _panel(vtoken: VToken, state: State) -> Panel:
    books = state.books
    return Panel(
        token=vtoken.token,
        supplied=Raw(times(exchange_rate(vtoken, state), books.supply)),
        borrowed=Raw(books.borrows),
        free=Raw(max(0, books.cash - books.reserves)),
        utilisation=Ray(utilisation(books, state.bad) * (RAY // WAD)),
        supply_rate=lent_rate(vtoken, state),
        borrow_rate=owed_rate(vtoken, state),
        curve=drawn(vtoken.model, vtoken.ticks),
        supply_cap=None if vtoken.supply_cap is None else Raw(vtoken.supply_cap),
        borrow_cap=None if vtoken.borrow_cap is None else Raw(vtoken.borrow_cap),
        paused=vtoken.stopped(Deed.LIQUIDATE),
        frozen=vtoken.stopped(Deed.MINT) and vtoken.stopped(Deed.BORROW),
        grace_until=None,
    )


def vtoken_price(vtoken: VToken, state: State, price: int) -> int | None:
    """⌊exchange rate · price / 1e18⌋: USD (18 decimals) of 1e18 vTokens. None where the contract's sums leave 256 bits."""
    try:
        return times(exchange_rate(vtoken, state), price)
    except Overflow:
        return None
