"""Everything some owners hold on one chain: the configured markets, and those their own logs say they have entered.

Reads through a `Connection`, keeps to a deadline, and says what it could not read and what nobody confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_typing import ChecksumAddress

from watcher.config import Chain
from watcher.confirm import Confirmed, Question, confirmed
from watcher.connection import Connection, Pin, connect
from watcher.cycle import MarketCycle, Row
from watcher.errors import BlockChanged, ChainError, Transient, WatcherError
from watcher.model import BlockRef, Market
from watcher.search import Entered, Search, Windows

DEADLINE = 20.0  # seconds for one chain, first request to last answer
RESERVE = 0.25  # share of the deadline kept for reading the markets that logs have named
LAST = 0.05  # share of it kept to show what there is when those are late
REPEATS = 3  # cycles, where the pinned block was replaced while it was read


@dataclass(frozen=True, slots=True)
class Wallet:
    """What `owners` hold on one chain at one block. With `error` set nothing could be read and everything there is unknown.

    `confirmed_by` endpoints gave the very same facts, 1 being the only one that was asked; `notes` name the others, a line each.
    """

    chain: Chain
    block: BlockRef | None
    markets: tuple[MarketCycle, ...] = ()
    entered: tuple[Entered, ...] = ()
    error: WatcherError | None = None
    confirmed_by: int = 0
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every position of every market that was read."""
        return tuple(row for market in self.markets for row in market.rows)

    @property
    def complete(self) -> bool:
        """Nothing is missing: every market and position was read, and every log that could name another market."""
        read = all(m.error is None and all(row.reading.valuation for row in m.rows) for m in self.markets)
        return self.error is None and read and all(entered.complete for entered in self.entered)


@dataclass(frozen=True, slots=True)
class Limits:
    """The times of the running loop at which a wallet's steps must have ended."""

    search: float
    found: float
    all: float

    @classmethod
    def of(cls, deadline: float) -> Limits:
        end = asyncio.get_running_loop().time() + deadline
        return cls(end - RESERVE * deadline, end - LAST * deadline, end)


async def read_wallet(
    chain: Chain,
    owners: Sequence[ChecksumAddress],
    *,
    number: int | None = None,
    before: int | None = None,
    deadline: float = DEADLINE,
    known: Mapping[str, Any] | None = None,
    confirm: bool = True,
    windows: Windows | None = None,
) -> Wallet:
    """The owners' positions on `chain`, at the head, at block `number`, or at the newest block not after `before` (Unix seconds).

    `known` are terms of an earlier cycle by market name. With `confirm` a second endpoint that was named in the same place as the first
    is asked the same. `windows` remembers what endpoints serve at once; pass the same one again. Never raises `WatcherError`: a chain
    that cannot be read within `deadline` seconds is a `Wallet` with its error.
    """
    limits = Limits.of(deadline)
    try:
        async with asyncio.timeout_at(limits.all), connect(chain) as line:
            asked = Asked(line, owners, number, before, known, confirm)
            return await _read(asked, limits, {} if windows is None else windows)
    except TimeoutError:
        names = ", ".join(dict.fromkeys(endpoint.name for endpoint in chain.endpoints))
        error = Transient(names, f"no answer within {deadline:g} s; try another endpoint with --rpc URL")
        return Wallet(chain, None, error=error)
    except WatcherError as error:
        return Wallet(chain, None, error=error)


@dataclass(frozen=True, slots=True)
class Asked:
    """What `read_wallet` was asked, with the line to ask it through."""

    line: Connection
    owners: Sequence[ChecksumAddress]
    number: int | None
    before: int | None
    known: Mapping[str, Any] | None
    confirm: bool

    def question(self, pin: Pin, markets: Sequence[Market], until: float) -> Question:
        asked = pin if self.confirm else replace(pin, holders=pin.holders[:1])
        return Question(asked, markets, self.owners, self.known, until)

    async def settled(self, until: float) -> tuple[Pin, Confirmed]:
        """The configured markets at a block that stays. Where it was replaced meanwhile, the endpoints agree on another."""
        for attempt in range(1, REPEATS + 1):
            pin = await self.line.pin(self.number, self.before)
            question = self.question(pin, self.line.chain.markets, until)
            try:
                return pin, await confirmed(question, last=attempt == REPEATS)
            except BlockChanged:
                continue
        raise ChainError(f"{self.line.chain.name}: its newest blocks keep being replaced; try again in a minute")


async def _read(asked: Asked, limits: Limits, windows: Windows) -> Wallet:
    """Configured markets first: the search for others takes what is left of the time and of the endpoints' patience."""
    pin, configured = await asked.settled(limits.search)
    chain, head = asked.line.chain, pin.block.number
    searches = [Search(singleton, (singleton.start or 0) - 1) for singleton in chain.singletons]
    holders = pin.line.through(*pin.holders)
    try:
        async with asyncio.timeout_at(limits.search):
            await asyncio.gather(*(search.walk(holders, asked.owners, head, windows) for search in searches))
    except TimeoutError:
        pass  # every search knows how far it got
    listed = {market.id for market in chain.markets if market.id}
    more = [market for search in searches for market in search.found.values() if market.id not in listed]
    found = await _in_time(asked.question(pin, more, limits.found)) if more else Confirmed((), configured.by)
    return Wallet(
        chain,
        pin.block,
        configured.markets + found.markets,
        tuple(search.entered(head) for search in searches),
        confirmed_by=min(configured.by, found.by),
        notes=tuple(dict.fromkeys((*pin.notes, *configured.notes, *found.notes))),
    )


async def _in_time(question: Question) -> Confirmed:
    """A cycle that may not cost what has been read already: where it fails or is late, its markets are unknown, with the reason."""
    failure: WatcherError
    try:
        async with asyncio.timeout_at(question.until):
            return await confirmed(question, last=True)
    except TimeoutError:
        failure = Transient(question.pin.line.chain.name, "the time was up before this market was read")
    except ChainError as error:
        failure = error
    return Confirmed(tuple(MarketCycle(m, question.pin.block, error=failure) for m in question.markets), 1)
