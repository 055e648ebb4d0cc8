"""A whole market of seeded borrowers followed through random real transactions, reorgs and kills: nothing of it is ever wrong or lost.

A failing run is replayed by its seed: ``WATCHER_SEED=… pytest tests/onchain/acceptance_market``; kills come by the machine's clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from eth_typing import ChecksumAddress

from tests.onchain.acceptance import crowd
from tests.onchain.acceptance.truth import Answer, expected
from tests.onchain.acceptance_market.ours import Ours, same, watching
from tests.onchain.acceptance_market.reference import Head, changes
from tests.onchain.acceptance_market.stream import Stream
from tests.onchain.acceptance_market.truth import Pool
from tests.onchain.account_scene import configured, figures
from tests.onchain.conftest import Local
from tests.onchain.scan_scene import Run as Watcher
from tests.onchain.scan_scene import watcher as watcher
from tests.onchain.test_survey import key
from watcher.book.verdict import Lines, verdict
from watcher.exit import Exit
from watcher.following.proof import covered
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.seeder import seed
from watcher.units import MAX, WAD, Wad

SEED = int(os.environ.get("WATCHER_SEED", "20261122"))
LIMITS = tuple(Wad(WAD * hundredths // 100) for hundredths in (110, 105, 100))


@dataclass(frozen=True)
class Size:
    """`folded` accounts have their transitions compared; `reorgs` and `kills` are how often one comes, by chance, in so many blocks."""

    borrowers: int
    blocks: int
    folded: int
    reorgs: int = 12
    kills: int = 12
    apart: int = 10  # blocks between two comparisons of everybody
    fresh: int = 30  # blocks between two books read anew


@dataclass
class Run:
    local: AaveMarket
    size: Size
    stream: Stream
    ours: Ours
    pool: Pool
    folded: set[ChecksumAddress]
    scan: Watcher
    heads: list[Head] = field(default_factory=list)
    compared: int = 0
    listed: int = 0
    books: int = 0
    changes: int = 0

    async def play(self) -> None:
        dice, size = self.stream.dice, self.size
        await self.look()
        for step in range(1, size.blocks + 1):
            await self.happen(step)
            killed = dice.randrange(size.kills) == 0 or step == size.apart
            if killed:
                await self.ours.kill(dice.uniform(0, 0.6))
            if killed or 0 in (step % size.apart, step % size.fresh) or dice.randrange(5):
                await self.look()
            if step % size.apart == 0:
                await self.compare()
            if step % size.fresh == 0:
                assert same(self.ours.one.book, await self.ours.fresh())
                self.books += 1
        await self.look()
        await self.compare()
        self.fold()

    async def happen(self, step: int) -> None:
        """A block, and sometimes others in the place of the newest."""
        await self.stream.block()
        if self.stream.dice.randrange(self.size.reorgs) == 0 or step == self.size.apart - 1:
            gone = await self.stream.reorg()
            left = await self.local.chain.block_number() - gone
            self.heads = [head for head in self.heads if head.number <= left]

    async def look(self) -> None:
        """The watcher at the head, its book in memory and in the store; and what the contract says of some there."""
        chain, ours = self.local.chain, self.ours
        ours.now = await chain.timestamp()
        while not await ours.turn():
            await chain.mine()
            ours.now = await chain.timestamp()
        block = ours.one.block
        assert block.number == await chain.block_number()
        newcomers = self.stream.owners[self.size.borrowers :]
        answers = await self.pool.at(block.number, [*self.folded, *newcomers])
        healths: dict[str, int | None] = {
            who: None if answer[5] == MAX else answer[5] for who, answer in answers.items()
        }
        if not self.heads or self.heads[-1].hash != block.hash:
            self.heads.append(Head(block.number, block.hash, healths))

    async def compare(self) -> None:
        """Everybody: who is under a line, and every figure of those who are."""
        one = self.ours.one
        assert covered(one).exact
        assert same(one.book, await self.ours.stored())
        answers = await self.pool.at(one.block.number, self.stream.owners)
        quote = one.accrued()
        found = verdict(one.book, quote, Lines((LIMITS,)))
        rows = {who: one.book.row(place) for who in answers if (place := key(self.local, who)) in one.book}
        assert not found.unknown.any()
        for level, limit in enumerate(LIMITS, 1):
            ours = {who for who, row in rows.items() if found.level[row] >= level}
            assert ours == {who for who, answer in answers.items() if answer[5] < limit}, f"below {limit}"
        assert {who for who, row in rows.items() if found.liquidatable[row]} == {
            who for who, answer in answers.items() if answer[5] < WAD
        }
        assert {who for who, row in rows.items() if found.owes[row]} == {
            who for who, answer in answers.items() if answer[5] != MAX
        }
        for who, answer in answers.items():
            if answer[5] < LIMITS[0]:
                worth = one.of.value(one.terms, quote, one.book.holding(rows[who]))
                theirs = expected(answer)
                assert {name: getattr(worth, name) for name in theirs} == theirs, who
                self.listed += 1
        await self.command(answers)
        self.compared += len(answers)
        self.stream.ripe = [who for who, answer in answers.items() if answer[5] < WAD]

    async def command(self, answers: Mapping[ChecksumAddress, Answer]) -> None:
        """What `watcher scan` lists, from the store that the watcher writes: every figure of whoever is under the limit."""
        args = ("--below", "1.1", "--db", str(self.ours.db))
        said = await asyncio.to_thread(self.scan, "scan", self.local.name, *args)
        assert (said.code, said.err) == (Exit.OK, "")
        found = json.loads(said.out)
        assert {row["account"]: figures(row) for row in found["accounts"]} == {
            who: answer for who, answer in answers.items() if answer[5] < LIMITS[0]
        }
        assert found["coverage"]["exact"]

    def fold(self) -> None:
        """The changes of band that are stored are those that follow from the contract's own healths."""
        mine = {key(self.local, who): who for who in self.heads[-1].healths}
        stored = [
            (
                mine[one.key],
                one.block.hash,
                one.before and str(one.before),
                str(one.after),
                one.health_before,
                one.health,
            )
            for one in self.ours.transitions()
            if one.key in mine
        ]
        wanted = list(changes(self.heads))
        assert len(set(stored)) == len(stored)
        assert sorted(set(stored) - set(wanted)) == []
        assert sorted(set(wanted) - set(stored)) == []
        self.changes = len(wanted)


