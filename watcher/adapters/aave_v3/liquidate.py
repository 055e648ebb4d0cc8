"""The largest liquidation of one pair that an Aave V3 pool would carry out at the quote's moment (LiquidationLogic)."""

from __future__ import annotations

from eth_typing import ChecksumAddress

from watcher.adapter import Liquidation, Refusal
from watcher.adapters.aave_v3.account import account
from watcher.adapters.aave_v3.facts import Category, Holding, Quote, Reserve, Terms
from watcher.adapters.aave_v3.rules import Denied, deny, place
from watcher.adapters.aave_v3.seat import answered, applied, counts, shared_price
from watcher.adapters.aave_v3.value import obstacle
from watcher.formula.aave import health, liquidation, token
from watcher.formula.aave.liquidation import Pair
from watcher.formula.aave.version import Version
from watcher.units import Raw


def liquidate(
    terms: Terms, quote: Quote, holding: Holding, debt: ChecksumAddress, collateral: ChecksumAddress
) -> Liquidation | Refusal:
    """What a call with an unlimited amount repays and seizes; where that would leave dust (from 3.3), the most that does not.

    A pause, grace period or sentinel is named in `blocked` and the amounts are those of the moment it ends. `deficit` is this debt's
    unpaid rest when no collateral is left: from 3.3 the pool writes it off, together with every other debt of the account.
    """
    try:
        return _liquidation(terms, quote, holding, place(terms, debt), place(terms, collateral))
    except Denied as denied:
        return Refusal(denied.reason)


def _liquidation(terms: Terms, quote: Quote, holding: Holding, at_debt: int, at_collateral: int) -> Liquidation:
    version, owed, held = terms.version, terms.reserves[at_debt], terms.reserves[at_collateral]
    seen = account(terms, quote, holding)
    factor = health.health_factor(version, seen.sums)
    deny(factor is None or factor >= health.LIQUIDATION_LINE, "HealthFactorNotBelowThreshold")
    assert factor is not None
    deny(not holding.secures(held.id) or not counts(version, held), "CollateralCannotBeLiquidated")
    borrowed = seen.debt(owed)
    deny(borrowed == 0, "SpecifiedCurrencyNotBorrowedByUser")
    pair = _pair(terms, quote, holding, borrowed, at_debt, at_collateral)
    deny(pair.bonus == 0, "the collateral has no liquidation bonus")
    most = liquidation.closable(version, pair, seen.sums, factor)
    taken = liquidation.largest(version, pair, most)
    if taken is None:
        raise Denied("MustNotLeaveDust")
    emptied = liquidation.empties(version, pair, taken, seen.sums)
    burnt = pair.debt if emptied and version >= Version.V3_3 else taken.repay
    deny(token.burnt_deposit(version, taken.collateral, pair.index) == 0, "InvalidBurnAmount")
    deny(token.burnt_debt(version, burnt, quote.states[at_debt].owed) == 0, "InvalidBurnAmount")
    final = liquidation.moved(version, pair, taken)
    gain = health.deposit_value(final.collateral, pair.price, pair.unit)
    cost = health.debt_value(version, final.repay, pair.debt_price, pair.debt_unit)
    return Liquidation(
        debt=owed.token,
        collateral=held.token,
        repay=Raw(final.repay),
        seize=Raw(final.total),
        fee=Raw(final.fee),
        incentive=pair.bonus,
        bonus=gain - cost,
        unit=terms.unit,
        deficit=Raw(pair.debt - final.repay if emptied else 0),
        blocked=obstacle(terms, quote, owed, held, factor),
    )


def _pair(terms: Terms, quote: Quote, holding: Holding, borrowed: int, at_debt: int, at_collateral: int) -> Pair:
    """Both sides as the liquidation reads them: until 3.1 an e-mode's own price stands for any debt of an account in that mode."""
    held, category = terms.reserves[at_collateral], terms.category(holding.mode)
    shared = shared_price(terms, quote, category)
    _, _, bonus = applied(terms.version, held, category)
    return Pair(
        debt=borrowed,
        debt_price=answered(terms, quote, at_debt) if shared is None else shared,
        debt_unit=terms.reserves[at_debt].unit,
        scaled=holding.balance(held.id).deposit,
        index=quote.states[at_collateral].income,
        price=shared if shared is not None and _inside(category, held) else answered(terms, quote, at_collateral),
        unit=held.unit,
        bonus=bonus,
        fee=held.rules.fee,
    )


def _inside(category: Category | None, reserve: Reserve) -> bool:
    return category is not None and bool(category.collateral >> reserve.id & 1)
