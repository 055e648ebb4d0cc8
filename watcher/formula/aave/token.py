"""Scaled balances of aTokens and debt tokens and their amounts: half up until 3.4, always in the protocol's favour from 3.5 (TokenMath).

`index` is a ray and at least one; scaled and amount are raw token units.
"""

from __future__ import annotations

from watcher.formula.aave.rounding import rounding
from watcher.formula.aave.version import Version
from watcher.units import RAY, mul_div_down, mul_div_half_up, mul_div_up


def deposit(version: Version, scaled: int, index: int) -> int:
    """The amount behind scaled aTokens: half up, down from 3.5."""
    return rounding(version).deposit(scaled, index, RAY)


def debt(version: Version, scaled: int, index: int) -> int:
    """The amount behind scaled variable debt: half up, up from 3.5."""
    return rounding(version).debt(scaled, index, RAY)


def minted_deposit(version: Version, amount: int, index: int) -> int:
    """Scaled aTokens that a supply of `amount` creates: half up, down from 3.5."""
    return mul_div_down(amount, RAY, index) if version >= Version.V3_5 else mul_div_half_up(amount, RAY, index)


def burnt_deposit(version: Version, amount: int, index: int) -> int:
    """Scaled aTokens that leave with `amount`, by withdrawal, transfer or seizure: half up, up from 3.5."""
    return mul_div_up(amount, RAY, index) if version >= Version.V3_5 else mul_div_half_up(amount, RAY, index)


def minted_debt(version: Version, amount: int, index: int) -> int:
    """Scaled debt that borrowing `amount` creates: half up, up from 3.5."""
    return mul_div_up(amount, RAY, index) if version >= Version.V3_5 else mul_div_half_up(amount, RAY, index)


def burnt_debt(version: Version, amount: int, index: int) -> int:
    """Scaled debt that repaying `amount` removes: half up, down from 3.5."""
    return mul_div_down(amount, RAY, index) if version >= Version.V3_5 else mul_div_half_up(amount, RAY, index)
