"""Integers as people read them. Exact unless a digit count is given; then the last digit is rounded down, towards danger."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.units import WAD


def exact(integer: int, decimals: int) -> str:
    """``integer · 10**-decimals`` without an exponent and without trailing zeros."""
    sign, digits = ("-" if integer < 0 else ""), str(abs(integer)).rjust(decimals + 1, "0")
    whole, part = (digits[:-decimals], digits[-decimals:].rstrip("0")) if decimals > 0 else (digits, "")
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def short(integer: int, decimals: int, places: int = 2) -> str:
    """With thousands separated and `places` digits after the point; small amounts keep four significant digits."""
    if integer and abs(integer) * 10**places < 10**decimals:
        places = decimals - len(str(abs(integer))) + 4
    return fixed(integer, decimals, places)


def fixed(integer: int, decimals: int, places: int) -> str:
    """With thousands separated and exactly `places` digits after the point, which are at least one."""
    cut = integer * 10**places // 10**decimals if decimals >= places else integer * 10 ** (places - decimals)
    sign, digits = ("-" if cut < 0 else ""), str(abs(cut)).rjust(places + 1, "0")
    return f"{sign}{int(digits[:-places]):,}.{digits[-places:]}"


def health(wad: int | None) -> str:
    """Four digits, and all eighteen within a ten-thousandth of the line, where four would hide on which side it is."""
    if wad is None:
        return "–"
    return fixed(wad, 18, 18 if abs(wad - WAD) < WAD // 10_000 else 4)


def percent(part: int, whole: int, places: int = 2) -> str:
    """``part / whole`` in per cent, rounded down; a dash without a whole."""
    return f"{fixed(part * 10 ** (places + 2) // whole, places, places)} %" if whole else "–"


def together(names: Sequence[str]) -> str:
    """ "WETH", "WETH and LINK", "WETH, WBTC and LINK"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def age(seconds: int) -> str:
    """ "12 s", "5 min", "3 h", "2 d": the largest unit that is at least one; never negative."""
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return f"{max(seconds, 0)} s"
