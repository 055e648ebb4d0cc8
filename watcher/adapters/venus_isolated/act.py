"""What a vToken does for an account that acts for itself: exact vTokens and principals, and its refusals.

The block is the quote's moment. Only the vToken acted on is accrued: the comptroller judges by the stored books of the others.
Allowances and wallets are not looked at.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from watcher.adapter import Acted, Action, Borrow, Refusal, Repay, SetMode, Supply, Withdraw
from watcher.adapters.venus_isolated.accrual import accrue, exchange_rate, rated
from watcher.adapters.venus_isolated.facts import Balance, Deed, Holding, Quote, State, Terms, VToken
from watcher.adapters.venus_isolated.worth import price_of, sums
from watcher.errors import AnswerError, MissingPrice, Overflow, UsageError
from watcher.figures import exact
from watcher.formula.compound.exponential import over, times
from watcher.formula.compound.pool import owed
from watcher.units import MAX, checked

Outcome = Acted[Quote, Holding] | Refusal

SHORT = Refusal("insufficient liquidity")
DRY = Refusal("not enough cash in the market")


def act(terms: Terms, quote: Quote, holding: Holding, action: Action) -> Outcome:
    """The world after the action, or why the contract would revert. 2**256 - 1 withdraws or repays everything.

    A deposit protects debt only where the market has been entered; borrowing enters it. `AnswerError` for a deposit that the holding left
    out.
    """
    if isinstance(action, SetMode):
        return Refusal("isolated pools have no e-mode")
    if action.amount == 0:
        return Refusal("nothing to do")
    try:
        place = terms.place(action.token)
        scene = _Scene.of(terms, quote, holding, place)
        if not holding.complete and not scene.balance.entered and isinstance(action, Supply | Withdraw):
            raise AnswerError("deposits that are not collateral were not read: read fewer accounts at once")
        match action:
            case Supply(_, amount):
                return _supply(scene, amount)
            case Withdraw(_, amount):
                return _withdraw(scene, amount)
            case Borrow(_, amount):
                return _borrow(scene, amount)
            case Repay(_, amount):
                return _repay(scene, amount)
            case _:
                assert_never(action)
    except Overflow:
        return Refusal("arithmetic underflow or overflow")
    except (MissingPrice, UsageError) as error:
        return Refusal(str(error))


class _Scene:
    """The vToken acted on, accrued, with the balance in it; and the quote as the chain is given it, with nothing else accrued."""

    def __init__(self, terms: Terms, quote: Quote, seen: Quote, holding: Holding, place: int) -> None:
        self.terms, self.quote, self.seen, self.holding, self.place = terms, quote, seen, holding, place
        self.vtoken: VToken = terms.vtokens[place]
        self.state: State = seen.states[place]
        self.balance: Balance = holding.balance(self.vtoken.address)

    @classmethod
    def of(cls, terms: Terms, quote: Quote, holding: Holding, place: int) -> _Scene:
        seen = accrue(terms, quote, quote.moment, frozenset({terms.vtokens[place].token.address}))
        return cls(terms, quote, seen, holding, place)

    def after(self, balance: Balance, *, cash: int = 0, borrows: int = 0, supply: int = 0) -> Acted[Quote, Holding]:
        """The books moved by these amounts and stored, the balance in its place."""
        old = self.state.books
        books = replace(
            old,
            cash=checked(old.cash + cash),
            borrows=checked(old.borrows + borrows),
            supply=checked(old.supply + supply),
        )
        state = rated(self.vtoken, replace(self.state, books=books))
        stored = self.quote.stored if self.quote.stored is not None else self.quote.states
        quote = replace(self.quote, states=self._put(self.quote.states, state), stored=self._put(stored, state))
        return Acted(quote, self.held(balance))

    def held(self, balance: Balance) -> Holding:
        others = [one for one in self.holding.balances if one.vtoken != balance.vtoken]
        kept = [balance] if balance.tokens or balance.principal or balance.entered else []
        return replace(self.holding, balances=tuple(sorted((*others, *kept), key=lambda one: one.vtoken)))

    def _put(self, states: tuple[State, ...], state: State) -> tuple[State, ...]:
        return (*states[: self.place], state, *states[self.place + 1 :])


def _stopped(scene: _Scene, deed: Deed) -> Refusal | None:
    if not scene.vtoken.stopped(deed):
        return None
    return Refusal(f"{deed.name.lower()} is paused for {scene.vtoken.token.symbol}")


def _supply(scene: _Scene, amount: int) -> Outcome:
    """`_mintFresh`: ⌊amount · 1e18 / exchange rate⌋ vTokens."""
    rate, supply = exchange_rate(scene.vtoken, scene.state), scene.state.books.supply
    cap = scene.vtoken.supply_cap
    if refused := _stopped(scene, Deed.MINT):
        return refused
    if cap is not None and times(rate, supply) + amount > cap:
        return Refusal(f"supply cap of {_whole(scene, cap)} exceeded")
    tokens = over(amount, rate)
    balance = replace(scene.balance, tokens=checked(scene.balance.tokens + tokens))
    return scene.after(balance, cash=amount, supply=tokens)


def _withdraw(scene: _Scene, amount: int) -> Outcome:
    """`_redeemFresh` by amount, whose vTokens are rounded up; whoever withdraws all that there is names the vTokens."""
    rate, held = exchange_rate(scene.vtoken, scene.state), scene.balance.tokens
    whole = times(rate, held)
    tokens = held if amount in (MAX, whole) else over(amount, rate)
    back = times(tokens, rate)
    if amount not in (MAX, whole) and back not in (0, amount):
        tokens += 1
    paid = times(rate, tokens)
    if refused := _stopped(scene, Deed.REDEEM):
        return refused
    if paid == 0:
        return Refusal("nothing would be paid out")
    if scene.balance.entered:
        seen = sums(scene.terms, scene.seen, scene.holding)
        unit = times(scene.vtoken.factor, times(rate, price_of(scene.terms, scene.quote, scene.place)))
        if seen.borrowable < checked(seen.debt + times(unit, tokens)):
            return SHORT
    if tokens > held:
        return Refusal(f"only {_whole(scene, whole)} are held")
    if scene.state.books.cash - scene.state.books.reserves < paid:
        return DRY
    return scene.after(replace(scene.balance, tokens=held - tokens), cash=-paid, supply=-tokens)


def _borrow(scene: _Scene, amount: int) -> Outcome:
    """`preBorrowHook` and `_borrowFresh`: the new principal is all that is owed now."""
    books, cap = scene.state.books, scene.vtoken.borrow_cap
    if refused := _stopped(scene, Deed.BORROW):
        return refused
    if not scene.balance.entered and (refused := _stopped(scene, Deed.ENTER)):
        return refused
    if cap is not None and books.borrows + amount + scene.state.bad > cap:
        return Refusal(f"borrow cap of {_whole(scene, cap)} exceeded")
    entered = replace(scene.balance, entered=True)
    seen = sums(scene.terms, scene.seen, scene.held(entered))
    asked = times(price_of(scene.terms, scene.quote, scene.place), amount)
    if seen.borrowable < checked(seen.debt + asked):
        return SHORT
    if books.cash - books.reserves < amount:
        return DRY
    debt = checked(owed(entered.principal, entered.since, books.index) + amount)
    return scene.after(replace(entered, principal=debt, since=books.index), cash=-amount, borrows=amount)


def _repay(scene: _Scene, amount: int) -> Outcome:
    """`_repayBorrowFresh`: what is more than owed is not taken; where nothing is, it takes nothing."""
    balance, index = scene.balance, scene.state.books.index
    debt = owed(balance.principal, balance.since, index)
    if refused := _stopped(scene, Deed.REPAY):
        return refused
    paid = min(amount, debt)
    left = replace(balance, principal=debt - paid, since=index if paid < debt else 0)
    return scene.after(left, cash=paid, borrows=-paid)


def _whole(scene: _Scene, amount: int) -> str:
    token = scene.vtoken.token
    return f"{exact(amount, token.decimals)} {token.symbol}"
