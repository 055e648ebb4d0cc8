"""A chain that is watched block after block: what is recorded, what is told, and what happens when the chain misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.chain.server import Exchange, honest
from tests.watching.scene import CHAIN, COIN, GENESIS, Scene, scene, stale
from watcher.errors import StoreError
from watcher.model import Status
from watcher.store import recall
from watcher.units import WAD
from watcher.watching.chain import QUICKEST, Broken
from watcher.watching.letters import StoredLetters
from watcher.watching.turn import Turn, line_of

Story = Callable[[Scene], Awaitable[Any]]


def play(folder: Path, story: Story, *names: str, **values: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, names or ("eth",), **values) as made:
            return await story(made)

    return asyncio.run(run())


# --- one block, and the next ---


def test_a_head_is_read_once_and_recorded_with_its_readings(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        first, again = await at.turn(), await at.turn()
        assert (first.new, first.complete, again.new) == (True, True, False)
        (kept,) = at.kept()
        assert (kept.block.number, kept.status, kept.health) == (100, Status.SAFE, WAD * 8 // 5)
        assert at.tip() == kept.block

    play(tmp_path, story)


def test_a_fall_is_a_transition_at_once_with_cause_distance_and_fixes(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        at.lending.pools["eth"].price = 10**36 * 3 // 4
        (change,) = (await at.turn(1)).transitions
        assert (change.before, change.after, change.block.number) == (Status.SAFE, Status.WARN, 101)
        assert change.health == WAD * 6 // 5
        assert change.cause == "the price of COIN −25.00 % (health −0.4000)"
        assert change.distance is not None
        assert change.distance.steps == 166_667  # 1 − 1/1.2, the first millionth past the line
        fixes = {fix.side.value: fix.amount for fix in change.fixes}
        assert fixes == {"debt": 10 * COIN, "collateral": 25 * COIN}  # 60/(50−x) = 1.5; (100+y)·0.75·0.8/50 = 1.5

    play(tmp_path, story)


def test_a_debt_that_grew_by_a_transaction_is_the_cause(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        at.health("eth", 105)
        (change,) = (await at.turn(1)).transitions
        assert (change.after, change.cause) == (
            Status.DANGER,
            "its amounts were changed by a transaction (health −0.5500)",
        )

    play(tmp_path, story)


def test_one_endpoint_alone_confirms_nothing(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        (change,) = (await at.turn()).transitions
        assert not change.confirmed

    play(tmp_path, story)


def test_a_position_that_is_closed_is_read_on_and_owes_nothing(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        at.health("eth", 105)
        await at.turn()
        at.lending.pools["eth"].debt = at.lending.pools["eth"].collateral = 0
        for _ in range(3):
            await at.turn(1)
        assert at.words() == ["None → danger", "danger → no_debt"]

    play(tmp_path, story)


# --- what cannot be read ---


def test_a_market_that_fails_leaves_the_others_running_and_its_positions_are_unknown(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        at.node.broken.add(at.lending.pools["btc"].id)
        lost = await at.turn(1)
        assert lost.failed == ("testnet/morpho-blue/btc",)
        assert not lost.complete
        assert [(one.key.market, one.after) for one in lost.transitions] == [(lost.failed[0], Status.UNKNOWN)]
        assert {one.key.market for one in at.kept() if one.block.number == 101 and one.health is not None} == {
            "testnet/morpho-blue/eth"
        }
        at.node.broken.clear()
        (back,) = (await at.turn(1)).transitions
        assert (back.recovers, back.after) == (lost.transitions[0].id, Status.SAFE)

    play(tmp_path, story, "eth", "btc")


def test_an_oracle_without_a_price_is_unknown_and_told_after_three_cycles(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        at.lending.pools["eth"].price = None
        due = []
        for _ in range(3):
            turn = await at.turn(1)
            (change,) = [one for one in at.changes() if one.after is Status.UNKNOWN]
            due.append((change.due or 0) - GENESIS - 12 * at.node.head)
            assert turn.statuses == (Status.UNKNOWN,)
        assert due == [301, 289, 1]

    play(tmp_path, story)


def test_f24_a_chain_that_halts_is_unknown_with_its_last_block(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        stale(at)
        turn = await at.turn()
        assert turn.error is not None
        assert "UNKNOWN" in line_of(turn)
        (change,) = turn.transitions
        assert (change.after, change.block.number, change.cause) == (Status.UNKNOWN, 100, str(turn.error))

    play(tmp_path, story)


def test_f12_an_endpoint_that_falls_behind_changes_nothing(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        await at.turn(3)
        turn = await at.turn(-2)
        assert (turn.new, turn.notes) == (False, ("the head is 2 blocks behind what was read",))
        assert at.tip() is not None
        assert [one.block.number for one in at.kept()] == [100, 103]

    play(tmp_path, story)


def test_a_chain_that_was_never_reached_has_error_rows_and_no_transition(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        stale(at)
        turn = await at.turn()
        assert turn.block is None
        assert (at.changes(), at.tip()) == ((), None)

    play(tmp_path, story)


# --- gaps ---


def test_f23_a_thousand_blocks_that_nobody_watched_are_a_gap_and_the_newest_state_is_told(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        at.restart()
        at.health("eth", 105)
        turn = await at.turn(1_001)
        assert [one.after for one in turn.transitions] == [Status.DANGER]
        (gap,) = recall.gaps(at.journal.store, CHAIN)
        assert (gap.first, gap.last, gap.reason) == (101, 1_100, "it was not running")

    play(tmp_path, story)


def test_blocks_between_two_turns_of_a_slower_pace_are_no_gap(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        assert at.watched.pace == 60 > QUICKEST
        await at.turn()
        await at.turn(5)
        assert recall.gaps(at.journal.store, CHAIN) == ()

    play(tmp_path, story, every=60)


def test_a_single_block_that_came_and_went_unread_is_a_gap_where_every_block_is_to_be_read(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        assert at.watched.every is None and at.watched.line.chain.block_time >= QUICKEST
        first = await at.turn()
        last = await at.turn(2)
        assert first.block is not None and last.block is not None
        (gap,) = recall.gaps(at.journal.store, CHAIN)
        assert (gap.first, gap.last) == (first.block.number + 1, last.block.number - 1)

    play(tmp_path, story)


# --- reorgs ---


@pytest.mark.parametrize("height", [0, 1, 3], ids=["same height", "one longer", "three longer"])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_f19_a_reorg_takes_back_what_its_blocks_caused_and_reads_anew(tmp_path: Path, depth: int, height: int) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        for _ in range(5):
            await at.turn(1)
        at.health("eth", 105)
        await at.turn(1)  # the tip alone saw the fall
        at.health("eth", 160)
        at.node.reorg(depth, height)
        turn = await at.turn()
        (gone,) = at.changes(orphaned=True)
        assert [(one.retracts, one.after) for one in turn.transitions] == [(gone.id, Status.SAFE)]
        assert at.words() == ["None → safe"]
        kept = at.kept()
        assert [one.block.number for one in kept] == [*range(100, 107 - depth), 106 + height]
        assert {one.block.hash for one in kept} <= {at.node.hash(n) for n in range(at.node.head + 1)}

    play(tmp_path, story)


def test_f19_a_reorg_to_a_lower_height_is_seen_as_soon_as_a_stored_block_is_contradicted(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        for _ in range(4):
            await at.turn(1)
        at.node.reorg(3, -1)
        turn = await at.turn()
        assert turn.new
        assert [one.block.number for one in at.kept()] == [100, 101, 103]

    play(tmp_path, story)


def test_f20_a_block_that_is_replaced_while_it_is_read_is_not_recorded(tmp_path: Path) -> None:
    moved: list[int] = []

    async def story(at: Scene) -> None:
        async def meanwhile(exchange: Exchange) -> web.StreamResponse:
            if at.server.seen[-1] == "eth_call" and not moved:
                moved.append(at.node.head)
                gone.append(at.node.hash(at.node.head))
                at.node.reorg(1)
            return await honest(exchange)

        gone: list[str] = []
        await at.turn()
        at.server.always = meanwhile
        turn = await at.turn(1)
        assert moved == [101]
        assert turn.block is not None
        assert turn.block.hash == at.node.hash(101) not in gone
        assert [one.block.hash for one in at.kept()] == [at.node.hash(100), at.node.hash(101)]

    play(tmp_path, story)


def test_f21_a_reorg_below_finality_stops_the_chain_and_keeps_its_data(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        for _ in range(70):
            await at.turn(1)
        before = at.kept()
        at.node.reorg(66)
        with pytest.raises(Broken, match="final are gone"):
            await at.turn()
        assert at.kept() == before
        assert at.changes(orphaned=True) == ()
        at.watched.accept = True
        turn = await at.turn()
        assert turn.new
        assert [one.block.number for one in at.kept()] == [*range(100, 105), 170]

    play(tmp_path, story)


def test_f22_a_reorg_during_downtime_is_undone_at_the_start(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        at.health("eth", 102)
        await at.turn(1)
        at.health("eth", 160)
        at.restart()
        at.node.reorg(1, 2)
        await at.turn()
        (gone,) = at.changes(orphaned=True)
        assert at.changes()[-1].retracts == gone.id
        assert at.words() == ["None → safe"]

    play(tmp_path, story)


def test_a_crash_between_undoing_and_taking_back_loses_no_retraction(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        at.health("eth", 102)
        await at.turn(1)
        await at.journal.orphan(CHAIN, 100)
        at.restart()
        at.node.reorg(1)
        at.health("eth", 160)
        turn = await at.turn()
        (gone,) = at.changes(orphaned=True)
        assert [one.retracts for one in turn.transitions] == [gone.id]
        assert (await at.turn(1)).transitions == ()

    play(tmp_path, story)


# --- the store, restarts ---

COURSE = (160, 120, 120, 131, 131, 131, 131, 105, None, None, None, None, 105, 140, 140, 160, 160, 160, 160, 99, 160)


@pytest.mark.parametrize("killed", [(), tuple(range(len(COURSE))), (3, 4, 9, 10, 16)], ids=["never", "always", "some"])
def test_f42_a_watcher_that_is_started_anew_makes_the_same_transitions(tmp_path: Path, killed: tuple[int, ...]) -> None:
    async def story(at: Scene) -> list[tuple[str, int, Status]]:
        for place, health in enumerate(COURSE):
            at.lending.pools["eth"].price = None if health is None else 10**36
            if health is not None:
                at.health("eth", health)
            if place in killed:
                at.restart()
            await at.turn(1)
        return [(one.id, one.block.number, one.after) for one in at.changes()]

    found = play(tmp_path, story)
    assert [(number, after.value) for _, number, after in found] == [
        (101, "safe"),
        (102, "warn"),
        (106, "watch"),
        (108, "danger"),
        (109, "unknown"),
        (113, "danger"),
        (116, "watch"),
        (119, "safe"),
        (120, "liquidatable"),
    ]
    assert len({id for id, _, _ in found}) == len(found)


def test_f48_the_same_block_again_after_a_restart_changes_nothing(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        at.health("eth", 120)
        await at.turn()
        before = at.kept(), at.changes()
        for _ in range(3):
            at.restart()
            turn = await at.turn()
            assert (turn.new, turn.transitions) == (True, ())
        assert (at.kept(), at.changes()) == before

    play(tmp_path, story)


def test_f44_what_the_store_refuses_is_nowhere_and_comes_with_the_next_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(at: Scene) -> None:
        await at.turn()
        at.health("eth", 105)

        def full(*_: Any, **__: Any) -> None:
            raise StoreError("watcher.db: database or disk is full: free some space; nothing of this was written")

        with monkeypatch.context() as broken:
            broken.setattr("watcher.watching.journal.history.record", full)
            with pytest.raises(StoreError):
                await at.turn(1)
        assert at.words() == ["None → safe"]
        (change,) = (await at.turn(2)).transitions
        assert (change.before, change.after, change.block.number) == (Status.SAFE, Status.DANGER, 103)
        assert [one.first for one in recall.gaps(at.journal.store, CHAIN)] == [101]

    play(tmp_path, story)


def test_f61_a_block_from_the_future_is_read_and_said(tmp_path: Path) -> None:
    async def story(at: Scene) -> Turn:
        at.watched.clock = lambda: GENESIS + 12.0 * at.node.head - 90
        return await at.turn()

    assert play(tmp_path, story).notes == ("the block is 90 s ahead of this machine's clock",)


def test_every_transition_waits_for_every_channel(tmp_path: Path) -> None:
    async def story(at: Scene) -> None:
        at.health("eth", 105)
        await at.turn()
        (letter,) = await StoredLetters(at.journal).waiting("console")
        assert (letter.attempts, letter.due, letter.transition.after) == (0, int(at.now()), Status.DANGER)

    play(tmp_path, story)
