"""A cycle's results as the store takes them: stored words beside what they came to, and nothing that endpoints differed about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watcher.cycle import MarketCycle, Row
from watcher.model import DoubtKind, PositionKey, Sighting
from watcher.store.entry import Entry, Seen


def entries(
    cycles: Sequence[MarketCycle], sightings: Mapping[PositionKey, Sighting] | None = None
) -> tuple[Entry, ...]:
    """One per market. `sightings` are what the fold of transitions made of the readings."""
    return tuple(_entry(cycle, sightings or {}) for cycle in cycles)


def _entry(cycle: MarketCycle, sightings: Mapping[PositionKey, Sighting]) -> Entry:
    seen = tuple(
        Seen(row.reading, row.position.holding if _certain(cycle, row) else None, sightings.get(row.reading.key))
        for row in cycle.rows
    )
    certain = cycle.error is None and (not seen or any(one.holding is not None for one in seen))
    return Entry(
        market=cycle.market,
        terms=cycle.terms if certain else None,
        quote=cycle.stored if certain else None,
        seen=seen,
        audited=sum(row.audited for row in cycle.rows),
        mismatches=sum(len(row.mismatches) for row in cycle.rows),
        error=cycle.error,
    )


def _certain(cycle: MarketCycle, row: Row) -> bool:
    """The row follows from the market's terms and quote: it is not the worst of several answers."""
    disputed = any(doubt.kind is DoubtKind.DISPUTED for doubt in row.reading.doubts)
    valued = row.reading.valuation is not None or not disputed
    return valued and row.position.terms == cycle.terms and row.position.quote == cycle.quote
