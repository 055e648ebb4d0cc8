"""What a comptroller's markets do to an account that acts for itself: exact amounts, one market accrued, and every refusal.

The block is the quote's moment: accrue to the time of the transaction. Allowances and wallets are not looked at.
"""

from __future__ import annotations

from dataclasses import replace

from watcher.adapter import Acted, Action, Borrow, Refusal, Repay, SetMode, Supply, Withdraw
from watcher.adapters.compound_v2.account import Sums, debt_of, rate_of, sums
from watcher.adapters.compound_v2.facts import Entry, Holding, Listing, Quote, State, Terms
from watcher.adapters.compound_v2.quote import accrue, stuck
from watcher.errors import AnswerError, MissingPrice, Overflow
from watcher.formula.compound import liquidity
from watcher.formula.compound.exponential import over, times
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import rate, utilisation
from watcher.units import MAX, checked

Result = Acted[Quote, Holding] | Refusal

POOR = Refusal("INSUFFICIENT_LIQUIDITY")
DRY = Refusal("TOKEN_INSUFFICIENT_CASH")


def act(terms: Terms, quote: Quote, holding: Holding, action: Action) -> Result:
    """The world after the action, or why it would fail. 2**256 - 1, or all that there is, withdraws or repays everything.

    The account's other markets are as stale in the check as they are stored. A supply does not enter the market: it protects nothing
    in one that was not entered. The rate is set anew where the model's curve is known, else later interest is an estimate.
    `AnswerError` where it would depend on cTokens that the holding left out.
    """
    if isinstance(action, SetMode):
        return Refusal("there is no e-mode")
    listing = terms.find(action.token)
    if listing is None:
        return Refusal(f"{action.token} has no market in {terms.market.name}")
    if action.amount == 0:
        return Refusal("an amount of zero changes nothing")
    if not holding.complete and not holding.counts(listing.id) and isinstance(action, Supply | Withdraw):
        raise AnswerError("cTokens in markets not entered were not read: read fewer accounts at once")
    if stuck(quote.states[listing.id]):
        return Refusal("the market's interest cannot be accrued")
    fresh = accrue(terms, quote, quote.moment, frozenset({listing.address}))
    try:
        match action:
            case Supply(_, amount):
                return _supply(terms, quote, holding, listing, amount)
            case Withdraw(_, amount):
                return _withdraw(terms, quote, fresh, holding, listing, amount)
            case Borrow(_, amount):
                return _borrow(terms, quote, fresh, holding, listing, amount)
            case Repay(_, amount):
                return _repay(quote, holding, listing, amount)
    except MissingPrice as error:
        return Refusal(f"PRICE_ERROR: {error}")
    except Overflow:
        return Refusal("MATH_ERROR")


def _supply(terms: Terms, quote: Quote, holding: Holding, listing: Listing, amount: int) -> Result:
    """`mintFresh`. A supply cap is one of Moonwell's: strictly below it, by the deposits as they are stored."""
    if not listing.listed:
        return Refusal("MARKET_NOT_LISTED")
    if listing.mint_paused:
        return Refusal("mint is paused")
    state, entry = quote.states[listing.id], holding.entry(listing.id)
    pool = state.now
    if (
        listing.supply_cap is not None
        and checked(pool.cash + pool.borrows - pool.reserves) + amount >= listing.supply_cap
    ):
        return Refusal("market supply cap reached")
    minted = over(amount, rate_of(state))
    after = replace(pool, cash=checked(pool.cash + amount), supply=checked(pool.supply + minted))
    return Acted(_moved(quote, listing, state, after), changed(holding, replace(entry, tokens=entry.tokens + minted)))


