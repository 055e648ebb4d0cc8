"""Whether the sequencer of an L2 is up, by Chainlink's uptime feed: while it is down, and for a while after, prices may be old."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from watcher.model import Doubt, DoubtKind
from watcher.query import Query, ask, each

GRACE: Final = 3_600  # seconds after a return, for prices and people to catch up; Aave's sentinels and Chainlink's example use an hour


@dataclass(frozen=True, slots=True)
class Uptime:
    """`up` is None where the feed does not answer. `since` is when that began, in seconds; 0 where it is not known."""

    up: bool | None
    since: int


def uptime(feed: ChecksumAddress | None) -> Query[Uptime | None]:
    """The feed's word in one round trip; None for a chain that has none, or needs none."""
    if feed is None:
        return None
    ((row,),) = yield from ask(each("chainlink/feed.latestRoundData", [feed], optional=True))
    if row is None:
        return Uptime(None, 0)
    return Uptime(row[1] == 0, row[2])  # an answer of 0 is up; startedAt is the last change, 0 before the first


def doubt(seen: Uptime | None, now: int) -> Doubt | None:
    """What is to be said at `now`, seconds: down, back for less than `GRACE`, or not to be told. Silence is not *up*."""
    if seen is None:
        return None
    if seen.up is None:
        return Doubt(DoubtKind.SEQUENCER, "whether the sequencer is up cannot be told: its uptime feed does not answer")
    if not seen.up:
        return Doubt(DoubtKind.SEQUENCER, f"the sequencer is down, for {_minutes(now - seen.since)}")
    if not seen.since:
        return Doubt(
            DoubtKind.SEQUENCER, "whether the sequencer is up cannot be told: its uptime feed has no round yet"
        )
    if now - seen.since < GRACE:
        return Doubt(DoubtKind.SEQUENCER, f"the sequencer has been back for {_minutes(now - seen.since)} only")
    return None


def _minutes(seconds: int) -> str:
    minutes = max(0, seconds) // 60
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
