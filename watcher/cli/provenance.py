"""What makes a report the same again: the versions that computed it, times without a zone to guess, floats with the digits that count."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Final

DIGITS: Final = 10  # significant ones of a float: more than chance leaves, fewer than platforms differ in


def versions() -> dict[str, str]:
    """Of this program and of what it computes floats with."""
    return {"program": version("lending-watcher"), "numpy": version("numpy"), "scipy": version("scipy")}


def instant(time: int) -> str:
    """UTC, of Unix seconds."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"


def figure(value: float) -> Decimal:
    """`DIGITS` significant digits; a zero has no sign."""
    return Decimal(f"{float(value):.{DIGITS}g}") + 0
