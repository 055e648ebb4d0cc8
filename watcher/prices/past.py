"""The stored past of a pair as a model may use it: every source cleaned, and one series of what they agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from watcher.risk.series import Series, Tick, agreed, clean
from watcher.store.open import Store
from watcher.store.prices import Extent, Source, extents, marks

HOUR: Final = 3600
LONGEST: Final = {
    "feed": 26 * HOUR,
    "quotes": 6 * HOUR,
    "file": 26 * HOUR,
}  # between two ticks; the slowest usual heartbeat is a day
CANDLE: Final = 2 * HOUR
RANKS: Final = ("feed", "quotes", "file")  # who is believed to be nearest to what a protocol reads; exchanges come last


@dataclass(frozen=True, slots=True)
class Past:
    """`sources` are cleaned each for itself, the most trusted first; `series` is the first one's, and the next one's where it does not
    reach, without what another disputes."""

    pair: str
    sources: Mapping[str, Series]
    series: Series


def past(store: Store, pair: str, since: int = 0, until: int | None = None, step: int = HOUR) -> Past:
    """What is stored of a pair, by either of its names; a series without ticks where nothing is.

    Sources of the pair's common name ("ETH/USD") are held against a token's own feed that says it is of that name. `step` in seconds
    is how old another source's price may be to be held against one.
    """
    found = sorted(known(store, pair), key=lambda one: (rank(one.source), one.source.pair, one.source.name))
    cleaned = {
        f"{one.source.name}{'' if one.source.pair == pair else f' ({one.source.pair})'}": series(
            store, one.source, since, until
        )
        for one in found
    }
    return Past(pair, cleaned, agreed(cleaned, step) if cleaned else Series((), ()))


def known(store: Store, pair: str) -> tuple[Extent, ...]:
    """The sources of a pair and of its common names."""
    own = extents(store, pair)
    names = {one.source.called for one in own if one.source.called is not None and one.source.called != pair}
    also = [one for name in sorted(names) for one in extents(store, name) if one.source.pair == name]
    return (*own, *also)


def series(store: Store, source: Source, since: int = 0, until: int | None = None) -> Series:
    """One source, cleaned."""
    unit: int = 10**source.decimals
    ticks = [Tick(time, answer / unit) for time, answer in marks(store, source, since, until)]
    return clean(ticks, LONGEST.get(kind(source), CANDLE))


def kind(source: Source) -> str:
    """The first word of a source's name: feed, quotes, file, or the exchange."""
    return source.name.partition(" ")[0]


def rank(source: Source) -> int:
    return RANKS.index(kind(source)) if kind(source) in RANKS else len(RANKS)
