"""One look at what stands behind some prices at one block: their paths, US dollar feeds, and whether the sequencer is up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_typing import ChecksumAddress

from watcher.adapter import Price
from watcher.errors import WatcherError
from watcher.model import Doubt
from watcher.oracle.dollar import dollars
from watcher.oracle.path import Cap, Step, caps
from watcher.oracle.trace import trace
from watcher.oracle.trust import Known, doubts
from watcher.oracle.uptime import Uptime, doubt, uptime
from watcher.query import Query, together


@dataclass(frozen=True, slots=True)
class Sight:
    """`now` is the time of the block in seconds. A price whose source has no path here is one of which nothing more is known."""

    now: int
    paths: Mapping[ChecksumAddress, Step] = field(default_factory=dict)
    known: Known = field(default_factory=Known)
    uptime: Uptime | None = None

    def doubts(self, price: Price) -> tuple[Doubt, ...]:
        """What speaks against a price: all that its path tells, and of what its adapter says only what is of another kind."""
        path = self.paths.get(price.source)
        if path is None:
            return price.doubts
        found = doubts(price, path, self.known, self.now)
        kinds = {one.kind for one in found}
        return (*found, *(one for one in price.doubts if one.kind not in kinds))

    def caps(self, price: Price) -> tuple[Cap, ...]:
        """The caps of a price whose source answers the very integer that the protocol reads; none of another."""
        path = self.paths.get(price.source)
        return () if path is None or path.answer != price.answer else caps(path, self.now)

    @property
    def sequencer(self) -> Doubt | None:
        """What is to be said of the chain's sequencer."""
        return doubt(self.uptime, self.now)


def look(
    prices: Iterable[Price],
    usd: Iterable[tuple[ChecksumAddress, ChecksumAddress]],
    sequencer: ChecksumAddress | None,
    heartbeats: Mapping[ChecksumAddress, int],
    now: int,
) -> Query[Sight]:
    """Everything in the round trips of the deepest path. `usd` are (token, feed). Raises the first error: a part is not the whole.

    A source without an answer is not followed: it may be hostile, and there is no price to explain.
    """
    sources = (price.source for price in prices if price.answer is not None)
    queries: list[Query[Any]] = [trace(sources), dollars(usd), uptime(sequencer)]
    found: list[Any] = []
    for answer in (yield from together(queries)):
        if isinstance(answer, WatcherError):
            raise answer
        found.append(answer)
    paths, rates, seen = found
    return Sight(now, paths, Known(heartbeats, rates), seen)
