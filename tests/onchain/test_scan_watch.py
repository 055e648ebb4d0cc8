"""`watcher scan --watch` on the real contracts: a line for every crossing, and a retraction for each that a reorganisation takes back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from tests.onchain.account_scene import configured
from tests.onchain.conftest import Local, either
from tests.onchain.scan_scene import accounts, priced
from watcher.cli.options import Format, Options
from watcher.cli.scan.watch import watched
from watcher.connection import Connection, connect
from watcher.errors import BlockChanged
from watcher.health.bands import VOLATILE
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.scenario import reorg, set_price
from watcher.localchain.seeder import seed
from watcher.scan.look import Order
from watcher.scan.opening import Opening, from_survey
from watcher.scan.watch import Crossed, Crossing, Turn, Watch
from watcher.survey.open import open_market
from watcher.units import WAD, Wad

BORROWERS = 80
ORDER = Order(Wad(WAD * 11 // 10), (), lambda key, mode, together: VOLATILE)


async def opened(line: Connection, market: AaveMarket) -> Opening:
    return from_survey(await open_market(line, market.market()), None)


async def below(market: AaveMarket, owners: tuple[str, ...]) -> dict[str, set[Crossed]]:
    truth = await asyncio.to_thread(accounts, market, owners)
    lines = {Crossed.BELOW: WAD * 11 // 10, Crossed.LIQUIDATABLE: WAD}
    return {
        owner.lower(): found
        for owner, data in truth.items()
        if (found := {name for name, line in lines.items() if data[5] < line})
    }


def folded(before: dict[str, set[Crossed]], crossings: tuple[Crossing, ...]) -> dict[str, set[Crossed]]:
    """Whoever follows the lines: what they come to."""
    now = {owner: set(lines) for owner, lines in before.items()}
    known: dict[str, Crossing] = {}
    for one in crossings:
        known[one.id] = one
        lines = now.setdefault("0x" + one.key.key.hex(), set())
        (lines.add if one.into is (one.retracts is None) else lines.discard)(one.line)
    return {owner: lines for owner, lines in now.items() if lines}


@either
def test_whoever_follows_the_lines_knows_what_the_pool_says_also_after_a_reorg(local: Local, aave: AaveMarket) -> None:
    async def run() -> None:
        owners = await seed(aave, BORROWERS)
        await aave.chain.mine(3)
        async with connect(replace(configured(local), finality=1)) as line:
            watch = Watch(line, await opened(line, aave), ORDER)
            assert await watch.turn() is None
            said: tuple[Crossing, ...] = ()
            start = await below(aave, owners)
            for percent in (97, 88, 94, 85):
                await priced(aave, percent)
                turn = await watch.turn()
                assert turn is not None
                said = (*said, *turn.crossings)
                assert folded(start, said) == await below(aave, owners)
            assert len(said) > 10
            await reorg(aave.chain, 2)
            await aave.chain.mine(1)
            turn = await watch.turn()
            assert turn is not None
            gone = {one.id for one in said if one.block.number > turn.block.number - 3}
            assert gone == {one.retracts for one in turn.crossings if one.retracts is not None} != set()
            said = (*said, *turn.crossings)
            assert folded(start, said) == await below(aave, owners)
            assert len({one.id for one in said}) == len(said)
            await set_price(aave.reserves["WETH"].feed, 0)
            turn = await watch.turn()
            assert turn is not None
            assert {one.line for one in turn.crossings if one.into} == {Crossed.UNKNOWN}

    asyncio.run(run())


def test_a_reorg_beyond_memory_retracts_everything_and_ends(local: Local, v36: AaveMarket) -> None:
    async def run() -> None:
        await seed(v36, BORROWERS)
        await v36.chain.mine(3)
        await priced(v36, 99)
        async with connect(replace(configured(local), finality=1)) as line:
            watch = Watch(line, await opened(line, v36), ORDER)
            await priced(v36, 85)
            turn = await watch.turn()
            assert turn is not None and turn.crossings
            await reorg(v36.chain, 4)
            await v36.chain.mine(1)
            turns = watch.turns(0.05)
            seen = await asyncio.wait_for(anext(turns), 20)
            assert isinstance(seen, Turn)
            assert [one.retracts for one in seen.crossings] == [one.id for one in reversed(turn.crossings)]
            with pytest.raises(BlockChanged, match="start again"):
                await asyncio.wait_for(anext(turns), 20)

    asyncio.run(run())


def test_the_lines_are_json_with_the_hash_of_their_block(
    local: Local, v36: AaveMarket, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run() -> None:
        await seed(v36, BORROWERS)
        chain = replace(configured(local), finality=1)
        async with connect(chain) as line:
            opening = await opened(line, v36)
            task = asyncio.create_task(watched(line, opening, ORDER, (), Options(format=Format.JSONL)))
            first = opening.followed.block.number
            await priced(v36, 85)
            for _ in range(300):
                await asyncio.sleep(0.1)
                if opening.followed.block.number > first:
                    break
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
            assert lines
            block = opening.followed.block
            assert {(one["kind"], one["block"], one["block_hash"]) for one in lines} == {
                ("crossing", str(block.number), block.hash)
            }
            assert {one["line"] for one in lines} == {"below", "liquidatable"}

    asyncio.run(run())
