"""What the demo shows of one block: every position beside what it was a block earlier, and what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from watcher.adapter import Price
from watcher.adapters import adapter
from watcher.cli.demo.market import Looked
from watcher.cycle import MarketCycle, Row
from watcher.figures import health
from watcher.health.fall import Fall
from watcher.model import BlockRef, Valuation


@dataclass(frozen=True, slots=True)
class Line:
    """One position as the table shows it: `before` is its value one block earlier, `fall` finds that of all its collateral's prices."""

    who: str
    market: str
    row: Row
    before: Valuation | None
    fall: Callable[[], Fall | None]

    def crossing(self) -> str | None:
        """A word about a position that has just come to, or back from, the wrong side of its line."""
        seen, was = self.row.reading.valuation, self.before
        if seen is None or was is None or seen.liquidatable == was.liquidatable:
            return None
        place = f"{self.who} on {self.market}"
        figures = f"health {health(was.health)} → {health(seen.health)}"
        return f"{place} is back: {figures}" if was.liquidatable else f"{place} CROSSES ITS LINE: {figures}"


@dataclass(frozen=True, slots=True)
class Scene:
    """One block, recorded and compared, or one that nobody `watched`; `markets` are the followed ones, as they were read last.

    `prices` are those of the first market by symbol; `step` counts from 1, `transitions` are those that are stored by now.
    """

    step: int
    steps: int
    block: BlockRef
    prices: Mapping[str, Price]
    lines: tuple[Line, ...]
    comparisons: int
    differences: int
    notes: tuple[str, ...]
    transitions: int = 0
    watched: bool = True
    markets: tuple[Looked, ...] = ()


Watch = Callable[[Scene], None]


def prices(one: MarketCycle) -> Mapping[str, Price]:
    """The oracle's answers of a market by symbol; none where it could not be read."""
    if one.error is not None:
        return {}
    found = adapter(one.market.protocol).prices(one.terms, one.quote)
    return {price.token.symbol: price for price in found}
