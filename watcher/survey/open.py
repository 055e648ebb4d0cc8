"""Opens a market: finds everybody who ever owed in it, reads what they hold, and proves that nobody is missing.

With a store it goes on where an earlier run was cut off, at any point; a list of addresses there is enough to begin with.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic

from watcher.adapter import Adapter, H, LogQuery, Q, T
from watcher.adapters import adapter
from watcher.chain.logs import START
from watcher.connection import Connection
from watcher.errors import ChainError, UsageError
from watcher.model import BlockRef, Market, PositionKey
from watcher.store.open import Store
from watcher.store.survey import DEBT, DEPOSIT, Book
from watcher.survey.bare import bare
from watcher.survey.coverage import Coverage, coverage
from watcher.survey.discover import Found, discover
from watcher.survey.fill import Standing
from watcher.survey.lane import Lane, group
from watcher.survey.ledger import Ledger
from watcher.survey.missing import narrowed
from watcher.survey.settle import Roll, settle
from watcher.survey.spans import Span, blocks, merged, missing

log = logging.getLogger(__name__)

CALLS: Final = 50  # accounts that one request reads, about


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
    """A whole market at one block: all of it is true there. `quote` is as stored, not accrued; `since` is the first block known to name
    each position, None for one that came from a list.

    Where `coverage` is not exact somebody is missing: `again` are the blocks whose logs must be asked for again, elsewhere.
    """

    market: Market
    terms: T
    quote: Q
    holdings: Mapping[PositionKey, H]
    since: Mapping[PositionKey, int | None]
    block: BlockRef
    coverage: Coverage
    again: tuple[Span, ...] = ()

    def owing(self) -> int:
        """How many of them owe anything now."""
        shares = adapter(self.market.protocol).shares
        assert shares is not None, "there is a coverage"
        return sum(any(shares(self.terms, holding).debts.values()) for holding in self.holdings.values())


async def open_market(
    line: Connection, market: Market, store: Store | None = None, *, suppliers: bool = False, tell: Tell = silent
) -> Opened[Any, Any, Any]:
    """Everybody who ever owed in `market`, with `suppliers` also who was ever given a deposit, and what they hold at one block.

    `UsageError` for a protocol that has no such logs, `ChainError` where no endpoint gives them, or none the state of recent blocks.
    """
    return await (await prepared(line, market, store, suppliers=suppliers, tell=tell)).open()


async def prepared(
    line: Connection, market: Market, store: Store | None = None, *, suppliers: bool = False, tell: Tell = silent
) -> Survey:
    """The same before anything long is done: what it will cost can be asked, and then it can be opened."""
    of = adapter(market.protocol)
    if of.borrowers is None or of.suppliers is None or of.founding is None:
        raise UsageError(f"{market.protocol}: its borrowers cannot be found by logs")
    head = await line.block()
    terms = await line.reader.run(of.terms(market), head)
    queries = {DEBT: of.borrowers([terms])} | ({DEPOSIT: of.suppliers([terms])} if suppliers else {})
    span = market.start or 0, max(0, head.number - line.chain.finality)
    lane = Lane(line, of.founding(terms))
    survey = Survey(line, of, Standing(of, market, terms), lane, queries, span, span[1], Ledger(store, market), tell)
    survey.resume(head)
    return survey


@dataclass(slots=True)
class Survey:
    """One market being opened: `span` are the blocks whose logs are to be read, `members` who is known by now."""

    line: Connection
    of: Adapter[Any, Any, Any]
    standing: Standing
    lane: Lane
    queries: Mapping[str, LogQuery[PositionKey]]
    span: Span
    reached: int  # the logs after `span` are read up to here
    ledger: Ledger
    tell: Tell
    members: dict[PositionKey, int | None] = field(default_factory=dict)
    proved: tuple[Span, ...] = ()  # read or not, nobody who owes was named there alone
    served: list[Found] = field(default_factory=list)  # by this run; their members left out
    doubtful: Span = (0, 0)  # where somebody may be missing

    def resume(self, head: BlockRef) -> None:
        """What the store has. Holdings of long ago are dropped when reading all of them is less than reading who moved since."""
        self.members = self.ledger.members()
        book = self.ledger.standing(self.of)
        if book is None:
            return
        if self.ledger.proved(book.block.number):
            self.proved = ((self.span[0], book.block.number - self.line.chain.finality),)
        if (head.number - book.block.number) // START <= len(self.members) // CALLS + 1:
            self.standing.held = {key: (holding, book.block) for key, holding in book.holdings.items()}

    async def open(self) -> Opened[Any, Any, Any]:
        """By what is known, where that is a list of members that turns out to be whole; else by logs.

        A list that is not whole stands too where nobody gives the logs.
        """
        todo, found = self.todo(), None
        if self.listed(todo):
            found = await self.settled()
            if found.coverage.exact:
                return self.entered(found)
        try:
            for kind, spans in todo.items():
                await self.discover(kind, spans)
        except ChainError as error:
            if found is None:
                raise
            log.warning("%s", error)
            self.doubtful = self.span
            return self.entered(found)
        found = await self.settled()
        for again in (self.elsewhere, self.narrowly):
            if not found.coverage.exact and await again():
                found = await self.settled()
        return self.entered(found)

    def listed(self, todo: Mapping[str, Any]) -> bool:
        """Whether a list of members may be all that it takes."""
        return bool(self.members) and todo.keys() == {DEBT} and not self.standing.held

    def todo(self) -> dict[str, tuple[Span, ...]]:
        """The blocks to search, by kind."""
        left = {}
        for kind in self.queries:
            read = self.ledger.searched(kind)
            left[kind] = missing(*self.span, (*read, *self.proved) if kind == DEBT else read)
        return {kind: spans for kind, spans in left.items() if spans}

    async def discover(self, kind: str, spans: Iterable[Span], lane: Lane | None = None) -> None:
        """Everybody whom the logs of these blocks name."""
        spans = tuple(spans)
        if spans:
            await self.search(kind, min(spans)[0])
        done, total = 0, blocks(spans)
        async for found in discover(lane or self.lane, self.queries[kind], spans):
            for key, number in found.members.items():
                before = self.members.get(key)
                self.members[key] = number if before is None else min(number, before)
            self.ledger.note(kind, found.span, found.members)
            self.served.append(replace(found, members={}))
            done += blocks([found.span])
            self.tell(Step("blocks", done, total))

    async def search(self, kind: str, first: int) -> None:
        """Have a lane for blocks from `first` on. Who has forgotten the market's beginning may serve what came after a proof."""
        founded = kind != DEBT or not self.proved or first <= self.proved[0][1]
        if not self.lane.able or (founded and not self.lane.founded):
            begin = self.span[0] if founded else first
            await self.lane.opened(self.queries[kind], begin, self.span[1], founded=founded)

    async def settled(self) -> Opened[Any, Any, Any]:
        """All that is known at one block, and the proof."""
        done, new = 0, [key for key in self.members if key not in self.standing.held]

        def step(count: int) -> None:
            nonlocal done
            done += count
            self.tell(Step("accounts", done, len(new)))

        await self.standing.fill(self.line, new, step)
        roll = Roll(tuple(self.queries.values()), self.members, self.reached)
        quote, block = await settle(self.line, self.standing, roll, self.lane.windows)
        self.reached = roll.read
        holdings = {key: holding for key, (holding, _) in self.standing.held.items()}
        proof = coverage(self.of, self.standing.terms, quote, holdings.values())
        return Opened(
            self.standing.market, self.standing.terms, quote, bare(self.of, holdings), self.members, block, proof
        )

    async def elsewhere(self) -> bool:
        """Ask for all logs once more, each piece another endpoint than before where there is one. True if that named somebody new."""
        before = len(self.members)
        read = merged(found.span for found in self.served)
        for name, spans in group([(found.endpoint, found.span) for found in self.served]).items():
            await self.discover(DEBT, spans, self.lane.without(name))
        await self.discover(DEBT, missing(*self.span, read))
        return len(self.members) > before

    async def narrowly(self) -> bool:
        """The same for the blocks in which the debt appeared that nobody owes, where an endpoint has the state of the past."""
        before = len(self.members)
        self.doubtful = await narrowed(self.line, self.of, self.standing.market, list(self.members), self.span)
        for name in list(self.lane.able):
            await self.discover(DEBT, [self.doubtful], replace(self.lane, able=[name]))
        return len(self.members) > before

    def entered(self, found: Opened[Any, Any, Any]) -> Opened[Any, Any, Any]:
        """What was found, in the store. Where somebody is missing the blocks in doubt count as not read."""
        book = Book(found.terms, found.quote, found.holdings, found.block)
        whole = not missing(*self.span, self.ledger.searched(DEBT))
        self.ledger.enter(book, found.since, found.coverage, (self.span[0], self.reached) if whole else None)
        if not found.coverage.exact:
            found = replace(found, again=(self.doubtful,))
            self.ledger.doubt(found.again)
        return found
