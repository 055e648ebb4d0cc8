"""What an Aave V3 pool refuses (ValidationLogic, IsolationModeLogic), each with the name that the pool's own error has from 3.4 on.

The checks stand in the order of the contract, because the first that fails is the one that it reports.
"""

from __future__ import annotations

from dataclasses import replace

from eth_typing import ChecksumAddress

from watcher.adapters.aave_v3.account import account, zero_ltv
from watcher.adapters.aave_v3.facts import Category, Holding, Quote, Reserve, State, Terms
from watcher.adapters.aave_v3.market import stable_total
from watcher.adapters.aave_v3.pool import placed
from watcher.adapters.aave_v3.seat import answered, applied, now, shared_price
from watcher.formula.aave import health, token
from watcher.formula.aave.version import Version
from watcher.units import BPS, checked, mul_div_half_up, mul_div_up

BORROWED = sum(1 << 2 * id for id in range(128))
SECURED = BORROWED << 1


class Denied(Exception):
    """The pool would revert with this error; ends as a `Refusal`, never leaves the adapter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def deny(refused: bool, reason: str) -> None:
    if refused:
        raise Denied(reason)


def place(terms: Terms, asset: ChecksumAddress) -> int:
    """Where a reserve stands in the terms."""
    for at, reserve in enumerate(terms.reserves):
        if reserve.token.address == asset:
            return at
    raise Denied("ReserveInactive")


def borrows_any(holding: Holding) -> bool:
    return bool(holding.flags & BORROWED)


def _usable(reserve: Reserve) -> None:
    deny(not reserve.rules.active, "ReserveInactive")
    deny(reserve.rules.paused, "ReservePaused")


def check_supply(terms: Terms, reserve: Reserve, state: State, amount: int, scaled: int) -> None:
    """Until 3.4 the cap is checked on amounts, from 3.5 on the scaled sum; treasury shares not yet minted count."""
    version = terms.version
    deny((scaled if version >= Version.V3_5 else amount) == 0, "InvalidAmount")
    _usable(reserve)
    deny(reserve.rules.frozen, "ReserveFrozen")
    if reserve.rules.supply_cap:
        total = state.deposits + state.treasury
        if version >= Version.V3_5:
            after = token.deposit(version, total + scaled, state.index)
        else:
            after = token.deposit(version, total, state.index) + amount
        deny(after > reserve.rules.supply_cap * reserve.unit, "SupplyCapExceeded")
    deny(scaled == 0, "InvalidMintAmount")


def check_withdraw(reserve: Reserve, wanted: int, held: int) -> None:
    deny(wanted == 0, "InvalidAmount")
    deny(wanted > held, "NotEnoughAvailableUserBalance")
    _usable(reserve)


def check_repay(reserve: Reserve, amount: int, owed: int) -> None:
    deny(amount == 0, "InvalidAmount")
    _usable(reserve)
    deny(owed == 0, "NoDebtOfSelectedType")


def check_borrow(terms: Terms, quote: Quote, holding: Holding, at: int, amount: int, scaled: int) -> None:
    """Everything before the debt is minted. Until 3.4 the account is looked at here, from 3.5 afterwards (`check_covered`)."""
    version, reserve, state = terms.version, terms.reserves[at], quote.states[at]
    exact = token.debt(version, scaled, state.debt_index) if version >= Version.V3_5 else amount
    deny((scaled if version >= Version.V3_5 else amount) == 0, "InvalidAmount")
    _usable(reserve)
    deny(reserve.rules.frozen, "ReserveFrozen")
    category = terms.category(holding.mode)
    if version >= Version.V3_6 and category is not None:
        _check_borrowable(version, category, reserve)
    else:
        deny(not reserve.rules.borrowing, "BorrowingNotEnabled")
    if version >= Version.V3_4 or (version >= Version.V3_1 and reserve.rules.accounted):
        deny(token.deposit(version, state.deposits, state.income) < exact, "InvalidAmount")
    deny(not quote.can_borrow, "PriceOracleSentinelCheckFailed")
    _check_borrow_cap(terms, quote, at, exact, scaled)
    isolated = isolation(terms, holding)
    if isolated is not None and version < Version.V3_4:
        isolate(terms, quote, isolated, reserve, amount)
    if category is not None and version < Version.V3_6:
        _check_borrowable(version, category, reserve)
    if version < Version.V3_5:
        _check_coverable(terms, quote, holding, at, amount)
    _check_siloed(terms, holding, reserve)


def _check_borrow_cap(terms: Terms, quote: Quote, at: int, amount: int, scaled: int) -> None:
    version, reserve, state = terms.version, terms.reserves[at], quote.states[at]
    if not reserve.rules.borrow_cap:
        return
    if version >= Version.V3_5:
        total = token.debt(version, state.debts + scaled, state.debt_index)
    else:
        total = (
            token.debt(version, state.debts, state.debt_index)
            + stable_total(version, state, now(quote).timestamp)
            + amount
        )
    deny(total > reserve.rules.borrow_cap * reserve.unit, "BorrowCapExceeded")


def _check_borrowable(version: Version, category: Category, reserve: Reserve) -> None:
    reason = "NotBorrowableInEMode" if version >= Version.V3_2 else "InconsistentEModeCategory"
    deny(not category.borrowable >> reserve.id & 1, reason)


def _check_coverable(terms: Terms, quote: Quote, holding: Holding, at: int, amount: int) -> None:
    """Until 3.4: the account before the debt, which must be strictly above one, and the new debt's value rounded down."""
    sums = account(terms, quote, holding).sums
    factor = health.health_factor(terms.version, sums)
    deny(sums.collateral == 0, "CollateralBalanceIsZero")
    deny(sums.ltv == 0, "LtvValidationFailed")
    deny(factor is not None and factor <= health.LIQUIDATION_LINE, "HealthFactorLowerThanLiquidationThreshold")
    shared = shared_price(terms, quote, terms.category(holding.mode))
    price = answered(terms, quote, at) if shared is None else shared
    worth = health.deposit_value(amount, price, terms.reserves[at].unit)
    needed = mul_div_half_up(sums.debt + worth, BPS, sums.ltv)
    deny(needed > sums.collateral, "CollateralCannotCoverNewBorrow")


