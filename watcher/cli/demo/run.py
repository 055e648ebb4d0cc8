"""One run of the demo: each block is played, read on the production path (Rpc → provider → Reader → cycle) and held against the truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Price
from watcher.adapters import adapter
from watcher.cli.demo.tally import Outcome, Tally, by_protocol, compared
from watcher.connection import Connection
from watcher.cycle import MarketCycle, Row, cycle
from watcher.errors import BlockChanged, Lying
from watcher.figures import health
from watcher.health.fall import Fall, fall
from watcher.localchain.stage.cast import VICTIM, keys, owners
from watcher.localchain.stage.liar import Liar
from watcher.localchain.stage.play import STEPS, Event, Play, Step
from watcher.localchain.stage.truth import Truth
from watcher.localchain.stage.world import World
from watcher.model import BlockRef, PositionKey, Valuation

FIRST: Final = "first endpoint"  # through the liar
SECOND: Final = "second endpoint"  # the node itself
LIQUIDATED: Final = f"{VICTIM} is liquidated on the real pool by somebody else's transaction"


@dataclass(frozen=True, slots=True)
class Line:
    """One position as the table shows it: `before` is its value one block earlier, `fall` of all its collateral's prices."""

    who: str
    market: str
    row: Row
    before: Valuation | None
    fall: Fall | None

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
    """One block, read and compared. `prices` are those of the first market by symbol; `step` counts from 1."""

    step: int
    steps: int
    block: BlockRef
    prices: Mapping[str, Price]
    lines: tuple[Line, ...]
    comparisons: int
    differences: int
    notes: tuple[str, ...]


Watch = Callable[[Scene], None]


@dataclass(slots=True)
class Run:
    """``await Run(…).perform()``: `watch` is shown every block as soon as it is compared."""

    world: World
    line: Connection
    liar: Liar
    truth: Truth
    watch: Watch
    cast: Mapping[ChecksumAddress, str] = field(default_factory=owners)
    tally: Tally = field(default_factory=Tally)
    known: dict[str, Any] = field(default_factory=dict)  # terms by market
    before: dict[PositionKey, Valuation | None] = field(default_factory=dict)
    reorgs: int = 0
    replaced: int = 0
    refused: int = 0

    async def perform(self) -> Outcome:
        started = time.monotonic()
        first = await self.world.chain.block_number()
        play = await Play.of(self.world)
        for number, step in enumerate(STEPS, 1):
            await play.act(step)
            block = await self.line.block()
            match step.event:
                case Event.LIE:
                    self.liar.lie_once()
                case Event.REORG:
                    await play.replace_two_blocks()
            await self._follow(number, step, block)
        protocols = {market.name: market.protocol for market in self.line.chain.markets}
        return Outcome(
            accounts=len(self.cast),
            positions=len(keys(self.world)),
            blocks=len(self.tally.blocks),
            comparisons=self.tally.comparisons,
            figures=sum(one.figures for one in self.tally.blocks.values()),
            differences=tuple(self.tally.differences),
            crossed=by_protocol(self.tally.crossed(), protocols),
            liquidations=await self.truth.liquidations(first),
            reorgs=self.reorgs,
            replaced=self.replaced,
            faults=self.refused,
            seconds=time.monotonic() - started,
        )

    async def _follow(self, number: int, step: Step, block: BlockRef) -> None:
        """Read the block; where it is replaced meanwhile, drop what was read of the old branch and read the new one."""
        try:
            await self._read(number, step, block)
        except BlockChanged:
            gone = [old for old in self.tally.refs if (await self.line.block(old.number)).hash != old.hash]
            self.tally.drop(gone)
            self.reorgs += 1
            self.replaced += len(gone) + 1
            note = f"reorg: {len(gone) + 1} blocks were replaced while the newest was read; they are dropped and read again"
            for place, lost in enumerate((*gone, block)):
                again = await self.line.block(lost.number)
                await self._read(number, step, again, None if place else note)

    async def _read(self, number: int, step: Step, block: BlockRef, note: str | None = None) -> None:
        chain = self.line.chain
        cycles = await cycle(self.line.reader, block, chain.markets, tuple(self.cast), self.known)
        self.known = {one.market.name: one.terms for one in cycles if one.error is None}
        told = await self.truth.at(block.number)
        self.tally.add(compared(block, cycles, told))
        lines = tuple(self._line(row) for one in cycles for row in one.rows)
        if step.event is Event.LIE:
            note = await self._refusal()
        elif step.event is Event.LIQUIDATION:
            note = LIQUIDATED
        notes = (*([note] if note else []), *(text for line in lines if (text := line.crossing())))
        counts = (self.tally.comparisons, len(self.tally.differences))
        self.watch(Scene(number, len(STEPS), block, _prices(cycles[0]), lines, *counts, notes))

    async def _refusal(self) -> str:
        """What became of the first endpoint's lie: a client that has seen through it does not ask there again."""
        if not self.liar.lies:
            return "no poisoned reply was asked for"
        try:
            await self.line.rpc.only(FIRST).call("eth_chainId")
        except Lying as error:
            self.refused += 1
            return f"poisoned reply refused: {error}; the {SECOND} answered instead"
        return "A POISONED REPLY WAS TAKEN FOR TRUE"

    def _line(self, row: Row) -> Line:
        key, seen = row.reading.key, row.reading.valuation
        before, self.before[key] = self.before.get(key), seen
        label = self.line.chain.note(key.market).label
        market = label if row.market.protocol == "aave_v3" else f"Morpho {label}"
        distance = None if seen is None else fall(row.position)
        return Line(self.cast[to_checksum_address(key.key)], market, row, before, distance)


def _prices(one: MarketCycle) -> Mapping[str, Price]:
    if one.error is not None:
        return {}
    found = adapter(one.market.protocol).prices(one.terms, one.quote)
    return {price.token.symbol: price for price in found}
