"""Everything some owners hold on one chain: the configured markets, and those their own logs say they have entered.

Reads through a `Connection`, keeps to a deadline, and says what it could not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_typing import ChecksumAddress

from watcher.adapters import adapter
from watcher.chain.logs import logs
from watcher.config import Chain
from watcher.connection import Connection, connect
from watcher.cycle import MarketCycle, cycle
from watcher.errors import BlockChanged, ChainError, Transient, WatcherError
from watcher.model import BlockRef, Market

DEADLINE = 20.0  # seconds for one chain, first request to last answer
RESERVE = 5.0  # seconds kept for reading the markets that logs have named
REPEATS = 3  # cycles, where the pinned block was replaced while it was read


@dataclass(frozen=True, slots=True)
class Entered:
    """How far the owners' logs at a singleton were read. Markets entered after block `known` may be missing."""

    singleton: Market
    known: int  # the last block whose logs are certainly read; below `singleton.start` when none was
    complete: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Wallet:
    """What `owners` hold on one chain at one block. With `error` set nothing could be read and everything there is unknown."""

    chain: Chain
    block: BlockRef | None
    markets: tuple[MarketCycle, ...] = ()
    entered: tuple[Entered, ...] = ()
    error: WatcherError | None = None

    @property
    def complete(self) -> bool:
        """Nothing is missing: every market and position was read, and every log that could name another market."""
        read = all(m.error is None and all(row.reading.valuation for row in m.rows) for m in self.markets)
        return self.error is None and read and all(entered.complete for entered in self.entered)


@dataclass(slots=True)
class Search:
    """A walk through one singleton's logs that may be cut off at any time: `found` and `known` are right after every window."""

    singleton: Market
    known: int
    found: dict[bytes, Market] = field(default_factory=dict)
    error: WatcherError | None = None

    def entered(self, head: int) -> Entered:
        complete = self.known >= head and self.error is None
        reason = None if complete else str(self.error or "the time was up before its logs were read to the head")
        return Entered(self.singleton, self.known, complete, reason)

    async def walk(self, line: Connection, owners: Sequence[ChecksumAddress], head: int) -> None:
        """Forward from the singleton's first block, so that everything up to `known` is settled."""
        discover = adapter(self.singleton.protocol).discover
        if discover is None:
            raise TypeError(f"{self.singleton.protocol} has singletons but no discover")
        try:
            async for upto, rows in logs(line.w3, discover(self.singleton, owners), self.known + 1, head):
                self.found.update({market.id: market for _, market in rows})
                self.known = upto
        except WatcherError as error:
            self.error = error


async def read_wallet(
    chain: Chain,
    owners: Sequence[ChecksumAddress],
    *,
    number: int | None = None,
    before: int | None = None,
    deadline: float = DEADLINE,
    known: Mapping[str, Any] | None = None,
) -> Wallet:
    """The owners' positions on `chain`, at the head, at block `number`, or at the newest block not after `before` (Unix seconds).

    Never raises `WatcherError`: a chain that cannot be read within `deadline` seconds is a `Wallet` with its error.
    """
    end = asyncio.get_running_loop().time() + deadline
    try:
        async with asyncio.timeout_at(end), connect(chain) as line:
            block = await line.block(number, before)
            return await _read(line, owners, block, end, number is None and before is None, known)
    except TimeoutError:
        names = ", ".join(dict.fromkeys(endpoint.name for endpoint in chain.endpoints))
        error = Transient(names, f"no answer within {deadline:g} s; try another endpoint with --rpc URL")
        return Wallet(chain, None, error=error)
    except WatcherError as error:
        return Wallet(chain, None, error=error)


async def _read(
    line: Connection,
    owners: Sequence[ChecksumAddress],
    block: BlockRef,
    end: float,
    newest: bool,
    known: Mapping[str, Any] | None,
) -> Wallet:
    """Configured markets and the search for others side by side; then what the search has found, at the same block."""
    searches = [Search(singleton, (singleton.start or 0) - 1) for singleton in line.chain.singletons]
    walks = asyncio.gather(*(search.walk(line, owners, block.number) for search in searches))
    try:
        markets, block = await _settled(line, line.chain.markets, owners, block, newest, known)
        await asyncio.wait([walks], timeout=max(0.0, end - RESERVE - asyncio.get_running_loop().time()))
    finally:
        walks.cancel()
        await asyncio.gather(walks, return_exceptions=True)
    listed = {market.id for market in line.chain.markets if market.id}
    more = [market for search in searches for market in search.found.values() if market.id not in listed]
    found = await _in_time(line, more, owners, block, end - 1.0, known) if more else ()
    return Wallet(line.chain, block, markets + found, tuple(search.entered(block.number) for search in searches))


async def _in_time(
    line: Connection,
    markets: Sequence[Market],
    owners: Sequence[ChecksumAddress],
    block: BlockRef,
    end: float,
    known: Mapping[str, Any] | None,
) -> tuple[MarketCycle, ...]:
    """A cycle that may not cost what has been read already: where it fails or is late, its markets are unknown, with the reason."""
    failure: WatcherError
    try:
        async with asyncio.timeout_at(end):
            return await cycle(line.reader, block, markets, owners, known)
    except TimeoutError:
        failure = Transient(line.chain.name, "the time was up before this market was read")
    except ChainError as error:
        failure = error
    return tuple(MarketCycle(market, block, error=failure) for market in markets)


async def _settled(
    line: Connection,
    markets: Sequence[Market],
    owners: Sequence[ChecksumAddress],
    block: BlockRef,
    newest: bool,
    known: Mapping[str, Any] | None,
) -> tuple[tuple[MarketCycle, ...], BlockRef]:
    """A cycle over a block that stays. Where the block was replaced meanwhile, the newest one is taken instead."""
    for _ in range(REPEATS):
        try:
            return await cycle(line.reader, block, markets, owners, known), block
        except BlockChanged:
            block = await line.block(None if newest else block.number)
    raise ChainError(f"{line.chain.name}: its newest blocks keep being replaced; try again in a minute")
