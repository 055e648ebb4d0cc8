"""What an action or a liquidation does to totals and holding, with Morpho's rounding and refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from eth_typing import ChecksumAddress

from watcher.adapter import Acted, Action, Borrow, Liquidation, Refusal, Repay, SetMode, Supply, Withdraw
from watcher.adapters.morpho_blue.facts import Holding, Quote, Terms
from watcher.adapters.morpho_blue.price import price_of, unit
from watcher.adapters.morpho_blue.worth import limit, supply_shares
from watcher.errors import MissingPrice, Overflow
from watcher.figures import exact
from watcher.formula.morpho import (
    incentive,
    largest_seizure,
    quoted_down,
    to_assets_down,
    to_assets_up,
    to_shares_down,
    to_shares_up,
    uint128,
)
from watcher.model import Token
from watcher.units import Raw, checked

Outcome = Acted[Quote, Holding] | Refusal

POOR = Refusal("insufficient collateral")
DRY = Refusal("insufficient liquidity")


def act(terms: Terms, quote: Quote, holding: Holding, action: Action) -> Outcome:
    """The next state as the owner's own transaction would leave it, from an accrued quote.

    The loan token is lent and withdrawn, the collateral token is collateral. Morpho takes an amount or shares: whoever repays exactly
    what is owed, or withdraws exactly what was lent, is taken to name the shares, which alone leaves nothing behind.
    """
    if isinstance(action, SetMode):
        return Refusal("Morpho has no e-mode")
    if terms.params.loan == terms.params.collateral:
        return Refusal("loan and collateral are one token in this market: lending cannot be told from collateral")
    if action.amount == 0:
        return Refusal("zero assets")
    try:
        if action.token == terms.params.loan:
            return _loan(terms, *_accrued(terms, quote, holding), action)
        if terms.collateral is not None and action.token == terms.collateral.address:
            return _collateral(terms, quote, holding, terms.collateral, action)
    except (MissingPrice, Overflow) as error:
        return Refusal(str(error))
    return Refusal(f"{action.token} is neither the loan nor the collateral token of {terms.market.name}")


def _accrued(terms: Terms, quote: Quote, holding: Holding) -> tuple[Quote, Holding]:
    """After `_accrueInterest`: what was computed is stored, fee shares are in the fee recipient's own holding."""
    if holding.key != terms.recipient:
        return quote.committed(), holding
    held = replace(holding, supply_shares=supply_shares(terms, quote, holding))
    return replace(quote.committed(), minted=0), held


def _whole(amount: int, token: Token) -> str:
    return f"{exact(amount, token.decimals)} {token.symbol}"


def _loan(terms: Terms, quote: Quote, holding: Holding, action: Supply | Withdraw | Borrow | Repay) -> Outcome:
    match action:
        case Supply():
            return _lend(quote, holding, action.amount)
        case Withdraw():
            return _take_back(terms, quote, holding, action.amount)
        case Borrow():
            return _borrow(terms, quote, holding, action.amount)
        case Repay():
            return _repay(terms, quote, holding, action.amount)
        case _:
            assert_never(action)


def _lend(quote: Quote, holding: Holding, assets: int) -> Outcome:
    supply = quote.totals.supply
    shares = to_shares_down(assets, supply)
    totals = replace(quote.totals, supply=supply.moved(assets, shares))
    held = replace(holding, supply_shares=checked(holding.supply_shares + shares))
    return Acted(replace(quote, totals=totals), held)


def _take_back(terms: Terms, quote: Quote, holding: Holding, assets: int) -> Outcome:
    supply, lent = quote.totals.supply, holding.supply_shares
    shares = lent if assets == to_assets_down(lent, supply) else to_shares_up(assets, supply)
    if shares > lent:
        return Refusal(f"only {_whole(to_assets_down(lent, supply), terms.loan)} are lent")
    totals = replace(quote.totals, supply=supply.moved(-assets, -shares))
    if totals.borrow.assets > totals.supply.assets:
        return DRY
    return Acted(replace(quote, totals=totals), replace(holding, supply_shares=lent - shares))


def _borrow(terms: Terms, quote: Quote, holding: Holding, assets: int) -> Outcome:
    borrow = quote.totals.borrow
    shares = to_shares_up(assets, borrow)
    held = replace(holding, borrow_shares=uint128(holding.borrow_shares + shares))
    moved = replace(quote, totals=replace(quote.totals, borrow=borrow.moved(assets, shares)))
    if not _healthy(terms, moved, held):
        return POOR
    return DRY if moved.totals.borrow.assets > moved.totals.supply.assets else Acted(moved, held)


def _repay(terms: Terms, quote: Quote, holding: Holding, assets: int) -> Outcome:
    borrow, owed = quote.totals.borrow, holding.borrow_shares
    debt = to_assets_up(owed, borrow)
    if assets > debt:
        return Refusal(f"only {_whole(debt, terms.loan)} are owed")
    shares = owed if assets == debt else to_shares_down(assets, borrow)
    totals = replace(quote.totals, borrow=borrow.repaid(assets, shares))
    return Acted(replace(quote, totals=totals), replace(holding, borrow_shares=owed - shares))


def _collateral(
    terms: Terms, quote: Quote, holding: Holding, token: Token, action: Supply | Withdraw | Borrow | Repay
) -> Outcome:
    match action:
        case Supply():  # the one action that accrues nothing
            return Acted(quote, replace(holding, collateral=uint128(holding.collateral + action.amount)))
        case Withdraw():
            if action.amount > holding.collateral:
                return Refusal(f"only {_whole(holding.collateral, token)} are held")
            quote, holding = _accrued(terms, quote, holding)
            left = replace(holding, collateral=holding.collateral - action.amount)
            return Acted(quote, left) if _healthy(terms, quote, left) else POOR
        case Borrow() | Repay():
            return Refusal(f"{terms.market.name} lends its loan token only")
        case _:
            assert_never(action)


def _healthy(terms: Terms, quote: Quote, holding: Holding) -> bool:
    """`Morpho._isHealthy`: without debt the oracle is not asked."""
    if not holding.borrow_shares:
        return True
    return limit(terms, quote, holding) >= to_assets_up(holding.borrow_shares, quote.totals.borrow)


def liquidation(
    terms: Terms, quote: Quote, holding: Holding, debt: ChecksumAddress, collateral: ChecksumAddress
) -> Liquidation | Refusal:
    """The whole debt, or all collateral where that buys less; Morpho has no close factor, no fee on it and no pause.

    Raises `MissingPrice` and `Overflow` as `value` does: the contract would read the same price.
    """
    if terms.collateral is None or (debt, collateral) != (terms.params.loan, terms.params.collateral):
        return Refusal(f"{terms.market.name} seizes its collateral token for its loan token only")
    if _healthy(terms, quote, holding):
        return Refusal("position is healthy")
    price, totals = price_of(terms, quote), quote.totals
    done = largest_seizure(totals, holding.collateral, holding.borrow_shares, price, terms.params.lltv)
    if done is None:
        return Refusal("one share of the debt buys more collateral than is held")
    return Liquidation(
        debt=terms.loan,
        collateral=terms.collateral,
        repay=Raw(done.repaid),
        seize=Raw(done.seized),
        fee=Raw(0),
        incentive=incentive(terms.params.lltv),
        bonus=quoted_down(done.seized, price) - done.repaid,
        unit=unit(terms),
        deficit=Raw(done.bad_debt),
        blocked=None,
    )
