"""What the transitions of a market must be, from nothing but the contract's own healths at the heads that were read.

Written from the README's rules, apart from the product: worse at once; better when three heads in a row clear a better band, its threshold
raised by a fifth of its distance to 1, and then to the least that they clear. Whoever was never worse than *safe* has no standing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from watcher.units import WAD

NO_DEBT, SAFE, LIQUIDATABLE = 0, 1, 6
NAMES = ("no_debt", "safe", "watch", "warn", "danger", "critical", "liquidatable")
LINES = tuple(WAD * hundredths // 100 for hundredths in (150, 125, 110, 103))
CLEARED = tuple(WAD * thousandths // 1000 for thousandths in (1600, 1300, 1120, 1036))
LEAST = WAD * 1006 // 1000  # to leave *liquidatable*

Change = tuple[
    str, str, str | None, str, int | None, int | None
]  # account, block, before, after, health before and after
Health = int | None  # None where nothing is owed


@dataclass(frozen=True)
class Head:
    """A block that was read, and what the contract says of everybody there."""

    number: int
    hash: str
    healths: Mapping[str, Health]


def status(health: Health) -> int:
    if health is None:
        return NO_DEBT
    return LIQUIDATABLE if health < WAD else SAFE + sum(health < line for line in LINES)


def clears(health: Health) -> int:
    if health is None:
        return NO_DEBT
    return LIQUIDATABLE if health < LEAST else SAFE + sum(health < line for line in CLEARED)


@dataclass
class Standing:
    status: int
    rising: list[int] = field(default_factory=list)


def changes(heads: Sequence[Head]) -> Iterator[Change]:
    """Of everybody at the head after the first, at which the book was opened, in order."""
    standings: dict[str, Standing] = {}
    members = {who for who, health in heads[0].healths.items() if health is not None}
    before = heads[0].healths
    for place, head in enumerate(heads[1:]):
        for who, health in head.healths.items():
            known = who in members
            if health is not None:
                members.add(who)
            if who not in members:
                continue
            first = place == 0 or not known
            had = None if first else before[who]
            change = _change(standings, who, health, SAFE if first else status(had))
            if change is not None:
                was, after = change
                yield who, head.hash, None if first else NAMES[was], NAMES[after], had, health
        before = head.healths


def _change(standings: dict[str, Standing], who: str, health: Health, had: int) -> tuple[int, int] | None:
    """The bands before and after, where they differ. `had` is the one of the head before, by itself."""
    here = standings.get(who)
    if here is None:
        if status(health) <= SAFE:
            return None
        standings[who] = Standing(status(health))
        return min(had, SAFE), status(health)
    was = here.status
    if status(health) > was:
        here.status, here.rising = status(health), []
    elif clears(health) < was:
        here.rising.append(clears(health))
        if len(here.rising) == 3:
            here.status, here.rising = max(here.rising), []
    else:
        here.rising = []
    return None if here.status == was else (was, here.status)
