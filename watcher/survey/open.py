"""Opens a market: finds everybody who ever owed in it, reads what they hold, and proves that nobody is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic

from watcher.adapter import Adapter, H, LogQuery, Q, T
from watcher.adapters import adapter
from watcher.connection import Connection
from watcher.errors import UsageError
from watcher.model import BlockRef, Market, PositionKey
from watcher.survey.coverage import Coverage, coverage
from watcher.survey.discover import Found, discover
from watcher.survey.fill import Standing
from watcher.survey.lane import Lane
from watcher.survey.settle import Roll, settle
from watcher.survey.spans import Span, blocks, missing


@dataclass(frozen=True, slots=True)
class Step:
    """How far a long job is: `done` of `total` blocks (of logs) or accounts."""

    of: str  # "blocks" or "accounts"
    done: int
    total: int


Tell = Callable[[Step], None]


def silent(_: Step) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Opened(Generic[T, Q, H]):
    """A whole market at one block: all of it is true there. `quote` is as stored, not accrued; `since` is the block that first named
    each position.

    Where `coverage` is not exact somebody is missing: `again` are the blocks whose logs must be asked for again, elsewhere.
    """

    market: Market
    terms: T
    quote: Q
    holdings: Mapping[PositionKey, H]
    since: Mapping[PositionKey, int]
    block: BlockRef
    coverage: Coverage
    again: tuple[Span, ...] = ()


@dataclass(slots=True)
class Survey:
    """One market being opened."""

    line: Connection
    market: Market
    of: Adapter[Any, Any, Any]
    standing: Standing
    lane: Lane
    tell: Tell
    members: dict[PositionKey, int] = field(default_factory=dict)
    read: list[Found] = field(default_factory=list)  # their members left out

    async def discover(self, query: LogQuery[PositionKey], spans: Iterable[Span]) -> None:
        """Everybody whom the logs of these blocks name."""
        spans = tuple(spans)
        done, total = 0, blocks(spans)
        async for found in discover(self.lane, query, spans):
            for key, number in found.members.items():
                self.members[key] = min(number, self.members.get(key, number))
            self.read.append(replace(found, members={}))
            done += blocks([found.span])
            self.tell(Step("blocks", done, total))

    async def fill(self) -> None:
        """Whoever has not been read yet."""
        done, total = 0, len(self.members)

        def step(count: int) -> None:
            nonlocal done
            done += count
            self.tell(Step("accounts", done, total))

        await self.standing.fill(self.line, [key for key in self.members if key not in self.standing.held], step)

    async def settled(self, roll: Roll) -> Opened[Any, Any, Any]:
        """All of it at one block, and the proof."""
        await self.fill()
        quote, block = await settle(self.line, self.standing, roll, self.lane.windows)
        holdings = {key: holding for key, (holding, _) in self.standing.held.items()}
        proof = coverage(self.of, self.standing.terms, quote, holdings.values())
        return Opened(self.market, self.standing.terms, quote, holdings, self.members, block, proof)


async def open_market(
    line: Connection,
    market: Market,
    *,
    suppliers: bool = False,
    tell: Tell = silent,
) -> Opened[Any, Any, Any]:
    """Everybody who ever owed in `market`, with `suppliers` also who was ever given a deposit, and what they hold at one block.

    `UsageError` for a protocol that has no such logs, `ChainError` where no endpoint gives them, or none the state of recent blocks.
    """
    of = adapter(market.protocol)
    head = await line.block()
    terms = await line.reader.run(of.terms(market), head)
    if of.borrowers is None or of.founding is None or of.suppliers is None:
        raise UsageError(f"{market.protocol}: its borrowers cannot be found by logs")
    survey = Survey(line, market, of, Standing(of, market, terms), Lane(line, of.founding(terms)), tell)
    first, final = market.start or 0, max(0, head.number - line.chain.finality)
    await survey.lane.opened(first, final)
    query = of.borrowers([terms])
    await survey.discover(query, missing(first, final, ()))
    return await survey.settled(Roll(query, survey.members, final))
