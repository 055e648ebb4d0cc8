"""Which changes must be told, by the rules in plain words and the contracts' own figures: nothing of `health/` is used here.

Down at once. Up when three blocks in a row that were read clear the better band's threshold by a fifth of its distance to 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from watcher.model import BlockRef, PositionKey

if TYPE_CHECKING:
    from watcher.localchain.stage.margin import Margin

RANKS: Final = ("no_debt", "safe", "watch", "warn", "danger", "critical", "liquidatable")
VOLATILE: Final = tuple(map(Fraction, ("1.50", "1.25", "1.10", "1.03")))
CORRELATED: Final = tuple(map(Fraction, ("1.05", "1.03", "1.02", "1.01")))
FIFTH: Final = Fraction(1, 5)
CLOCK: Final = {30: 3, 7: 4, 1: 5}  # days to the line by interest alone: rank
HEADS: Final = 3
FINE: Final = (None, "safe")


@dataclass(frozen=True, slots=True)
class Change:
    """`before` is None for what is said of a position first."""

    key: PositionKey
    block: BlockRef
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A position at a block that was read: the rank it has there, and the best that a worse one may rise to."""

    block: BlockRef
    rank: int
    best: int


def rank(margin: Margin) -> int:
    if margin.health is None:
        return 0
    health = margin.health
    steps = VOLATILE if margin.lost is None else CORRELATED
    level = 6 if margin.liquidatable else 1 + sum(health < step for step in steps)
    return max(level, _by_clock(margin.lost, 1))


def best(margin: Margin) -> int:
    if margin.health is None:
        return 0
    if margin.liquidatable:
        return 6
    steps = VOLATILE if margin.lost is None else CORRELATED
    wanted = [step + (step - 1) * FIFTH for step in steps] + [1 + (steps[-1] - 1) * FIFTH]
    return max(1 + sum(margin.health < step for step in wanted), _by_clock(margin.lost, 2))


def _by_clock(lost: Collection[int] | None, times: int) -> int:
    return max((worse for days, worse in CLOCK.items() if lost and times * days in lost), default=1)


def changes(key: PositionKey, course: Collection[Seen]) -> Iterator[Change]:
    """All changes of one position, from its first reading on."""
    stands: int | None = None
    better: list[int] = []
    for seen in course:
        before = stands
        if stands is None or seen.rank > stands:
            stands, better = seen.rank, []
        elif seen.best < stands:
            better.append(seen.best)
            if len(better) == HEADS:
                stands, better = max(better), []
        else:
            better = []
        if stands != before:
            yield Change(key, seen.block, None if before is None else RANKS[before], RANKS[stands])


@dataclass(slots=True)
class Expected:
    """The changes that the blocks read so far must have caused, and those that a reorg must have taken back.

    Of the `crowd`, whom nobody has listed, it is not told that somebody is safe who was never seen otherwise.
    """

    crowd: frozenset[PositionKey] = frozenset()
    seen: dict[PositionKey, list[Seen]] = field(default_factory=dict)
    gone: list[Change] = field(default_factory=list)  # caused by blocks that are no more
    retractions: list[Change] = field(
        default_factory=list
    )  # of `gone`, each at the block that it had; `after` is what holds instead

    def add(self, block: BlockRef, margins: Mapping[PositionKey, Margin]) -> None:
        for key, margin in margins.items():
            self.seen.setdefault(key, []).append(Seen(block, rank(margin), best(margin)))

    def drop(self, blocks: Collection[BlockRef]) -> None:
        lost = [change for change in self.changes() if change.block in blocks]
        for key, course in self.seen.items():
            self.seen[key] = [seen for seen in course if seen.block not in blocks]
        stands = {change.key: change.after for change in self._all()}
        self.gone += lost
        self.retractions += [Change(one.key, one.block, one.after, stands.get(one.key, "unknown")) for one in lost]

    def changes(self) -> tuple[Change, ...]:
        return tuple(one for one in self._all() if one.key not in self.crowd or (one.before, one.after) != FINE)

    def _all(self) -> tuple[Change, ...]:
        return tuple(change for key, course in self.seen.items() for change in changes(key, course))