async def played(local: Local, market: AaveMarket, size: Size, folder: Path, scan: Watcher) -> Run:
    dice = random.Random(f"{SEED} {market.version}")
    await crowd.prepare(market)
    owners = await seed(market, size.borrowers)
    folded = set(dice.sample(owners, size.folded))
    pool = Pool(market)
    try:
        async with watching(configured(local), market.market(), folder) as ours:
            run = Run(market, size, Stream(market, dice, list(owners)), ours, pool, folded, scan)
            await run.play()
            return run
    finally:
        await pool.close()


def told(run: Run) -> str:
    lines = [
        f"Aave V{run.local.version}: {len(run.stream.owners)} accounts, {run.size.blocks} blocks, {len(run.heads)} heads read",
        f"  {run.compared} accounts compared, {run.listed} of them listed, {run.changes} changes of band, {run.books} fresh books",
        f"  {run.ours.killed} kills in the middle of a turn",
        *(f"  {name}: {count}" for name, count in sorted(run.stream.done.items())),
    ]
    return "\n".join(lines)


def test_a_small_market(local: Local, v36: AaveMarket, tmp_path: Path, watcher: Watcher) -> None:
    run = asyncio.run(played(local, v36, Size(300, 25, 300, fresh=12), tmp_path, watcher))
    assert run.listed > 0
    assert run.changes > 0


@pytest.mark.long
def test_a_whole_market(
    local: Local, aave: AaveMarket, tmp_path: Path, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    sys.stdout.write(f"replay with WATCHER_SEED={SEED}\n")
    size = Size(10_000, 200, 2_000) if aave.version == "3.6" else Size(2_000, 60, 1_000, reorgs=8, kills=8)
    run = asyncio.run(played(local, aave, size, tmp_path, watcher))
    with capsys.disabled():
        sys.stdout.write(f"\n{told(run)}\n")
    assert run.listed > 0
