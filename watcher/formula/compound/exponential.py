"""Wad arithmetic as the two libraries of the Compound family round it. Where they overflow, `Overflow`: the contract errs or reverts."""

from __future__ import annotations

from enum import Enum

from watcher.units import WAD, mul_div_down, mul_div_half_up


class Library(Enum):
    """How a product of two wads is rounded. Everything else truncates in both.

    `HALF_UP` is `Exponential.mulExp` (Compound's comptrollers up to G5), `TRUNCATING` is `ExponentialNoError.mul_` (G6 on, and the
    forks made since).
    """

    TRUNCATING = "truncating"
    HALF_UP = "half up"


def product(library: Library, a: int, b: int) -> int:
    """a · b / 1e18, both wads: ``mul_(Exp, Exp)`` or ``mulExp``."""
    if library is Library.TRUNCATING:
        return mul_div_down(a, b, WAD)
    return mul_div_half_up(a, b, WAD)


def times(a: int, amount: int) -> int:
    """⌊a · amount / 1e18⌋: a wad times a plain amount, ``mul_ScalarTruncate`` or ``mulScalarTruncate``."""
    return mul_div_down(a, amount, WAD)


def over(amount: int, a: int) -> int:
    """⌊amount · 1e18 / a⌋: a plain amount over a wad, ``div_(uint, Exp)`` or ``divScalarByExpTruncate``. `a` is above 0."""
    return mul_div_down(amount, WAD, a)
