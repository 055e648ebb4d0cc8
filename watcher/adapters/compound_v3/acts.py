"""What an owner's action does to totals and holding, with Comet's rounding and refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeAlias, assert_never

from watcher.adapter import Acted, Action, Borrow, Refusal, Repay, SetMode, Supply, Withdraw
from watcher.adapters.compound_v3.facts import SUPPLY, WITHDRAW, Asset, Holding, Quote, Terms
from watcher.adapters.compound_v3.worth import BASE, debt_of, entries, price_at, read
from watcher.errors import MissingPrice, Overflow
from watcher.figures import exact
from watcher.formula.comet import balance, bounded, moved, owed_value
from watcher.model import Token

Outcome: TypeAlias = Acted[Quote, Holding] | Refusal

PAUSED: Final = Refusal("Paused")
POOR: Final = Refusal("NotCollateralized")
SMALL: Final = Refusal("BorrowTooSmall")
FULL: Final = Refusal("SupplyCapExceeded")
DRY: Final = Refusal("insufficient liquidity")


def act(terms: Terms, quote: Quote, holding: Holding, action: Action) -> Outcome:
    """The next state as the owner's own transaction would leave it, from an accrued quote.

    Comet knows only supplies and withdrawals: base that is supplied repays first, base that is withdrawn beyond a deposit is borrowed.
    A `Repay` or `Withdraw` of more than is owed or lent is refused, so that neither turns into the other side unasked.
    """
    if isinstance(action, SetMode):
        return Refusal("Comet has no e-mode")
    if action.amount == 0:
        return Refusal("nothing to do")
    if quote.stops(SUPPLY if isinstance(action, Supply | Repay) else WITHDRAW):
        return PAUSED
    try:
        if action.token == terms.base.address:
            return _base(terms, quote, holding, action)
        for asset in terms.assets:
            if action.token == asset.token.address:
                return _collateral(terms, quote, holding, asset, action)
    except (MissingPrice, Overflow) as error:
        return Refusal(str(error))
    return Refusal(f"{action.token} is neither base nor collateral of {terms.market.name}")


def _whole(amount: int, token: Token) -> str:
    return f"{exact(amount, token.decimals)} {token.symbol}"


def _base(terms: Terms, quote: Quote, holding: Holding, action: Supply | Withdraw | Borrow | Repay) -> Outcome:
    present = balance(holding.principal, quote.totals)
    match action:
        case Repay() if action.amount > max(0, -present):
            return Refusal(f"only {_whole(max(0, -present), terms.base)} are owed")
        case Withdraw() if action.amount > max(0, present):
            return Refusal(f"only {_whole(max(0, present), terms.base)} are lent")
        case Supply() | Repay():
            return _shifted(quote, holding, action.amount)
        case Withdraw() | Borrow():
            if action.amount > quote.cash:
                return DRY
            after = _shifted(quote, holding, -action.amount)
            left = present - action.amount
            if left < 0 and -left < terms.minimum:
                return SMALL
            return after if left >= 0 or _covered(terms, after.quote, after.holding) else POOR
        case _:
            assert_never(action)


def _shifted(quote: Quote, holding: Holding, amount: int) -> Acted[Quote, Holding]:
    """`supplyBase`, or below zero `withdrawBase`: both accrue, so what was computed is now what is stored."""
    totals, principal = moved(quote.totals, holding.principal, amount)
    after = replace(quote, totals=totals, cash=quote.cash + amount, stored=None)
    return Acted(after, replace(holding, principal=principal))


def _collateral(
    terms: Terms, quote: Quote, holding: Holding, asset: Asset, action: Supply | Withdraw | Borrow | Repay
) -> Outcome:
    """Neither way accrues: the check after a withdrawal is on stored indices."""
    held = dict(holding.balances).get(asset.place, 0)
    match action:
        case Supply():
            after = _held(quote, holding, asset, held, action.amount)
            return FULL if after.quote.collateral[asset.place] > asset.cap else after
        case Withdraw() if action.amount > held:
            return Refusal(f"only {_whole(held, asset.token)} are held")
        case Withdraw():
            after = _held(quote, holding, asset, held, -action.amount)
            return after if _covered(terms, after.quote.unaccrued(), after.holding) else POOR
        case Borrow() | Repay():
            return Refusal(f"{terms.market.name} lends {terms.base.symbol} only")
        case _:
            assert_never(action)


def _held(quote: Quote, holding: Holding, asset: Asset, held: int, amount: int) -> Acted[Quote, Holding]:
    left, bit = bounded(held + amount, 128), 1 << asset.place
    balances = {**dict(holding.balances), asset.place: left}
    kept = tuple(sorted((place, balance) for place, balance in balances.items() if balance))
    totals = list(quote.collateral)
    totals[asset.place] = bounded(totals[asset.place] + amount, 128)
    entered = holding.entered | bit if left else holding.entered & ~bit
    return Acted(replace(quote, collateral=tuple(totals)), replace(holding, entered=entered, balances=kept))


def _covered(terms: Terms, quote: Quote, holding: Holding) -> bool:
    """`isBorrowCollateralized` by this quote's indices; stops early as it does. `MissingPrice` where it would revert."""
    if holding.principal >= 0:
        return True
    owed = owed_value(debt_of(quote, holding), price_at(quote, BASE, terms.base), terms.base_scale)
    return read(entries(terms, quote, holding), owed, borrowing=True) >= owed