def _withdraw(terms: Terms, quote: Quote, fresh: Quote, holding: Holding, listing: Listing, amount: int) -> Result:
    """`redeem` of all cTokens where all of the underlying is asked for, else `redeemUnderlying`."""
    state, entry = quote.states[listing.id], holding.entry(listing.id)
    pool, price_of_one = state.now, rate_of(state)
    whole = times(price_of_one, entry.tokens)
    everything = amount in (MAX, whole)
    tokens, amount = (entry.tokens, whole) if everything else (over(amount, price_of_one), amount)
    if tokens == 0:
        return Refusal("redeemTokens zero")
    if holding.counts(listing.id):
        seen = sums(terms, fresh, holding)
        gone = liquidity.collateral(terms.library, listing.factor, price_of_one, quote.price(listing), tokens)
        if Sums(seen.weighted, checked(seen.owed + gone)).shortfall:
            return POOR
    if tokens > entry.tokens:
        return Refusal("REDEEM_NEW_ACCOUNT_BALANCE_CALCULATION_FAILED")
    if pool.cash < amount:
        return DRY
    after = replace(pool, cash=pool.cash - amount, supply=checked(pool.supply - tokens))
    return Acted(_moved(quote, listing, state, after), changed(holding, replace(entry, tokens=entry.tokens - tokens)))


def _borrow(terms: Terms, quote: Quote, fresh: Quote, holding: Holding, listing: Listing, amount: int) -> Result:
    """`borrowAllowed` and `borrowFresh`: borrowing enters the market."""
    if not listing.listed:
        return Refusal("MARKET_NOT_LISTED")
    if listing.borrow_paused:
        return Refusal("borrow is paused")
    state, entry = quote.states[listing.id], holding.entry(listing.id)
    pool = state.now
    entered = replace(holding, entered=holding.entered | 1 << listing.id)
    price = quote.price(listing)
    if listing.borrow_cap is not None and pool.borrows + amount >= listing.borrow_cap:
        return Refusal("market borrow cap reached")
    seen = sums(terms, fresh, entered)
    if Sums(seen.weighted, checked(seen.owed + liquidity.debt(price, amount))).shortfall:
        return POOR
    if pool.cash < amount:
        return DRY
    principal = checked(debt_of(listing, state, entry) + amount)
    after = replace(pool, cash=pool.cash - amount, borrows=checked(pool.borrows + amount))
    owing = replace(entry, principal=principal, index=pool.index)
    return Acted(_moved(quote, listing, state, after), changed(entered, owing))


def _repay(quote: Quote, holding: Holding, listing: Listing, amount: int) -> Result:
    """`repayBorrowFresh`: not paused by anything."""
    state, entry = quote.states[listing.id], holding.entry(listing.id)
    pool, debt = state.now, debt_of(listing, state, entry)
    amount = debt if amount == MAX else amount
    if amount > debt:
        return Refusal("REPAY_BORROW_NEW_ACCOUNT_BORROW_BALANCE_CALCULATION_FAILED")
    if amount > pool.borrows:
        return Refusal("REPAY_BORROW_NEW_TOTAL_BALANCE_CALCULATION_FAILED")
    after = replace(pool, cash=checked(pool.cash + amount), borrows=pool.borrows - amount)
    left = replace(entry, principal=debt - amount, index=pool.index if debt - amount else 0)
    return Acted(_moved(quote, listing, state, after), changed(holding, left))


def changed(holding: Holding, entry: Entry) -> Holding:
    """The holding with one entry replaced."""
    others = [other for other in holding.entries if other.id != entry.id]
    kept = [entry] if entry.tokens or entry.principal else []
    return replace(holding, entries=tuple(sorted((*others, *kept), key=lambda one: one.id)))


def _moved(quote: Quote, listing: Listing, state: State, pool: Pool) -> Quote:
    """The quote with this market's books stored anew at its moment, and the model's answer for them where its curve is known."""
    tick = listing.clock.tick(quote.moment)
    pool = replace(pool, stamp=tick)
    paid = rate(listing.curve, utilisation(pool)) if listing.curve else state.rate
    moved = State(pool, pool, paid, state.initial)
    return replace(quote, states=(*quote.states[: listing.id], moved, *quote.states[listing.id + 1 :]))
