"""Fixed-point units and the three ways to round a product: nothing else in this program rounds.

All integers are unsigned and at most 2**256 - 1, as in the EVM; where a contract would revert on overflow, `Overflow` is raised.
"""

from __future__ import annotations

from typing import Final, NewType

from watcher.errors import Overflow

Wad = NewType("Wad", int)  # 1e18 is one
Ray = NewType("Ray", int)  # 1e27 is one
Raw = NewType("Raw", int)  # smallest units of a token

WAD: Final = 10**18
RAY: Final = 10**27
BPS: Final = 10_000
YEAR: Final = 31_536_000  # seconds, as every lending protocol here counts them
MAX: Final = 2**256 - 1


def checked(value: int) -> int:
    """``value`` itself, or `Overflow` where checked Solidity arithmetic reverts: below zero or above 2**256 - 1."""
    if 0 <= value <= MAX:
        return value
    raise Overflow(f"{'underflow' if value < 0 else 'overflow'} of a 256-bit integer")


def mul_div_down(a: int, b: int, d: int) -> int:
    """⌊a·b / d⌋. The product must fit 256 bits, as in checked Solidity."""
    product = a * b
    return (
        checked(product) if product >> 256 else product
    ) // d  # nothing above 256 bits, and no sign: a cheap look, then the exact one


def mul_div_up(a: int, b: int, d: int) -> int:
    """⌈a·b / d⌉."""
    product = a * b
    return -(-(checked(product) if product >> 256 else product) // d)


def mul_div_half_up(a: int, b: int, d: int) -> int:
    """⌊(a·b + ⌊d/2⌋) / d⌋: to the nearest, ties up."""
    product = a * b + d // 2
    return (checked(product) if product >> 256 else product) // d
