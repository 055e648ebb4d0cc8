"""Everything that some holders have, on all chains, as one: sums in US dollars, who would be first, where a dollar of repayment helps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watcher.cycle import Row
from watcher.model import BlockRef
from watcher.portfolio.danger import Relief, Standing, best, first
from watcher.portfolio.part import Part
from watcher.portfolio.vaults import Deposit
from watcher.portfolio.worth import Sum, total


@dataclass(frozen=True, slots=True)
class Pool:
    """One position of one holder: a margin pool with its own health, which is part of no average."""

    row: Row
    part: Part


@dataclass(frozen=True, slots=True)
class Family:
    """All positions of one protocol on one chain, in the order of their markets."""

    protocol: str
    pools: tuple[Pool, ...]

    @property
    def worth(self) -> Sum:
        return total(pool.part.worth for pool in self.pools)


@dataclass(frozen=True, slots=True)
class Place:
    """One chain at one block, None where it could not be read.

    `unread` are markets and whatever else may hold something, `overdue` the US dollar feeds that should have had a new round, a line each.
    """

    chain: str
    chain_id: int
    block: BlockRef | None
    families: tuple[Family, ...]
    deposits: tuple[tuple[Deposit, Sum], ...] = ()
    unread: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()

    @property
    def pools(self) -> tuple[Pool, ...]:
        return tuple(pool for family in self.families for pool in family.pools)

    @property
    def worth(self) -> Sum:
        parts = (*(family.worth for family in self.families), *(worth for _, worth in self.deposits))
        return total((*parts, Sum(missing=self.unread)))


@dataclass(frozen=True, slots=True)
class Whole:
    """The wallet called `label`. Sums mix no health: each pool keeps its own."""

    label: str
    places: tuple[Place, ...]

    @property
    def pools(self) -> tuple[Pool, ...]:
        return tuple(pool for place in self.places for pool in place.pools)

    @property
    def worth(self) -> Sum:
        return total(place.worth for place in self.places)

    @property
    def first(self) -> Standing | None:
        """Which position the smallest fall takes to its line."""
        return first(pool.part.standing for pool in self.pools if pool.part.standing is not None)

    @property
    def unranked(self) -> tuple[str, ...]:
        """What could come before `first` or cannot be compared with it, a line each."""
        lost = [
            f"{pool.row.market.name}: {pool.row.reading.reason}"
            for pool in self.pools
            if pool.row.reading.valuation is None
        ]
        far = [
            f"{pool.row.market.name}: {pool.part.standing.reason}"
            for pool in self.pools
            if pool.part.standing is not None and pool.part.standing.steps is None
        ]
        early = [
            f"{pool.row.market.name}: a pre-liquidation contract acts on it before the protocol does"
            for pool in self.pools
            if pool.row.reading.valuation is not None and pool.row.reading.valuation.first is not None
        ]
        unread = [line for place in self.places for line in place.unread]
        return tuple(dict.fromkeys((*lost, *far, *early, *unread)))

    @property
    def best(self) -> Relief | None:
        """Where one dollar of repayment gains most."""
        return best([relief for pool in self.pools for relief in pool.part.reliefs])


def families(pools: Iterable[Pool]) -> tuple[Family, ...]:
    """By protocol, in alphabetical order."""
    found: dict[str, list[Pool]] = {}
    for pool in pools:
        found.setdefault(pool.row.market.protocol, []).append(pool)
    return tuple(Family(protocol, tuple(found[protocol])) for protocol in sorted(found))
