"""What several endpoints say of one block: who confirms what, and what is marked where they disagree."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chain.server import serve
from tests.lending import OWNER, Lending, chain_at
from tests.watching.scene import CHAIN, COIN, forking
from watcher.connection import connect
from watcher.health.bands import CORRELATED, VOLATILE
from watcher.model import DoubtKind, Status, Transition
from watcher.store import outbox, recall
from watcher.store.open import open_store
from watcher.watching.chain import WatchedChain
from watcher.watching.journal import Journal
from watcher.watching.policy import Policy
from watcher.watching.turn import Turn


def told(folder: Path, *debts: int) -> tuple[Turn, Transition]:
    """A fall seen by as many endpoints as there are debts (in units), after a quiet block on which all agree."""

    async def run() -> tuple[Turn, Transition]:
        worlds = [Lending() for _ in debts]
        for world in worlds:
            world.pool("eth")
        nodes = [forking(world) for world in worlds]
        async with AsyncExitStack() as stack:
            servers = [await stack.enter_async_context(serve(node, name=f"n{i}")) for i, node in enumerate(nodes)]
            chain = chain_at(*servers, markets=(worlds[0].market("eth"),))
            line = await stack.enter_async_context(connect(chain))
            journal = Journal(open_store(folder / "watcher.db", write=True, create=True), ())
            stack.callback(journal.close)
            watched = WatchedChain(line, (OWNER,), Policy((), (), VOLATILE, CORRELATED), journal)
            await watched.turn()
            for node, world, debt in zip(nodes, worlds, debts, strict=True):
                node.head += 1
                world.pools["eth"].debt = debt * COIN
            turn = await watched.turn()
            (change,) = outbox.transitions(journal.store, chain=CHAIN)[1:]
            (kept,) = [
                one for one in recall.readings(journal.store, bytes.fromhex(OWNER[2:])) if one.block.number == 101
            ]
            assert any(doubt.kind is DoubtKind.DISPUTED for doubt in kept.doubts) == (len({*debts}) > 1)
            return turn, change

    return asyncio.run(run())


def test_a_change_that_two_endpoints_see_is_confirmed(tmp_path: Path) -> None:
    turn, change = told(tmp_path, 75, 75)
    assert (turn.by, change.after, change.confirmed) == (2, Status.DANGER, True)


def test_a_change_that_only_one_endpoint_is_left_to_see_is_unconfirmed(tmp_path: Path) -> None:
    turn, change = told(tmp_path, 75)
    assert (turn.by, change.after, change.confirmed) == (1, Status.DANGER, False)


@pytest.mark.parametrize("debts", [(75, 50), (50, 75)])
def test_where_two_endpoints_disagree_the_worse_is_told_and_marked(tmp_path: Path, debts: tuple[int, ...]) -> None:
    turn, change = told(tmp_path, *debts)
    assert (turn.by, change.after, change.confirmed) == (1, Status.DANGER, False)
    assert any("no majority decides" in note for note in turn.notes)


def test_where_a_third_endpoint_decides_the_liar_changes_nothing_but_a_doubt_stays(tmp_path: Path) -> None:
    turn, change = told(tmp_path, 75, 50, 75)
    assert (turn.by, change.after, change.confirmed) == (2, Status.DANGER, False)
