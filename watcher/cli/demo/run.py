"""One run of the demo: each block is played, `watcher run` follows it in a process of its own, and what that has stored is compared."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Price
from watcher.cli.demo.difference import Difference
from watcher.cli.demo.expected import Expected
from watcher.cli.demo.listing import listing
from watcher.cli.demo.market import Looked, label, looked
from watcher.cli.demo.program import Ended, Program
from watcher.cli.demo.scene import Line, Scene, Watch, prices
from watcher.cli.demo.stored import Stored, opened
from watcher.cli.demo.tally import Outcome, Tally, by_protocol, compared
from watcher.cli.demo.told import account, bands
from watcher.cli.demo.whole import whole
from watcher.config import Chain
from watcher.cycle import Row
from watcher.health.fall import fall
from watcher.localchain.stage.cast import VICTIM, keys, owners
from watcher.localchain.stage.crowd import crowd
from watcher.localchain.stage.liar import Liar
from watcher.localchain.stage.play import STEPS, Event, Play, Step
from watcher.localchain.stage.truth import Told, Truth
from watcher.localchain.stage.world import World
from watcher.model import BlockRef, PositionKey, Valuation
from watcher.scan.look import View

FIRST: Final = "first endpoint"  # through the liar
SECOND: Final = "second endpoint"  # the node itself
LIQUIDATED: Final = f"{VICTIM} is liquidated on the real pool by somebody else's transaction"
KILLED: Final = "watcher run is killed (SIGKILL) while it reads this block"
NOBODY: Final = "nobody watches"
PATIENCE: Final = 60.0  # seconds that a block has until it is recorded
LOOK: Final = 0.02  # seconds between two looks into the store


@dataclass(slots=True)
class Run:
    """``await Run(…).perform()``: `watch` is shown every block as soon as it is compared."""

    world: World
    chain: Chain
    program: Program
    liar: Liar
    truth: Truth
    watch: Watch
    cast: Mapping[ChecksumAddress, str] = field(default_factory=owners)
    tally: Tally = field(default_factory=Tally)
    expected: Expected = field(init=False)
    before: dict[PositionKey, Valuation | None] = field(default_factory=dict)
    stored: Stored | None = None
    lines: tuple[Line, ...] = ()
    markets: tuple[Looked, ...] = ()
    opened: bool = False  # the crowd's book stands, and whoever is not safe in it is told of from the next block on
    view: View | None = None  # of the crowd's market, at the end
    first: int = 0  # the number of the play's first block
    step: int = 0
    reorgs: int = 0
    replaced: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.expected = Expected(frozenset(crowd(self.world)))

    async def perform(self) -> Outcome:
        started = time.monotonic()
        play = await Play.of(self.world)
        self.first = await self.world.chain.block_number() + 1
        try:
            for self.step, step in enumerate(STEPS, 1):
                await self._perform(play, step)
            await self.program.end()
            return await self._outcome(time.monotonic() - started)
        finally:
            if self.stored is not None:
                self.stored.store.close()

    async def _perform(self, play: Play, step: Step) -> None:
        match step.event:
            case Event.LIE:
                self.liar.lie_once()
            case Event.KILL:
                self.liar.stall()
        await play.act(step)
        match step.event:
            case Event.KILL:
                await self._kill()
                await self._unwatched(KILLED)
            case Event.UNWATCHED:
                await self._unwatched(NOBODY)
            case Event.RESUME:
                await self.program.start()
                await self._follow(step)
            case Event.REORG:
                await self._follow(step)
                await play.replace_two_blocks()
                await self._follow(step)
            case _:
                if self.step == 1:
                    await self.program.start()
                await self._follow(step)

    async def _kill(self) -> None:
        """When the first endpoint is asked, and does not answer, a cycle is under way."""
        await self._until(self.liar.stalled.is_set, "begins to read the newest block")
        await self.program.kill()
        self.liar.resume()

    async def _unwatched(self, note: str) -> None:
        block = await self.truth.block()
        self._show(block, {}, (note,), watched=False)

    async def _follow(self, step: Step) -> None:
        """Wait until the head is recorded, then compare every block that is new in the store; what a reorg took away counts no more."""
        head = await self.truth.block()
        told, _ = await asyncio.gather(self.truth.at(head.number), self._recorded(head))
        assert self.stored is not None
        recorded, whose = self.stored.blocks(), [who[2:].lower() for who in self.cast]
        notes = self._drop([block for block in self.tally.refs if block not in recorded])
        for block in recorded:
            if block.hash in self.tally.blocks:
                continue
            cycles = self.stored.cycles(block, whose)
            if block != head:
                told = await self.truth.at(block.number)
            self.markets = tuple(looked(one, self.chain, told) for one in self.stored.books(block))
            self.tally.add(compared(block, cycles, told, self.markets))
            self.tally.differences += bands(block, cycles, told)
            self.expected.add(block, told.margins)
            self._add_crowd(block, told)
            self.lines = tuple(self._line(row) for one in cycles for row in one.rows)
            notes += [text for line in self.lines if (text := line.crossing())]
            if block == head:
                notes = [*await self._event(step, head), *notes]
            self._show(block, prices(cycles[0]), tuple(notes))
            notes = []

    def _add_crowd(self, block: BlockRef, told: Told) -> None:
        """Where its market's book stands. One that has only just been opened has told of nobody yet."""
        assert self.stored is not None
        if self.world.v36.market().name not in {one.market for one in self.markets}:
            return
        said = any(one.block == block and one.key in told.crowd for one in self.stored.transitions())
        if self.opened or said:
            self.expected.add(block, told.crowd)
        self.opened = True

    def _drop(self, gone: list[BlockRef]) -> list[str]:
        if not gone:
            return []
        self.tally.drop(gone)
        self.expected.drop(gone)
        self.reorgs += 1
        self.replaced += len(gone)
        assert self.stored is not None
        back = sum(one.retracts is not None for one in self.stored.transitions())
        return [f"reorg: {len(gone)} recorded blocks were replaced; their rows are gone and {back} changes retracted"]

    async def _event(self, step: Step, head: BlockRef) -> list[str]:
        match step.event:
            case Event.LIE:
                return [await self._refusal(head)]
            case Event.LIQUIDATION:
                return [LIQUIDATED]
            case Event.RESUME:
                assert self.stored is not None
                gaps = [gap for gap in self.stored.gaps() if gap.last == head.number - 1]
                return [
                    f"watcher run is back; a gap is stored: blocks {one.first} to {one.last}, {one.reason}"
                    for one in gaps
                ]
            case _:
                return []

    def _show(
        self, block: BlockRef, prices: Mapping[str, Price], notes: tuple[str, ...], *, watched: bool = True
    ) -> None:
        counts = self.tally.comparisons, len(self.tally.differences)
        transitions = 0 if self.stored is None else len(self.stored.transitions())
        place = self.step, len(STEPS), block
        self.watch(Scene(*place, prices, self.lines, *counts, notes, transitions, watched, self.markets))

    async def _recorded(self, block: BlockRef) -> None:
        """Until the store says so: everything of a block comes in one transaction. At the first one every market is opened too."""
        markets = len(self.chain.markets) if self.step == 1 else 0

        def there() -> bool:
            if self.stored is None and self.program.files.store.exists():
                self.stored = opened(self.program.files.store, self.chain.id)
            if self.stored is None or self.stored.tip() != block:
                return False
            return not markets or self.stored.followed(block) >= markets

        await self._until(there, f"records block {block.number}")

    async def _until(self, true: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            self.program.alive()
            if time.monotonic() > end:
                raise Ended(f"after {PATIENCE:g} s watcher run has not come so far that it {what}{self.program.tail()}")
            await asyncio.sleep(LOOK)

    async def _refusal(self, head: BlockRef) -> str:
        """What became of the first endpoint's lie, by the run's own log."""
        if not self.liar.lies:
            return "no poisoned reply was asked for"
        said = re.compile(rf"block {head.number};.*; not confirmed by {FIRST}: ([^;\n]+)")
        line = re.compile(rf"block {head.number};.*\n")
        await self._until(lambda: line.search(self.program.log) is not None, f"logs block {head.number}")
        found = said.search(self.program.log)
        if found is None:
            return "A POISONED REPLY WAS TAKEN FOR TRUE"
        self.refused += 1
        return f"poisoned reply refused: {FIRST}: {found[1]}; the {SECOND} answered instead"

    async def _outcome(self, seconds: float) -> Outcome:
        assert self.stored is not None
        protocols = {market.name: market.protocol for market in self.chain.markets}
        last = await self.truth.block()
        for block in self.stored.blocks():
            if (real := await self.truth.block(block.number)) != block:
                self.tally.differences.append(
                    Difference(block.number, "the store", None, "hash", block.hash, real.hash)
                )
        told, differences = account(self.stored, self.expected, self.first, last.number)
        self.view = await listing(self.chain, self.stored.store, self.world.v36.market())
        return Outcome(
            accounts=len(self.cast),
            positions=len(keys(self.world)),
            blocks=len(self.tally.blocks),
            comparisons=self.tally.comparisons,
            figures=sum(one.figures for one in self.tally.blocks.values()),
            differences=(*self.tally.differences, *differences),
            crossed=by_protocol(self.tally.crossed(), protocols),
            liquidations=await self.truth.liquidations(self.first),
            reorgs=self.reorgs,
            replaced=self.replaced,
            faults=self.refused,
            kills=self.program.kills,
            account=told,
            whole=whole(self.tally.looks, last.number, told.crowd, sound=self.view.sound),
            seconds=seconds,
        )

    def _line(self, row: Row) -> Line:
        key, seen = row.reading.key, row.reading.valuation
        before, self.before[key] = self.before.get(key), seen
        return Line(
            self.cast[to_checksum_address(key.key)],
            label(self.chain, row.market),
            row,
            before,
            partial(fall, row.position),
        )
