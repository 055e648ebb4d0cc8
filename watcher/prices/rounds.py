"""A price feed's own rounds, read at one pinned block from the feed's storage: no archive is needed.

A Chainlink proxy numbers its rounds phase · 2**64 + round of that phase's aggregator; an aggregator without a proxy is phase 0
(AggregatorProxy.sol: addPhase, getRoundData, phaseAggregators).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.errors import AnswerError
from watcher.oracle.feed import NOBODY
from watcher.query import Query, ask, each, one

AT_ONCE: Final = 300  # rounds asked in one round trip
PROBES: Final = 16  # rounds asked at once while a time is looked for
MOST: Final = 5_000  # rounds asked at once where a feed has no data of those asked before
PHASE: Final = 64  # bits below the phase in a round's id
EARLIER: Final = 100  # phases before the present one that are asked for; feeds have had about ten


@dataclass(frozen=True, slots=True)
class Phase:
    """One aggregator behind the proxy, and how many rounds it has had."""

    number: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Feed:
    """A source with rounds. `phases` are the oldest first; a place counts the rounds of all of them from 0 on.

    `aggregator` is what the proxy reads at present, the feed itself where it has none; `updated` is the newest round's time.
    """

    address: ChecksumAddress
    description: str
    decimals: int
    aggregator: ChecksumAddress
    updated: int
    phases: tuple[Phase, ...]

    @property
    def total(self) -> int:
        return sum(phase.rounds for phase in self.phases)

    def id(self, place: int) -> int:
        """The round's id as `getRoundData` takes it."""
        for phase in self.phases:
            if place < phase.rounds:
                return (phase.number << PHASE) + place + 1
            place -= phase.rounds
        raise IndexError(place)


def feed(address: ChecksumAddress) -> Query[Feed | None]:
    """The feed as far as its rounds can be told; None where it has none of its own (caps, products, a protocol's oracle)."""
    asked = ("description", "decimals", "latestRoundData", "aggregator")
    rows = yield from ask(*(each(f"chainlink/feed.{name}", (address,), optional=True) for name in asked))
    name, decimals, latest, inner = (column[0] for column in rows)
    if decimals is None or latest is None or not 0 <= decimals[0] <= 36:
        return None
    phase, rounds = latest[0] >> PHASE, latest[0] & (2**PHASE - 1)
    if rounds == 0:
        return None
    before = yield from _phases(address, phase)
    own = address if inner is None or inner[0] == NOBODY else inner[0]
    phases = (*before, Phase(phase, rounds))
    return Feed(address, "" if name is None else name[0], decimals[0], own, latest[3], phases)


def _phases(address: ChecksumAddress, last: int) -> Query[tuple[Phase, ...]]:
    """The phases before `last`, the latest `EARLIER` of them, but those whose aggregator does not answer."""
    numbers = range(max(1, last - EARLIER), last)
    if not numbers:
        return ()
    calls = one("chainlink/feed.phaseAggregators", address, ((number,) for number in numbers), optional=True)
    (rows,) = yield from ask(calls)
    known = [
        (number, row[0]) for number, row in zip(numbers, rows, strict=True) if row is not None and row[0] != NOBODY
    ]
    (counts,) = yield from ask(each("chainlink/feed.latestRound", (where for _, where in known), optional=True))
    return tuple(
        Phase(number, count[0] & (2**PHASE - 1))
        for (number, _), count in zip(known, counts, strict=True)
        if count is not None and count[0]
    )


def answers(of: Feed) -> Query[bool]:
    """Whether the feed gives its own rounds by number."""
    (mark,) = yield from _read(of, range(of.total - 1, of.total))
    return mark is not None


def search(of: Feed, time: int) -> Query[int]:
    """The place of the first round at or after a time, `of.total` where there is none.

    Where one phase began before another had ended, times go back a little: rounds of that overlap may be on the wrong side.
    `AnswerError` for a feed that does not answer for most of its rounds.
    """
    low, high, probes = 0, of.total, PROBES
    while low < high:
        step = -(-(high - low) // probes)
        places = range(low, high, step)
        times = [None if mark is None else mark[0] for mark in (yield from _read(of, places))]
        early = [place for place, when in zip(places, times, strict=True) if when is not None and when < time]
        late = [place for place, when in zip(places, times, strict=True) if when is not None and when >= time]
        if step == 1:
            return min(late, default=high)
        if not (early or late):  # rounds that the feed has no data of: look closer
            probes *= PROBES
            if probes > MOST:
                raise AnswerError(f"feed {of.address} does not answer for its rounds {of.id(low)} to {of.id(high - 1)}")
        low = max(early, default=low - 1) + 1
        high = min((place for place in late if place >= low), default=high)
    return low


def read(of: Feed, first: int, last: int) -> Query[tuple[tuple[int, int], ...]]:
    """(time, answer) of the rounds at places `first` to `last` - 1, without those that the feed has no data of. One round trip."""
    marks = yield from _read(of, range(first, last))
    return tuple(mark for mark in marks if mark is not None)


def _read(of: Feed, places: Sequence[int]) -> Query[list[tuple[int, int] | None]]:
    ids = [(of.id(place),) for place in places]
    (rows,) = yield from ask(one("chainlink/feed.getRoundData", of.address, ids, optional=True))
    return [_mark(row) for row in rows]


def _mark(row: tuple[Any, ...] | None) -> tuple[int, int] | None:
    """A round that never was, or is not complete, has no time."""
    return None if row is None or not row[3] else (row[3], row[1])
