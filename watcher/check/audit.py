"""Our figures against the contracts' own, for accounts that really borrowed: found in the newest Borrow logs, read at one block."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Adapter
from watcher.adapters import adapter
from watcher.chain.logs import logs
from watcher.connection import Connection
from watcher.cycle import Facts, MarketCycle, Row, facts, value
from watcher.errors import BlockChanged, ChainError, WatcherError
from watcher.model import BlockRef, Market, PositionKey
from watcher.query import together

SPARE: Final = 2  # candidates per account that is asked for: some have paid back and left since
REPEATS: Final = 3  # readings, where the pinned block was replaced meanwhile


@dataclass(slots=True)
class Trail:
    """A walk back through the Borrow logs of one contract, which may be cut off at any time. `reached` is the oldest block read."""

    of: Adapter[Any, Any, Any]
    address: ChecksumAddress
    terms: Sequence[Any]  # of the contract's markets
    start: int
    reached: int
    found: dict[PositionKey, None] = field(default_factory=dict)  # newest first
    error: WatcherError | None = None

    async def walk(self, line: Connection, wanted: int, deadline: float) -> None:
        if self.of.borrowers is None:
            return
        query, last = self.of.borrowers(self.terms), self.reached - 1
        try:
            async for low, rows in logs(line.w3, query, self.start, last, backward=True, deadline=deadline):
                self.found.update(dict.fromkeys(key for _, key in rows))
                self.reached = low
                if len(self.found) >= wanted:
                    return
        except WatcherError as error:
            self.error = error


@dataclass(frozen=True, slots=True)
class Audited:
    """One position: `figures` were compared, of which `row.mismatches` differ. `reported` says whether the contract answered at all."""

    row: Row
    figures: int
    reported: bool


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared at `block`. `found` is how many accounts the logs named, back to the block in `reached`
    (by contract; None: no log was read)."""

    asked: int
    block: BlockRef | None
    rows: tuple[Audited, ...]
    found: int
    reached: Mapping[ChecksumAddress, int | None]
    errors: tuple[WatcherError, ...]


async def audit(line: Connection, terms: Mapping[Market, Any], asked: int, deadline: float) -> Audit:
    """Compare the positions of `asked` accounts in these markets (with their terms), taken in turn from each contract's newest borrowers.

    At most half of `deadline` (seconds) goes into looking for them.
    """
    head = await line.block()
    trails = await seek(line, terms, asked * SPARE, head.number, deadline / 2)
    candidates = list(in_turn([list(trail.found) for trail in trails]))
    markets = {market.name: (market, known) for market, known in terms.items()}
    rows, block, errors = await _settled(line, markets, candidates, asked)
    reached = {trail.address: trail.reached if trail.reached <= head.number else None for trail in trails}
    failures = (*(trail.error for trail in trails if trail.error is not None), *errors)
    return Audit(asked, block, rows, len(candidates), reached, failures)


async def seek(
    line: Connection, terms: Mapping[Market, Any], wanted: int, head: int, deadline: float
) -> tuple[Trail, ...]:
    """One walk per contract, side by side."""
    groups: dict[tuple[str, ChecksumAddress], list[Market]] = {}
    for market in terms:
        groups.setdefault((market.protocol, market.address), []).append(market)
    trails = tuple(
        Trail(adapter(protocol), address, [terms[one] for one in group], min(one.start or 0 for one in group), head + 1)
        for (protocol, address), group in groups.items()
    )
    await asyncio.gather(*(trail.walk(line, wanted, deadline) for trail in trails))
    return trails


def in_turn(columns: Sequence[Sequence[PositionKey]]) -> Iterable[PositionKey]:
    """The first of each, then the second of each, as far as they reach."""
    for row in zip_longest(*columns):
        yield from (key for key in row if key is not None)


async def _settled(
    line: Connection, markets: Mapping[str, tuple[Market, Any]], candidates: Sequence[PositionKey], asked: int
) -> tuple[tuple[Audited, ...], BlockRef, tuple[WatcherError, ...]]:
    """All rows at one block that stays. A block is taken only now: looking for accounts may have lasted longer than nodes keep state."""
    for _ in range(REPEATS):
        block = await line.block()
        try:
            return await _compared(line, block, markets, candidates, asked)
        except BlockChanged:
            continue
    raise ChainError(f"{line.chain.name}: its newest blocks keep being replaced; try again in a minute")


async def _compared(
    line: Connection,
    block: BlockRef,
    markets: Mapping[str, tuple[Market, Any]],
    candidates: Sequence[PositionKey],
    asked: int,
) -> tuple[tuple[Audited, ...], BlockRef, tuple[WatcherError, ...]]:
    """Candidates until `asked` accounts among them still hold something."""
    rows: list[Audited] = []
    errors: list[WatcherError] = []
    left = list(candidates)
    while left and (missing := asked - len(accounts(rows))) > 0:
        part, left = left[:missing], left[missing:]
        owners: dict[str, list[ChecksumAddress]] = {}
        for key in part:
            owners.setdefault(key.market, []).append(to_checksum_address(key.key))
        chosen = [markets[name] for name in owners]
        queries = [facts(market, owners[market.name], known) for market, known in chosen]
        answers = await line.reader.run(together(queries), block)
        for (market, _), answer in zip(chosen, answers, strict=True):
            try:
                rows += _rows(market, answer, block)
            except WatcherError as error:
                errors.append(error)
    return tuple(rows), block, tuple(errors)


def accounts(rows: Iterable[Audited]) -> frozenset[bytes]:
    """Whose positions these are: one account may stand in several markets."""
    return frozenset(one.row.reading.key.key for one in rows)


def _rows(market: Market, found: Facts | WatcherError, block: BlockRef) -> list[Audited]:
    """Raises what kept the market, or the contract's own answers, from being read."""
    if isinstance(found, WatcherError):
        raise found
    if isinstance(found.reported, WatcherError):
        raise found.reported
    said = found.reported or {}
    seen: MarketCycle = value(market, found, block)
    return [
        Audited(row, len(said[row.reading.key].figures) if row.reading.key in said else 0, row.reading.key in said)
        for row in seen.rows
    ]