def check_covered(terms: Terms, quote: Quote, holding: Holding) -> None:
    """From 3.5: the account with the new debt in it (validateHFAndLtv)."""
    sums = account(terms, quote, holding).sums
    factor = health.health_factor(terms.version, sums)
    deny(sums.ltv == 0, "LtvValidationFailed")
    deny(factor is not None and factor < health.LIQUIDATION_LINE, "HealthFactorLowerThanLiquidationThreshold")
    deny(sums.collateral < mul_div_up(sums.debt, BPS, sums.ltv), "CollateralCannotCoverNewBorrow")


def _check_siloed(terms: Terms, holding: Holding, reserve: Reserve) -> None:
    """Until 3.6: a siloed asset is borrowed alone."""
    borrowed = [other for other in terms.reserves if holding.borrows(other.id)]
    if terms.version >= Version.V3_7 or not borrows_any(holding):
        return
    if len(borrowed) == 1 and borrowed[0].rules.siloed:
        deny(borrowed[0] is not reserve, "SiloedBorrowingViolation")
    else:
        deny(reserve.rules.siloed, "SiloedBorrowingViolation")


def check_health(terms: Terms, quote: Quote, holding: Holding, withdrawn: Reserve | None = None) -> None:
    """At least one afterwards; and while any collateral has a loan-to-value of 0, only such collateral may be withdrawn.

    Until 3.5 the base loan-to-value of the withdrawn asset counts, from 3.6 the one of the account's e-mode.
    """
    seen = account(terms, quote, holding)
    factor = health.health_factor(terms.version, seen.sums)
    deny(factor is not None and factor < health.LIQUIDATION_LINE, "HealthFactorLowerThanLiquidationThreshold")
    if withdrawn is not None and zero_ltv(terms, quote, holding):
        ltv = withdrawn.rules.ltv
        if terms.version >= Version.V3_6:
            _, ltv, _ = applied(terms.version, withdrawn, terms.category(holding.mode))
        deny(ltv != 0, "LtvValidationFailed")


