"""How much of a pair Aave lets a liquidator repay and seize: close factor, bonus, protocol fee, dust (LiquidationLogic)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watcher.formula.aave import health, token
from watcher.formula.aave.version import Version
from watcher.units import BPS, WAD, checked, mul_div_down, mul_div_half_up, mul_div_up

CLOSE_FACTOR: Final = 5_000  # basis points of the debt; in V3 above CLOSE_LINE only
CLOSE_LINE: Final = WAD * 95 // 100  # at or below this health everything may be repaid
SMALL: Final = 2_000 * 10**8  # base currency: a side below it may be closed entirely (from 3.3)
DUST: Final = SMALL // 2  # base currency: a partial liquidation must leave at least this on both sides (from 3.3)


@dataclass(frozen=True, slots=True)
class Pair:
    """One debt and one collateral of an account. Amounts are raw token units, prices base currency per whole token."""

    debt: int  # what the account owes of this token
    debt_price: int
    debt_unit: int  # 10 ** decimals
    scaled: int  # aTokens of the collateral, scaled
    index: int  # its deposit index, a ray
    price: int
    unit: int
    bonus: int  # basis points, 100 % included
    fee: int  # the protocol's basis points of the bonus


@dataclass(frozen=True, slots=True)
class Seizure:
    """`collateral` goes to the liquidator and `fee` to the treasury; together they leave the borrower."""

    repay: int
    collateral: int
    fee: int

    @property
    def total(self) -> int:
        return self.collateral + self.fee


def closable(version: Version, pair: Pair, sums: health.Sums, factor: int) -> int:
    """The most of this debt that one call may repay, in raw units, before the dust rule.

    V2: half of the account's debt in this token, half up. Up to 3.2: that above a health of 0.95, else all of it. From 3.3: all, unless
    this collateral and this debt are each worth 2,000 (at eight decimals) or more and health is above 0.95; then half of the account's
    *total* debt, where this debt is worth more than that. `factor` is the health factor.
    """
    if version < Version.V3_3:
        capped = version is Version.V2 or factor > CLOSE_LINE
        return mul_div_half_up(pair.debt, CLOSE_FACTOR if capped else BPS, BPS)
    owed = health.debt_value(version, pair.debt, pair.debt_price, pair.debt_unit)
    held = health.deposit_value(token.deposit(version, pair.scaled, pair.index), pair.price, pair.unit)
    half = mul_div_half_up(sums.debt, CLOSE_FACTOR, BPS)
    if held < SMALL or owed < SMALL or factor <= CLOSE_LINE or owed <= half:
        return pair.debt
    return mul_div_down(half, pair.debt_unit, pair.debt_price)


def seizure(version: Version, pair: Pair, cover: int) -> Seizure:
    """What repaying `cover` takes: its worth in collateral times the bonus, at most the balance (then less is repaid).

    Bonus and fee round half up until 3.6, in the borrower's and the protocol's favour from 3.7; the debt needed for a whole balance
    rounds half up until 3.4 and up from 3.5. V2 applies the bonus before the division by the collateral's price, V3 after it.
    Source: LiquidationLogic._calculateAvailableCollateralToLiquidate; V2: LendingPoolCollateralManager.
    """
    multiply = mul_div_down if version >= Version.V3_7 else mul_div_half_up
    if version is Version.V2:
        lifted = multiply(checked(pair.debt_price * cover * pair.unit), pair.bonus, BPS)
        amount = lifted // (pair.price * pair.debt_unit)
    else:
        base = mul_div_down(pair.debt_price * cover, pair.unit, pair.price * pair.debt_unit)
        amount = multiply(base, pair.bonus, BPS)
    balance = token.deposit(version, pair.scaled, pair.index)
    if amount > balance:
        amount = balance
        worth = mul_div_down(pair.price * amount, pair.debt_unit, pair.debt_price * pair.unit)
        divide = mul_div_up if version >= Version.V3_5 else mul_div_half_up
        cover = divide(worth, BPS, pair.bonus)
    fee = 0
    if pair.fee:
        gain = amount - multiply(amount, BPS, pair.bonus)
        fee = (mul_div_up if version >= Version.V3_7 else mul_div_half_up)(gain, pair.fee, BPS)
    return Seizure(cover, amount - fee, fee)


def leaves_dust(version: Version, pair: Pair, taken: Seizure) -> bool:
    """Whether this partial liquidation would leave too little of either side, so that the contract reverts (from 3.3)."""
    held = token.deposit(version, pair.scaled, pair.index)
    if version < Version.V3_3 or taken.repay >= pair.debt or taken.total >= held:
        return False
    rest = health.debt_value(version, pair.debt - taken.repay, pair.debt_price, pair.debt_unit)
    return rest < DUST or health.deposit_value(held - taken.total, pair.price, pair.unit) < DUST


def largest(version: Version, pair: Pair, most: int) -> Seizure | None:
    """The largest seizure with at most `most` repaid that leaves no dust, None where there is none.

    Where the maximum itself would leave dust, everything smaller leaves more on both sides: found by bisection.
    """
    whole = seizure(version, pair, most)
    if not leaves_dust(version, pair, whole):
        return whole
    low, high = 0, most  # low leaves enough or is nothing; high leaves too little
    while high - low > 1:
        middle = (low + high) // 2
        if leaves_dust(version, pair, seizure(version, pair, middle)):
            high = middle
        else:
            low = middle
    return seizure(version, pair, low) if low else None


def moved(version: Version, pair: Pair, taken: Seizure) -> Seizure:
    """`taken` with the fee that is really moved: never more than what the seizure leaves of the scaled balance.

    The contract rounds each transfer to scaled units on its own and caps the second one.
    """
    if not taken.fee:
        return taken
    left = pair.scaled - token.burnt_deposit(version, taken.collateral, pair.index)
    if token.burnt_deposit(version, taken.fee, pair.index) <= left:
        return taken
    return Seizure(taken.repay, taken.collateral, token.deposit(version, left, pair.index))


def empties(version: Version, pair: Pair, taken: Seizure, sums: health.Sums) -> bool:
    """Whether the account has no collateral left after it, so that from 3.3 the rest of its debt is written off as deficit.

    The contract compares the seized value with the account's whole collateral; from 3.7 it is the value of the scaled aTokens used.
    """
    amount = taken.total
    if version >= Version.V3_7:
        used = token.burnt_deposit(version, taken.collateral, pair.index) + token.burnt_deposit(
            version, taken.fee, pair.index
        )
        amount = token.deposit(version, min(used, pair.scaled), pair.index)
    return health.deposit_value(amount, pair.price, pair.unit) == sums.collateral
