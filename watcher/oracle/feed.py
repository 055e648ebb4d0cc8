"""What stands behind a price source: its own description, the feed below a cap, how old the answer is, whether a cap binds.

Everything here is optional: a source that does not answer is shown by its address, without an age. Nothing here changes a price.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from watcher.model import Doubt, DoubtKind
from watcher.query import Query, Read, Rows, ask, each

NOBODY: Final = ChecksumAddress("0x" + "0" * 40)  # type: ignore[arg-type]
OLD: Final = 26 * 3600  # seconds; the slowest common heartbeat is a day, and it is not on chain

# What an adapter calls the feed below it: Aave's ratio caps, stable caps.
_BELOW: Final = ("chainlink/cap.BASE_TO_USD_AGGREGATOR", "chainlink/cap.ASSET_TO_USD_AGGREGATOR")


@dataclass(frozen=True, slots=True)
class Feed:
    """`path` reads from the source inwards. `clock` is the contract whose round tells the answer's age, None where there is none."""

    source: ChecksumAddress
    description: str
    path: tuple[str, ...]
    clock: ChecksumAddress | None
    capped: bool  # the source can say whether its cap binds


@dataclass(frozen=True, slots=True)
class Pulse:
    """A feed now: `updated` in seconds (None: cannot be read; 0: its round is not complete), `binding` when a cap holds the answer down."""

    updated: int | None
    binding: bool


def describe(sources: Iterable[ChecksumAddress]) -> Query[dict[ChecksumAddress, Feed]]:
    """Every source once, in one round trip."""
    asked = tuple(dict.fromkeys(source for source in sources if source != NOBODY))
    names = ("description", "latestRoundData", "aggregator")
    answers = yield from ask(
        *(each(f"chainlink/feed.{name}", asked, optional=True) for name in names),
        *(each(name, asked, optional=True) for name in _BELOW),
        each("chainlink/cap.RATIO_PROVIDER", asked, optional=True),
        each("chainlink/cap.isCapped", asked, optional=True),
    )
    return {source: _feed(source, [rows[place] for rows in answers]) for place, source in enumerate(asked)}


def _feed(source: ChecksumAddress, answers: Sequence[tuple[object, ...] | None]) -> Feed:
    description, round_, aggregator, base, asset, ratio, capped = (row[0] if row else None for row in answers)
    below = base or asset
    name = str(description) if description else source
    steps = [name]
    if below:
        steps.append(f"cap over {below}")
    if ratio:
        steps.append(f"ratio from {ratio}")
    if aggregator and aggregator != source:
        steps.append(f"aggregator {aggregator}")
    clock = source if round_ is not None else below
    return Feed(source, name, tuple(steps), ChecksumAddress(clock) if clock else None, capped is not None)  # type: ignore[arg-type]


def reads(feeds: Sequence[Feed]) -> tuple[Read, Read]:
    """The reads that `pulses` takes back, to be asked beside others in one round."""
    return (
        each("chainlink/feed.latestRoundData", (feed.clock for feed in feeds if feed.clock), optional=True),
        each("chainlink/cap.isCapped", (feed.source for feed in feeds if feed.capped), optional=True),
    )


def pulses(feeds: Sequence[Feed], rounds: Rows, caps: Rows) -> dict[ChecksumAddress, Pulse]:
    """The state of every feed by its source, from the answers to `reads`."""
    times = iter(rounds)
    binding = iter(caps)
    return {feed.source: _pulse(feed, times, binding) for feed in feeds}


def _pulse(feed: Feed, times: Iterator[object], binding: Iterator[object]) -> Pulse:
    row = next(times) if feed.clock else None
    cap = next(binding) if feed.capped else None
    updated = row[3] if isinstance(row, tuple) and (row[3] or row[0]) else None  # all zero: a source that has no rounds
    return Pulse(updated, isinstance(cap, tuple) and bool(cap[0]))


def doubts(symbol: str, pulse: Pulse | None, now: int | None) -> tuple[Doubt, ...]:
    """What to say beside a price of `symbol`: its cap binds, its round is not complete, or its answer is older than any usual heartbeat.

    `now` in seconds.
    """
    found: list[Doubt] = []
    if pulse is None:
        return ()
    if pulse.binding:
        found.append(Doubt(DoubtKind.CAPPED, f"the price of {symbol} is held down by its cap"))
    if pulse.updated == 0:
        text = f"the price of {symbol} is of a round that is not complete; when it was updated is not known"
        found.append(Doubt(DoubtKind.STALE, text))
    elif now is not None and pulse.updated is not None and now - pulse.updated > OLD:
        hours = (now - pulse.updated) // 3600
        found.append(Doubt(DoubtKind.STALE, f"the price of {symbol} was last updated {hours} hours ago"))
    return tuple(found)
