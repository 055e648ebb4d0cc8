"""A followed market under ``watcher run``: whatever ends in between, and whatever the chain takes back, the store's book is the chain's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.following.scene import PRICE, Desk, Street, street
from tests.following.test_faults import forked
from tests.survey.town import line
from watcher.adapters import adapter
from watcher.config.watch import Follow
from watcher.following.followed import Followed
from watcher.following.follower import Follower
from watcher.health.bands import VOLATILE
from watcher.store import outbox, survey
from watcher.store.open import open_store
from watcher.watching.chain import Broken, WatchedChain
from watcher.watching.journal import Journal
from watcher.watching.opening import Opening, scale
from watcher.watching.policy import Policy
from watcher.watching.turn import Turn

POLICY = Policy((), (), VOLATILE, VOLATILE)


@dataclass
class Watcher:
    town: Street
    db: Path
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(self.town, keeps=None)
        self.start()

    def start(self, *, accept: bool = False) -> None:
        """A process that knows what is stored, and nothing else."""
        self.journal = Journal(open_store(self.db, write=True, create=True), [])
        follow = Follow(self.town.market)
        self.chain = WatchedChain(line(self.town, self.desk), (), POLICY, self.journal, accept=accept, clock=self.now)
        self.chain.follower = Follower({self.town.market.name: scale(follow, POLICY, ())})
        self.opening = Opening(self.chain, (follow,))

    def restart(self, *, accept: bool = False) -> None:
        self.journal.close()
        self.start(accept=accept)

    def now(self) -> float:
        return self.town.time(self.town.head)

    async def turn(self, blocks: int = 0) -> Turn:
        """So many blocks later: the head, and behind it what is still to be opened."""
        self.town.pass_(blocks)
        done = await self.chain.turn()
        await self.opening.once()
        return done

    @property
    def one(self) -> Followed:
        return self.chain.follower.markets[self.town.market.name]

    @property
    def whole(self) -> bool:
        """The book in memory and the one in the store are everybody who had borrowed by the head, with what they held there. Whoever
        borrowed only on a branch that is no more owes nothing.
        """
        stored = survey.standing(self.journal.store, adapter("morpho_blue"), self.town.market)
        assert stored is not None
        truth = self.town.truth(self.town.head)
        books = (dict(self.one.book.holdings()), dict(stored.holdings))
        assert stored.block == self.one.block
        assert self.one.block.hash == self.town.hash(self.town.head)
        return all({key: book[key] for key in truth} == truth and _idle(book, truth) for book in books)

    def bands(self) -> dict[bytes, str]:
        """How everybody stands who was ever worse than safe, by the changes that hold."""
        found = outbox.transitions(self.journal.store, chain=self.town.market.chain)
        return {one.key.key: str(one.after) for one in found if one.retracts is None}


def _idle(book: dict[Any, Any], truth: dict[Any, Any]) -> bool:
    return not any(book[key].borrow_shares for key in book.keys() - truth.keys())


def played(folder: Path, play: Callable[[Watcher], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        watcher = Watcher(street(), folder / "watcher.db")
        try:
            await play(watcher)
        finally:
            watcher.journal.close()

    asyncio.run(run())


@pytest.mark.parametrize("same", [True, False])
def test_f22_a_block_at_which_a_market_was_opened_may_be_gone_before_the_next_turn(tmp_path: Path, same: bool) -> None:
    """The next head has the number of that block, or a later one."""

    async def play(watcher: Watcher) -> None:
        town = watcher.town
        await watcher.chain.turn()
        town.pass_(3)
        await watcher.opening.once()
        gone = watcher.one.block.number
        forked(town, town.head - gone + 1)
        watcher.desk.lag = town.head - gone if same else 0
        done = await watcher.turn()
        assert done.block is not None
        assert (done.block.number == gone) is same
        watcher.desk.lag = 0
        assert (await watcher.turn(1)).failed == ()
        assert watcher.whole

    played(tmp_path, play)


@pytest.mark.parametrize("depth", [1, 3])
def test_f22_a_reorg_while_nobody_watched_is_undone_at_the_start(tmp_path: Path, depth: int) -> None:
    async def play(watcher: Watcher) -> None:
        for _ in range(5):
            await watcher.turn(1)
        assert watcher.whole
        forked(watcher.town, depth)
        watcher.restart()
        await watcher.turn()
        await watcher.turn(1)
        assert watcher.whole

    played(tmp_path, play)


def test_an_end_between_the_opening_and_the_first_step_changes_nothing(tmp_path: Path) -> None:
    found = []
    for name, killed in (("one", False), ("other", True)):
        folder = tmp_path / name
        folder.mkdir()

        async def play(watcher: Watcher, killed: bool = killed) -> None:
            await watcher.turn()
            asked = len(watcher.desk.asked)
            if killed:
                watcher.restart()
                await watcher.turn()
                assert len(watcher.desk.asked) - asked < 20  # nobody is looked for again
            await watcher.turn(1)
            await watcher.turn(1)
            assert watcher.whole
            found.append(watcher.bands())

        played(folder, play)
    assert found[0] == found[1] != {}


@pytest.mark.parametrize("restarts", [0, 3])
def test_blocks_at_which_a_market_was_not_followed_do_not_count_when_it_recovers(tmp_path: Path, restarts: int) -> None:
    """Three heads in a row must be better; after a restart a head passes before the market is open again."""

    async def play(watcher: Watcher) -> None:
        await watcher.turn()
        await watcher.turn(1)
        stood = watcher.bands()
        assert stood
        watcher.town.price = lambda block: PRICE * 10**6
        await watcher.turn(1)
        for _ in range(restarts):
            watcher.restart()
            await watcher.turn(1)
        await watcher.turn(1)
        assert watcher.bands() == stood
        await watcher.turn(1)
        now = watcher.bands()
        assert now.keys() >= stood.keys()
        assert {now[key] for key in stood} == {"safe"}

    played(tmp_path, play)


def test_f21_below_finality_everything_stays_and_the_new_chain_is_taken_only_when_somebody_says_so(
    tmp_path: Path,
) -> None:
    async def play(watcher: Watcher) -> None:
        await watcher.turn()
        for _ in range(10):
            await watcher.turn(10)
        before = survey.standing(watcher.journal.store, adapter("morpho_blue"), watcher.town.market)
        forked(watcher.town, 80)
        with pytest.raises(Broken, match="final are gone"):
            await watcher.turn(1)
        assert survey.standing(watcher.journal.store, adapter("morpho_blue"), watcher.town.market) == before
        watcher.restart(accept=True)
        await watcher.turn()
        await watcher.turn(1)
        assert watcher.whole

    played(tmp_path, play)


def test_f23_a_market_that_was_not_followed_for_a_thousand_blocks_is_caught_up_with_in_one_step(tmp_path: Path) -> None:
    async def play(watcher: Watcher) -> None:
        await watcher.turn()
        await watcher.turn(1)
        watcher.restart()
        await watcher.turn(1_000)
        done = await watcher.turn(1)
        assert done.moved is not None
        assert done.moved > 250
        assert watcher.whole

    played(tmp_path, play)
