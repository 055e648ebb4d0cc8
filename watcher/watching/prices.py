"""The doubts about the prices that tracked positions hang on, as the newest block that was read shows them, and what stands behind them.

Who looks remembers which aggregator each feed read, so that one that is replaced is noticed: no event of the feed says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Price
from watcher.cycle import Row, priced
from watcher.errors import Transient, WatcherError
from watcher.model import BlockRef, DoubtKind
from watcher.oracle.sight import Sight, look
from watcher.oracle.trust import FRESH, Replaced, aggregators, replacements
from watcher.watching.chain import WatchedChain
from watcher.watching.concerns import Subject

DEADLINE: Final = 20.0  # seconds for one look


@dataclass(frozen=True, slots=True)
class Doubted:
    """`seen` are the markets whose prices were looked at, `found` what is doubted there, in words. `error` is why not all could be."""

    seen: frozenset[str]
    found: Mapping[Subject, str]
    error: WatcherError | None = None


@dataclass(slots=True)
class Looks:
    """Looks at one chain's prices, one after another: what feeds read at the last one, and which were replaced since the first."""

    reads: dict[ChecksumAddress, ChecksumAddress] = field(default_factory=dict)
    replaced: dict[ChecksumAddress, Replaced] = field(default_factory=dict)

    async def doubted(self, chain: WatchedChain, newest: BlockRef) -> Doubted:
        """Everything in doubt at the newest block; where it cannot be looked behind the prices, what the cycle itself has read.

        Rows of an older block say nothing about the present: their positions could not be read since, which is told as unknown.
        """
        rows = [row for row in chain.rows.values() if row.reading.block == newest]
        try:
            async with asyncio.timeout(DEADLINE):
                sight = await self.look(chain, newest, [price for row in rows for price in priced(row)])
        except TimeoutError:
            return Doubted(frozenset(), found(rows, None), Transient(chain.line.chain.name, "no answer in time"))
        except WatcherError as error:
            return Doubted(frozenset(), found(rows, None), error)
        name = chain.line.chain.name
        sequencer = (
            {} if sight.sequencer is None else {Subject(name, DoubtKind.SEQUENCER): f"{name}: {sight.sequencer.text}"}
        )
        return Doubted(frozenset({name, *(row.market.name for row in rows)}), {**found(rows, sight), **sequencer})

    async def look(self, chain: WatchedChain, newest: BlockRef, prices: list[Price]) -> Sight:
        """What stands behind these prices at the newest block. Raises what a reader raises."""
        known, line = chain.line.chain, chain.line.through(*chain.served) if chain.served else chain.line
        held = {price.token.address for price in prices}
        usd = [(one.token, one.feed) for one in known.usd if one.token in held]
        beats = {beat.feed: beat.seconds for beat in known.heartbeats}
        sight = await line.reader.run(look(prices, usd, known.sequencer, beats, newest.timestamp), newest)
        self.replaced |= replacements(self.reads, sight.paths, newest.timestamp)
        self.replaced = {feed: one for feed, one in self.replaced.items() if newest.timestamp - one.at < FRESH}
        self.reads |= aggregators(sight.paths)
        return replace(sight, known=replace(sight.known, replaced=dict(self.replaced)))


def found(rows: Iterable[Row], sight: Sight | None) -> dict[Subject, str]:
    """What speaks against the prices of some positions, and against their oracle as a whole, by what it is about."""
    said: dict[Subject, dict[str, None]] = {}
    for row in rows:
        for subject, text in _doubts(row, sight):
            said.setdefault(subject, {})[text] = None
    return {subject: f"{subject.about}: {'; '.join(texts)}" for subject, texts in said.items()}


def _doubts(row: Row, sight: Sight | None) -> Iterator[tuple[Subject, str]]:
    for price in priced(row):
        for doubt in price.doubts if sight is None else sight.doubts(price):
            yield Subject(row.market.name, f"{doubt.kind} {price.token.address}"), doubt.text
    for doubt in row.reading.doubts:  # what the whole chain's feed says is said once, of the chain
        if doubt.kind is DoubtKind.SEQUENCER and (sight is None or doubt != sight.sequencer):
            yield Subject(row.market.name, doubt.kind), doubt.text
