"""One run of the demo: each block is played, read on the production path (Rpc → provider → Reader → cycle) and held against the truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from eth_utils.address import to_checksum_address

from watcher.adapter import Price
from watcher.adapters import adapter
from watcher.cli.demo_tally import Outcome, Tally, by_protocol, compared
from watcher.connection import Connection
from watcher.cycle import MarketCycle, Row, cycle
from watcher.errors import BlockChanged, Lying
from watcher.health.fall import Fall, fall
from watcher.localchain.stage.cast import VICTIM, keys, owners
from watcher.localchain.stage.liar import Liar
from watcher.localchain.stage.play import STEPS, Event, Play, Step
from watcher.localchain.stage.truth import Truth
from watcher.localchain.stage.world import World
from watcher.model import BlockRef, PositionKey

FIRST: Final = "first endpoint"  # through the liar
SECOND: Final = "second endpoint"  # the node itself
REMARKS: Final = {Event.LIQUIDATION: f"{VICTIM} is liquidated by somebody else's real transaction"}


@dataclass(frozen=True, slots=True)
class Line:
    """One position as the table shows it: `before` is the health one block earlier, `fall` of all its collateral's prices."""

    who: str
    market: str
    row: Row
    before: int | None
    fall: Fall | None


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
    note: str | None


Watch = Callable[[Scene], None]


@dataclass(slots=True)
class Run:
    """``await Run(…).perform()``: `watch` is shown every block as soon as it is compared."""

    world: World
    line: Connection
    liar: Liar
    truth: Truth
    watch: Watch
    tally: Tally = field(default_factory=Tally)
    known: dict[str, Any] = field(default_factory=dict)  # terms by market
    healths: dict[PositionKey, int | None] = field(default_factory=dict)
    reorgs: int = 0
    replaced: int = 0
    refused: int = 0

    async def perform(self) -> Outcome:
        started = time.monotonic()
        first = await self.world.chain.block_number()
        play = Play(self.world)
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
            accounts=len(owners()),
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
            await self._read(number, step, block, REMARKS.get(step.event) if step.event else None)
        except BlockChanged:
            gone = [old for old in self.tally.refs if (await self.line.block(old.number)).hash != old.hash]
            self.tally.drop(gone)
            self.reorgs += 1
            self.replaced += len(gone) + 1
            note = f"reorg: {len(gone) + 1} blocks were replaced while the newest was read; read again"
            for lost in (*gone, block):
                await self._read(number, step, await self.line.block(lost.number), note)

    async def _read(self, number: int, step: Step, block: BlockRef, note: str | None) -> None:
        chain = self.line.chain
        cycles = await cycle(self.line.reader, block, chain.markets, tuple(owners()), self.known)
        self.known = {one.market.name: one.terms for one in cycles if one.error is None}
        told = await self.truth.at(block.number)
        self.tally.add(compared(block, cycles, told))
        lines = tuple(self._line(row) for one in cycles for row in one.rows)
        if step.event is Event.LIE:
            note = await self._refusal()
        counts = (self.tally.comparisons, len(self.tally.differences))
        self.watch(Scene(number, len(STEPS), block, _prices(cycles[0]), lines, *counts, note))

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
        before = self.healths.get(key)
        self.healths[key] = None if seen is None else seen.health
        label = self.line.chain.note(key.market).label
        market = label if row.market.protocol == "aave_v3" else f"Morpho {label}"
        distance = None if seen is None else fall(row.position)
        return Line(owners()[to_checksum_address(key.key)], market, row, before, distance)


def _prices(one: MarketCycle) -> Mapping[str, Price]:
    if one.error is not None:
        return {}
    found = adapter(one.market.protocol).prices(one.terms, one.quote)
    return {price.token.symbol: price for price in found}
