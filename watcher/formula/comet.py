"""Compound V3's arithmetic: linear interest on two indices, principals, collateral checks, absorption and its resale.

Source: compound-finance/comet, main branch of May 2026 (Comet.sol, CometWithExtendedAssetList.sol, CometCore.sol, CometMath.sol), whose
answers are the vectors. Amounts are raw token units, prices 8-decimal answers of feeds, factors wads. `Overflow` is raised where the
contract's checked arithmetic or its casts revert.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from watcher.errors import Overflow
from watcher.units import WAD, checked, mul_div_down

INDEX_SCALE: Final = 10**15
INT104: Final = 2**103 - 1  # the largest principal
INT256: Final = 2**255 - 1


def bounded(value: int, bits: int) -> int:
    """`CometMath.safe64` and its like: ``value`` itself, or `Overflow` outside unsigned ``bits``."""
    if 0 <= value < 1 << bits:
        return value
    raise Overflow(f"{'underflow' if value < 0 else 'overflow'} of a {bits}-bit integer")


@dataclass(frozen=True, slots=True)
class Curve:
    """One side's rate over utilisation: wads per second, ``kink`` a utilisation."""

    kink: int
    low: int
    high: int
    base: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What Comet keeps of everybody's base: principals, and the indices that make present values of them."""

    supplied: int
    borrowed: int
    supply_index: int
    borrow_index: int


def rate(curve: Curve, used: int) -> int:
    """`getSupplyRate`, `getBorrowRate`: a wad per second at this utilisation, each slope's product rounded down."""
    if used <= curve.kink:
        return bounded(checked(curve.base + mul_div_down(curve.low, used, WAD)), 64)
    below, above = mul_div_down(curve.low, curve.kink, WAD), mul_div_down(curve.high, used - curve.kink, WAD)
    return bounded(checked(curve.base + below + above), 64)


def present(principal: int, index: int) -> int:
    """`presentValueSupply`, `presentValueBorrow` of an unsigned principal: rounded down on both sides."""
    return mul_div_down(principal, index, INDEX_SCALE)


def utilisation(totals: Totals) -> int:
    """`getUtilization` by these indices, a wad that may exceed one; 0 where nothing is supplied."""
    supplied = present(totals.supplied, totals.supply_index)
    return mul_div_down(present(totals.borrowed, totals.borrow_index), WAD, supplied) if supplied else 0


def accrued(totals: Totals, supply: Curve, borrow: Curve, elapsed: int) -> Totals:
    """`accruedInterestIndices`: linear over ``elapsed`` seconds at the utilisation that the stored indices give."""
    if elapsed == 0:
        return totals
    used = utilisation(totals)
    return Totals(
        totals.supplied,
        totals.borrowed,
        _grown(totals.supply_index, rate(supply, used), elapsed),
        _grown(totals.borrow_index, rate(borrow, used), elapsed),
    )


def _grown(index: int, per_second: int, elapsed: int) -> int:
    return bounded(index + bounded(mul_div_down(index, per_second * elapsed, WAD), 64), 64)


def balance(principal: int, totals: Totals) -> int:
    """`presentValue`: base owned, or below zero owed."""
    if principal >= 0:
        return present(principal, totals.supply_index)
    return -present(-principal, totals.borrow_index)


def principal_of(value: int, totals: Totals) -> int:
    """`principalValue`: a deposit's principal is rounded down, a debt's up."""
    if value >= 0:
        return _principal(mul_div_down(value, INDEX_SCALE, totals.supply_index))
    product = checked(-value * INDEX_SCALE + totals.borrow_index - 1)
    return -_principal(product // totals.borrow_index)


def _principal(value: int) -> int:
    if value > INT104:
        raise Overflow("overflow of a signed 104-bit principal")
    return value


def quoted(amount: int, price: int, scale: int) -> int:
    """`mulPrice`: a value in 1e-8 of the feeds' currency, rounded down."""
    return mul_div_down(amount, price, scale)


def owed_value(debt: int, price: int, scale: int) -> int:
    """`signedMulPrice` of a debt, whose product must fit a signed 256-bit integer: cut towards zero."""
    if debt * price > INT256:
        raise Overflow("overflow of a signed 256-bit integer")
    return debt * price // scale


def factored(value: int, factor: int) -> int:
    """`mulFactor`, rounded down."""
    return mul_div_down(value, factor, WAD)


@dataclass(frozen=True, slots=True)
class Seized:
    """One collateral as `absorb` takes it: raw amount, its scale, the feed's answer, the factor that its owner is credited by."""

    amount: int
    scale: int
    price: int
    factor: int


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What `absorb` leaves. ``paid`` is base out of the reserves: the debt, and ``credit`` beyond it; ``shortfall`` is raw base of the debt
    that all collateral at its full value does not reach."""

    paid: int
    credit: int
    shortfall: int
    principal: int
    values: tuple[int, ...]  # of each collateral


def absorbed(principal: int, totals: Totals, price: int, scale: int, seized: Iterable[Seized]) -> Absorbed:
    """`absorbInternal` of an account that owes, on accrued totals; ``price`` and ``scale`` are base's."""
    before = balance(principal, totals)
    worth, values = 0, []
    for one in seized:
        value = quoted(one.amount, one.price, one.scale)
        values.append(value)
        worth = checked(worth + factored(value, one.factor))
    after = before + mul_div_down(worth, scale, price)
    left = max(0, after)
    shortfall = max(0, -before - mul_div_down(sum(values), scale, price))
    return Absorbed(left - before, left, shortfall, principal_of(left, totals), tuple(values))


@dataclass(frozen=True, slots=True)
class Sale:
    """What `quoteCollateral` needs beside the amount: collateral's and base's prices and scales, both factors as wads."""

    price: int
    scale: int
    base_price: int
    base_scale: int
    liquidation: int
    store_front: int


def bought(sale: Sale, base: int) -> int:
    """`quoteCollateral`: raw collateral for so much base, at the price less the store front's share of the penalty."""
    discount = factored(sale.store_front, checked(WAD - sale.liquidation))
    asked = factored(sale.price, checked(WAD - discount))
    return mul_div_down(checked(sale.base_price * base), sale.scale, asked) // sale.base_scale


def reserves(cash: int, totals: Totals) -> int:
    """`getReserves` on accrued totals: base held, less owed to lenders, plus owed by borrowers; may be below zero."""
    return cash - present(totals.supplied, totals.supply_index) + present(totals.borrowed, totals.borrow_index)


def moved(totals: Totals, principal: int, amount: int) -> tuple[Totals, int]:
    """Totals and principal after ``amount`` of base came in, or below zero went out (`supplyBase`, `withdrawBase`), on accrued totals.

    Where rounding moves the principal the other way than the amount, the contract leaves the totals as they were.
    """
    after = principal_of(balance(principal, totals) + amount, totals)
    if after < principal if amount >= 0 else after > principal:
        return totals, after
    supplied = totals.supplied + max(0, after) - max(0, principal)
    borrowed = totals.borrowed + max(0, -after) - max(0, -principal)
    return Totals(bounded(supplied, 104), bounded(borrowed, 104), totals.supply_index, totals.borrow_index), after
