"""Aave's indices at a time: linear for deposits, three generations of a third-order polynomial for debt (MathUtils, ReserveLogic)."""

from __future__ import annotations

from watcher.formula.aave.version import Version
from watcher.units import RAY, YEAR, Ray, checked, mul_div_half_up


def linear(rate: int, seconds: int) -> Ray:
    """1 + rate · seconds / year, in rays, rounded down. MathUtils.calculateLinearInterest."""
    return Ray(RAY + checked(rate * checked(seconds)) // YEAR)


def by_second(rate: int, seconds: int) -> Ray:
    """V2: as `binomial`, but the rate is cut to a second first, so that its powers lose less and its first term more.

        r = rate / year        1 + r·t + t(t-1)·r²/2 + t(t-1)(t-2)·r³/6

    Source: MathUtils.calculateCompoundedInterest of @aave/protocol-v2 1.0.1; stable debt uses it too.
    """
    if checked(seconds) == 0:
        return Ray(RAY)
    second = rate // YEAR
    squared = mul_div_half_up(second, second, RAY)
    cubed = mul_div_half_up(squared, second, RAY)
    pairs = seconds * (seconds - 1)
    two = checked(pairs * squared) // 2
    three = checked(pairs * max(seconds - 2, 0) * cubed) // 6
    return Ray(checked(RAY + checked(second * seconds) + two + three))


def binomial(rate: int, seconds: int) -> Ray:
    """From 3.0 to 3.3: the first four terms of (1 + rate / year) ** seconds, every division on its own and down.

        1 + r·t + t(t-1)·r²/2 + t(t-1)(t-2)·r³/6

    Source: MathUtils.calculateCompoundedInterest of @aave/core-v3 1.19.3; stable debt uses it too.
    """
    if checked(seconds) == 0:
        return Ray(RAY)
    squared = mul_div_half_up(rate, rate, RAY) // (YEAR * YEAR)
    cubed = mul_div_half_up(squared, rate, RAY) // YEAR
    pairs = seconds * (seconds - 1)
    second = checked(pairs * squared) // 2
    third = checked(pairs * max(seconds - 2, 0) * cubed) // 6
    return Ray(checked(RAY + checked(rate * seconds) // YEAR + second + third))


def exponential(rate: int, seconds: int) -> Ray:
    """From 3.4: the first four terms of e ** x, x = rate · seconds / year, by Horner's scheme; products half up, divisions down.

        1 + x + x·(x/2 + x·(x/6))

    Source: MathUtils.calculateCompoundedInterest of aave-v3-origin 3.4.
    """
    if checked(seconds) == 0:
        return Ray(RAY)
    x = checked(rate * seconds) // YEAR
    return Ray(checked(RAY + x + mul_div_half_up(x, x // 2 + mul_div_half_up(x, x // 6, RAY), RAY)))


def compounded(version: Version, rate: int, seconds: int) -> Ray:
    """How much a debt of one grows in so many seconds at a yearly rate (ray), by the polynomial of that version."""
    if version >= Version.V3_4:
        return exponential(rate, seconds)
    return by_second(rate, seconds) if version is Version.V2 else binomial(rate, seconds)


def income(index: int, rate: int, seconds: int) -> Ray:
    """The deposit index `seconds` after its last update: the stored one at once, else half up. ReserveLogic.getNormalizedIncome."""
    return Ray(index) if seconds == 0 else Ray(mul_div_half_up(linear(rate, seconds), index, RAY))


def owed(version: Version, index: int, rate: int, seconds: int) -> Ray:
    """The debt index `seconds` after its last update: the stored one at once, else half up. ReserveLogic.getNormalizedDebt."""
    return Ray(index) if seconds == 0 else Ray(mul_div_half_up(compounded(version, rate, seconds), index, RAY))
