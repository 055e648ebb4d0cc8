"""Readings at a chain of heads for tests of bands and of the fold: what matters of each is health, and when it was read."""

from __future__ import annotations

from dataclasses import replace

from eth_typing import HexStr

from tests.health.toy import KEY, ONE, A, B, position
from watcher.health.bands import VOLATILE, Bands, cleared, level
from watcher.model import BlockRef, Sighting, Status, Valuation
from watcher.units import WAD, Wad

PLAIN = position({A: 100, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: ONE}).value()
SECONDS = 12  # between heads


def wad(text: str) -> Wad:
    """`1.25` as a wad, exactly."""
    whole, _, part = text.partition(".")
    return Wad(int(whole) * WAD + int(part.ljust(18, "0")))


def at_health(health: Wad | None) -> Valuation:
    """A valuation of which only health matters; past the line below 1."""
    return replace(PLAIN, health=health, liquidatable=health is not None and health < WAD)


def head(number: int, fork: str = "a") -> BlockRef:
    return BlockRef(number, 1_000_000 + SECONDS * number, 1, HexStr(f"0x{fork}{number:063x}"))


def seen(
    number: int, health: str | Wad | None, *, bands: Bands = VOLATILE, fork: str = "a", confirmed: bool = True
) -> Sighting:
    """The reading at head `number`: nothing owed without a health, unknown for "?"."""
    block = head(number, fork)
    if health == "?":
        return Sighting(KEY, block, block.timestamp, Status.UNKNOWN, None, None, confirmed, "the oracle reverts")
    valuation = at_health(wad(health) if isinstance(health, str) else health)
    return Sighting(
        KEY,
        block,
        block.timestamp,
        level(valuation, bands),
        cleared(valuation, bands),
        valuation.health,
        confirmed,
    )


def series(text: str, *, bands: Bands = VOLATILE, start: int = 1) -> list[Sighting]:
    """One reading per word: `1.60 1.49 ?`, "-" where nothing is owed."""
    return [seen(start + at, None if word == "-" else word, bands=bands) for at, word in enumerate(text.split())]
