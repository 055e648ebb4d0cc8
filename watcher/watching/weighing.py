"""From what was read at one block to what is written down: readings under their bands, sightings, transitions. Arithmetic alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from watcher.confirm import Confirmed
from watcher.cycle import MarketCycle, Row
from watcher.entries import entries
from watcher.errors import WatcherError
from watcher.health.fold import Standing, step
from watcher.health.judge import Judgement, judged, sighting
from watcher.model import BlockRef, DoubtKind, PositionKey, Reading, Sighting, Status, Transition
from watcher.store.entry import Entry, Seen
from watcher.watching.policy import Policy
from watcher.watching.told import told


@dataclass(frozen=True, slots=True)
class Weighed:
    """One block as it is recorded. `standings` hold once it is; `rows` are for the causes of the next block's changes."""

    entries: tuple[Entry, ...]
    transitions: tuple[Transition, ...]
    standings: Mapping[PositionKey, Standing]
    rows: Mapping[PositionKey, Row]
    statuses: tuple[Status, ...]


@dataclass(frozen=True, slots=True)
class Scales:
    """What one block is weighed by: the bands, how each position stood, and the rows before."""

    policy: Policy
    standings: Mapping[PositionKey, Standing]
    before: Mapping[PositionKey, Row]

    def weigh(self, found: Confirmed, block: BlockRef, read_at: int) -> Weighed:
        """Every position that was read, and every known one of a market that could not be, which is unknown."""
        seen: dict[PositionKey, Sighting] = {}
        sure: dict[PositionKey, tuple[Row, Judgement]] = {}
        cycles = []
        for cycle in found.markets:
            rows = []
            for row in cycle.rows:
                row, judgement = self._judged(row)
                confirmed = found.by > 1 and not any(d.kind is DoubtKind.DISPUTED for d in row.reading.doubts)
                seen[row.reading.key] = cautious(sighting(row.reading, judgement, read_at, confirmed=confirmed), row)
                if judgement is not None:
                    sure[row.reading.key] = row, judgement
                rows.append(row)
            cycles.append(replace(cycle, rows=tuple(rows)))
        lost = {cycle.market.name: self._lost(cycle, block, seen) for cycle in cycles}
        for readings in lost.values():
            for reading in readings:
                seen[reading.key] = sighting(reading, None, read_at, confirmed=found.by > 1)
        standings, changes = self.fold(seen)
        transitions = tuple(
            told(change, *sure[change.key], self.before.get(change.key), self.policy) if change.key in sure else change
            for change in changes
        )
        kept = tuple(
            replace(entry, seen=(*entry.seen, *(Seen(r, None, seen[r.key]) for r in lost[entry.market.name])))
            for entry in entries(cycles, seen)
        )
        rows_now = {key: row for key, (row, _) in sure.items()}
        return Weighed(
            kept, transitions, standings, {**self.before, **rows_now}, tuple(one.status for one in seen.values())
        )

    def blind(self, keys: Sequence[PositionKey], tip: BlockRef, why: WatcherError, read_at: int) -> Weighed:
        """Nothing could be read: every known position is unknown, at the newest block that was."""
        seen = {
            key: sighting(Reading(key, tip, Status.UNKNOWN, None, str(why)), None, read_at, confirmed=True)
            for key in keys
        }
        standings, changes = self.fold(seen)
        return Weighed((), changes, standings, self.before, (Status.UNKNOWN,) * len(seen))

    def fold(self, seen: Mapping[PositionKey, Sighting]) -> tuple[dict[PositionKey, Standing], tuple[Transition, ...]]:
        """One step of every position that was seen, in their order."""
        standings = dict(self.standings)
        changes: list[Transition] = []
        for key, one in seen.items():
            standings[key], made = step(standings.get(key), one)
            changes.extend(made)
        return standings, tuple(changes)

    def _judged(self, row: Row) -> tuple[Row, Judgement | None]:
        verdict = self.policy.judge(row)
        if isinstance(verdict, WatcherError):
            lost = replace(row.reading, status=Status.UNKNOWN, valuation=None, reason=str(verdict))
            return replace(row, reading=lost), None
        return (row, None) if verdict is None else (replace(row, reading=judged(row.reading, verdict)), verdict)

    def _lost(self, cycle: MarketCycle, block: BlockRef, seen: Mapping[PositionKey, Sighting]) -> tuple[Reading, ...]:
        """Known positions of a market whose reading failed. A first failure of a market knows of none."""
        if cycle.error is None:
            return ()
        return tuple(
            Reading(key, block, Status.UNKNOWN, None, str(cycle.error))
            for key in self.standings
            if key.market == cycle.market.name and key not in seen
        )


def cautious(seen: Sighting, row: Row) -> Sighting:
    """No all-clear while the sequencer is down or has just come back: the status may fall, and rises when three heads after it say so."""
    if any(doubt.kind is DoubtKind.SEQUENCER for doubt in row.reading.doubts):
        return replace(seen, clears=None)
    return seen