def check_decrease(terms: Terms, quote: Quote, holding: Holding, at: int, amount: int) -> None:
    """V2: the account before, less what is withdrawn; nothing is summed up anew (GenericLogic.balanceDecreaseAllowed)."""
    reserve, sums = terms.reserves[at], account(terms, quote, holding).sums
    if reserve.rules.threshold == 0 or sums.debt == 0:
        return
    taken = health.deposit_value(amount, answered(terms, quote, at), reserve.unit)
    left = checked(sums.collateral - taken)
    weighted = checked(sums.collateral * sums.threshold - taken * reserve.rules.threshold)
    factor = health.health_factor(terms.version, health.Sums(left, sums.debt, weighted, 0))
    unsafe = left == 0 or (factor is not None and factor < health.LIQUIDATION_LINE)
    deny(unsafe, "HealthFactorLowerThanLiquidationThreshold")


def secures_by_itself(terms: Terms, holding: Holding, reserve: Reserve) -> bool:
    """Whether a first supply becomes collateral without being asked (validateAutomaticUseAsCollateral).

    Isolated collateral does not: until 3.5 only suppliers with a role of the pool's were exempt. In V2 everything does.
    """
    if terms.version is Version.V2:
        return True
    _, ltv, _ = applied(terms.version, reserve, terms.category(holding.mode) if terms.version >= Version.V3_6 else None)
    if terms.version >= Version.V3_7:
        return ltv != 0
    if reserve.rules.ceiling or ltv == 0:
        return False
    return not holding.flags & SECURED or isolation(terms, holding) is None


def isolation(terms: Terms, holding: Holding) -> int | None:
    """Where the only collateral of an account stands in the terms, if that has a debt ceiling; None outside isolation and from 3.7."""
    secured = holding.flags & SECURED
    if terms.version >= Version.V3_7 or not secured or secured & (secured - 1):
        return None
    for at, reserve in enumerate(terms.reserves):
        if holding.secures(reserve.id) and reserve.rules.ceiling:
            return at
    return None


def isolate(terms: Terms, quote: Quote, at: int, borrowed: Reserve, amount: int) -> Quote:
    """The quote with `amount` (negative: repaid) added to the debt against an isolated collateral, in cents, rounded towards zero."""
    collateral, state = terms.reserves[at], quote.states[at]
    cent = 10 ** checked(borrowed.rules.decimals - 2)  # with fewer decimals the contract reverts too
    cents = abs(amount) // cent
    if amount < 0:
        return placed(quote, at, replace(state, isolated=max(state.isolated - cents, 0)))
    deny(not borrowed.rules.isolation_borrowable, "AssetNotBorrowableInIsolation")
    deny(state.isolated + cents > collateral.rules.ceiling, "DebtCeilingExceeded")
    return placed(quote, at, replace(state, isolated=state.isolated + cents))


def check_mode(terms: Terms, holding: Holding, mode: int) -> None:
    """From 3.6 also leaving is checked, and every collateral must keep a loan-to-value in the new e-mode."""
    deny(mode != 0 and all(category.id != mode for category in terms.categories), "InconsistentEModeCategory")
    version, category = terms.version, terms.category(mode)
    for reserve in terms.reserves:
        if holding.borrows(reserve.id):
            if version >= Version.V3_6:
                allowed = reserve.rules.borrowing if category is None else category.borrowable >> reserve.id & 1
                deny(not allowed, "InvalidDebtInEmode")
            elif category is not None:
                _check_borrowable(version, category, reserve)
        if holding.secures(reserve.id) and version >= Version.V3_6:
            deny(applied(version, reserve, category)[1] == 0, "InvalidCollateralInEmode")
