"""Integers as people read them. Exact unless a digit count is given; the last digit is then rounded down, or up where the caller says so.

The caller rounds towards danger: what protects (collateral, its price, what may still be borrowed) down, what is owed up, and a
liquidation price towards the present one.
"""

from __future__ import annotations

from collections.abc import Sequence

from watcher.units import WAD


def exact(integer: int, decimals: int) -> str:
    """``integer · 10**-decimals`` without an exponent and without trailing zeros; `decimals` may be negative."""
    if decimals <= 0:
        return str(integer * 10**-decimals)
    sign, digits = ("-" if integer < 0 else ""), str(abs(integer)).rjust(decimals + 1, "0")
    whole, part = digits[:-decimals], digits[-decimals:].rstrip("0")
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def short(integer: int, decimals: int, places: int = 2, *, up: bool = False) -> str:
    """With thousands separated and `places` digits after the point; small amounts keep four significant digits."""
    length = len(str(abs(integer)))
    if integer and length + places <= decimals:
        places = decimals - length + 4
    return fixed(integer, decimals, places, up=up)


def fixed(integer: int, decimals: int, places: int, *, up: bool = False) -> str:
    """With thousands separated and exactly `places` digits after the point, which are at least one."""
    scaled, whole = integer * 10 ** max(0, places - decimals), 10 ** max(0, decimals - places)
    cut = -(-scaled // whole) if up else scaled // whole
    sign, digits = ("-" if cut < 0 else ""), str(abs(cut)).rjust(places + 1, "0")
    return f"{sign}{int(digits[:-places]):,}.{digits[-places:]}"


def health(wad: int | None) -> str:
    """Four digits rounded down, and all eighteen within a ten-thousandth of the line, where four would hide on which side it is."""
    if wad is None:
        return "–"
    return fixed(wad, 18, 18 if abs(wad - WAD) < WAD // 10_000 else 4)


def change(before: int | None, after: int | None) -> str:
    """ "1.2034 → 1.1520": both as `health` shows them, with more digits where they would look the same and are not."""
    places = 4
    if before is not None and after is not None and before != after:
        while places < 18 and before // 10 ** (18 - places) == after // 10 ** (18 - places):
            places += 1
    shown = (health(one) if one is None or places == 4 else fixed(one, 18, places) for one in (before, after))
    return " → ".join(shown)


def percent(part: int, whole: int, places: int = 2, *, up: bool = False) -> str:
    """``part / whole`` in per cent; a dash without a whole, which is never below zero."""
    if not whole:
        return "–"
    scaled = part * 10 ** (places + 2)
    return f"{fixed(-(-scaled // whole) if up else scaled // whole, places, places)} %"


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
