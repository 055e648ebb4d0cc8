"""What Venus does to an account that acts for itself: exact vTokens and principals, and its refusals in its own words.

The block is the quote's moment. Only the vToken acted on is accrued: the comptroller judges by the stored books of the others. Allowances
and wallets are not looked at. Depositing does not enter a market: what was not entered protects nothing.
"""

from __future__ import annotations

from dataclasses import replace

from watcher.adapter import Acted, Action, Borrow, Refusal, Repay, SetMode, Supply, Withdraw
from watcher.adapters.venus import vai
from watcher.adapters.venus.account import Sums, bound_of, factor_sums, factors, minted, owing
from watcher.adapters.venus.facts import CORE, NOTHING, Entry, Holding, Paused, Quote, Stored, Terms
from watcher.adapters.venus.quote import accrue, rate
from watcher.errors import AnswerError, MissingPrice, Overflow
from watcher.formula.compound.exponential import Library, over, product, times
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import rate as kinked
from watcher.formula.compound.rate import twice_kinked, utilisation
from watcher.units import MAX, checked

Result = Acted[Quote, Holding]


class Denied(Exception):
    """Venus would revert, or answer an error code."""


def deny(wrong: object, reason: str) -> None:
    if wrong:
        raise Denied(reason)


def act(terms: Terms, quote: Quote, holding: Holding, action: Action) -> Result | Refusal:
    """The world after the action, or why Venus refuses. 2**256 - 1 withdraws or repays everything.

    A mode is an e-mode pool. VAI can be repaid; what may be minted of it is not told. `AnswerError` for that, and for a deposit that the
    holding left out.
    """
    try:
        if isinstance(action, SetMode):
            return _enter_pool(terms, quote, holding, action.category)
        deny(action.amount == 0, "the amount is zero")
        if terms.vai is not None and action.token == terms.vai.token.address:
            return _vai(terms, quote, holding, action)
        place = terms.place(action.token)
        if place is None:
            raise Denied(f"{action.token} is not of {terms.market.name}")
        scene = _Scene(terms, quote, holding, place)
        if not holding.complete and not scene.entry.entered and isinstance(action, Supply | Withdraw):
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
    except (Denied, MissingPrice) as refused:
        return Refusal(str(refused))
    except Overflow:
        return Refusal("math error")


class _Scene:
    """The vToken acted on, accrued, and the entry in it; `seen` is the quote as the comptroller judges by it."""

    def __init__(self, terms: Terms, quote: Quote, holding: Holding, place: int) -> None:
        self.terms, self.quote, self.holding, self.place = terms, quote, holding, place
        self.asset = terms.assets[place]
        self.seen = accrue(terms, quote, quote.moment, frozenset({self.asset.token.address}))
        self.pool: Pool = self.seen.pools[place]
        self.entry: Entry = holding.entry(place)

    def allow(self, deed: Paused) -> None:
        deny(self.terms.stopped, "protocol is paused")
        deny(deed in self.asset.paused, "action is paused")
        deny(not self.asset.listed, "market not listed")

    def held(self, entry: Entry) -> Holding:
        others = [one for one in self.holding.entries if one.place != self.place]
        kept = [entry] if entry.tokens or entry.principal or entry.entered else []
        return replace(self.holding, entries=tuple(sorted((*others, *kept), key=lambda one: one.place)))

    def after(self, entry: Entry, *, cash: int = 0, borrows: int = 0, supply: int = 0) -> Result:
        """The books moved by these amounts and stored, and the rate that follows where the model is known."""
        old = self.pool
        pool = replace(
            old,
            cash=checked(old.cash + cash),
            borrows=checked(old.borrows + borrows),
            supply=checked(old.supply + supply),
        )
        before = self.quote.stored or Stored(self.quote.pools, self.quote.vai)
        stored = replace(before, pools=self._put(before.pools, pool))
        quote = replace(self.quote, pools=self._put(self.quote.pools, pool), rates=self._rates(pool))
        same = (quote.pools, quote.vai) == (stored.pools, stored.vai)
        return Acted(replace(quote, stored=None if same else stored), self.held(entry))

    def _put(self, pools: tuple[Pool, ...], pool: Pool) -> tuple[Pool, ...]:
        return (*pools[: self.place], pool, *pools[self.place + 1 :])

    def _rates(self, pool: Pool) -> tuple[int | None, ...]:
        asset, rates, used = self.asset, self.quote.rates, utilisation(pool)
        now = rates[self.place]
        if asset.curve is not None:
            now = kinked(asset.curve, used)
        elif asset.kinks is not None:
            now = twice_kinked(asset.kinks, used)
        return (*rates[: self.place], now, *rates[self.place + 1 :])


def _supply(scene: _Scene, amount: int) -> Result:
    """`mintFresh`: ⌊amount · 1e18 / exchange rate⌋ vTokens."""
    scene.allow(Paused.MINT)
    exchange, supply = rate(scene.asset, scene.pool), scene.pool.supply
    deny(scene.asset.supply_cap == 0, "market supply cap is 0")
    deny(times(exchange, supply) + amount > scene.asset.supply_cap, "market supply cap reached")
    tokens = over(amount, exchange)
    return scene.after(replace(scene.entry, tokens=checked(scene.entry.tokens + tokens)), cash=amount, supply=tokens)


def _withdraw(scene: _Scene, amount: int) -> Result:
    """`redeemFresh` by amount, whose vTokens round down; whoever withdraws all that there is names the vTokens."""
    scene.allow(Paused.REDEEM)
    exchange, held = rate(scene.asset, scene.pool), scene.entry.tokens
    whole = times(exchange, held)
    everything = amount in (MAX, whole)
    tokens, paid = (held, whole) if everything else (over(amount, exchange), amount)
    if scene.entry.entered:
        seen = factor_sums(scene.terms, scene.seen, scene.holding)
        weight = factors(scene.terms, scene.holding.mode, scene.place).factor
        exact = Library.TRUNCATING
        unit = product(exact, product(exact, weight, exchange), bound_of(scene.terms, scene.seen, scene.place)[0])
        deny(seen.weighted < checked(seen.debt + times(unit, tokens)), "INSUFFICIENT_LIQUIDITY")
    deny(tokens > held or scene.pool.cash < paid, "math error")
    deny(tokens == 0 and paid > 0, "redeemTokens zero")
    return scene.after(replace(scene.entry, tokens=held - tokens), cash=-paid, supply=-tokens)


def _borrow(scene: _Scene, amount: int) -> Result:
    """`borrowAllowed` and `borrowFresh`: the new principal is all that is owed now. Borrowing enters the market."""
    scene.allow(Paused.BORROW)
    terms, holding, asset = scene.terms, scene.holding, scene.asset
    category = terms.category(holding.mode)
    inside = asset.core
    if category is not None:
        inside = next((known for place, known in category.members if place == scene.place), None) or NOTHING
    deny(not inside.borrowable, "BorrowNotAllowedInPool")
    deny(category is not None and not category.active, "InactivePool")
    deny(asset.borrow_cap == 0, "market borrow cap is 0")
    deny(not scene.entry.entered and Paused.ENTER in asset.paused, "action is paused")
    deny(scene.pool.borrows + amount > asset.borrow_cap, "market borrow cap reached")
    entered = replace(scene.entry, entered=True)
    seen = factor_sums(terms, scene.seen, scene.held(entered))
    asked = times(bound_of(terms, scene.seen, scene.place)[1], amount)
    deny(seen.weighted < checked(seen.debt + asked), "INSUFFICIENT_LIQUIDITY")
    deny(scene.pool.cash < amount, "math error")
    debt = checked(owing(scene.seen, entered) + amount)
    return scene.after(replace(entered, principal=debt, index=scene.pool.index), cash=-amount, borrows=amount)


def _repay(scene: _Scene, amount: int) -> Result:
    """`repayBorrowFresh`: what is more than owed is not taken."""
    scene.allow(Paused.REPAY)
    debt = owing(scene.seen, scene.entry)
    deny(debt == 0, f"no {scene.asset.token.symbol} is owed")
    deny(scene.asset.native and debt < amount != MAX, "value mismatch")
    paid = min(amount, debt)
    left = replace(scene.entry, principal=debt - paid, index=scene.pool.index if debt - paid else 0)
    return scene.after(left, cash=paid, borrows=-paid)


def _vai(terms: Terms, quote: Quote, holding: Holding, action: Supply | Withdraw | Borrow | Repay) -> Result:
    """`repayVAI`, which accrues VAI alone."""
    deny(isinstance(action, Supply | Withdraw), "VAI is minted and repaid, and nothing else")
    if isinstance(action, Borrow):
        raise AnswerError("how much VAI may be minted is not told")
    deny(terms.stopped, "protocol is paused")
    if holding.vai is None or not minted(quote, holding.vai):
        raise Denied("no VAI is owed")
    done = vai.parts(quote, holding.vai, action.amount)
    left = vai.after(quote, holding.vai, done)
    stored = None if quote.stored is None else replace(quote.stored, vai=quote.vai)
    return Acted(replace(quote, stored=stored), replace(holding, vai=left))


def _enter_pool(terms: Terms, quote: Quote, holding: Holding, mode: int) -> Result:
    """`enterPool`: every debt must be one that the pool allows, and borrowing power must suffice there, on the stored books."""
    category = terms.category(mode)
    deny(mode != CORE and category is None, "PoolDoesNotExist")
    deny(mode == holding.mode, "AlreadyInSelectedPool")
    deny(category is not None and not category.active, "InactivePool")
    deny(mode != CORE and holding.vai is not None, "IncompatibleBorrowedAssets")
    seen = accrue(terms, quote, quote.moment, frozenset())
    inside = {place: known.borrowable for place, known in category.members} if category else {}
    for entry in holding.entered():
        allowed = inside.get(entry.place, False) if category else terms.assets[entry.place].core.borrowable
        deny(not allowed and owing(seen, entry), "IncompatibleBorrowedAssets")
    after = replace(holding, mode=mode)
    power: Sums = factor_sums(terms, seen, after)
    deny(power.shortfall, "LiquidityCheckFailed")
    return Acted(quote, after)
