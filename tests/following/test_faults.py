"""A followed market behind endpoints with faults: the book is whole at a block of the chain, or it stays where it was and that is said."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.chain.evm import Evm
from tests.chain.server import Oops
from tests.following.scene import PRICE, Desk, Scene, Street, deeds, played, street
from tests.survey.town import Log
from watcher.chain.abi import function
from watcher.errors import BlockChanged
from watcher.following.proof import covered

POSITION = function("morpho_blue/morpho.position").selector.hex()


@dataclass
class Window(Desk):
    """An endpoint whose state or logs are not what they should be: `price` is its own, what positions hold cannot be had while it is
    `broken`, `removed` marks its logs, `turns` are called before the call of that number is answered.
    """

    price: int | None = None
    broken: bool = False
    removed: bool = False
    whole: bool = False  # also answers what the logs of a block are, whoever wrote them
    turns: dict[int, Any] = field(default_factory=dict)

    async def reply(self, body: bytes) -> tuple[int, bytes]:
        for _ in json.loads(body) if body[:1] == b"[" else "1":
            self.turns.pop(len(self.asked) + 1, lambda: None)()
        return await super().reply(body)

    def call(self, transaction: dict[str, Any], block: Any) -> str:
        if self.broken and POSITION in transaction["data"]:
            raise Oops(-32000, "internal error")
        town = self.town
        assert isinstance(town, Street)
        honest = town.price
        if self.price is not None:
            town.price = lambda _, told=self.price: told  # type: ignore[misc]
        try:
            return super().call(transaction, block)
        finally:
            town.price = honest

    def logs(self, asked: dict[str, Any]) -> list[Log]:
        if not asked.get("topics"):
            if not self.whole:
                raise Oops(-32602, "give an address")
            number = int(asked["fromBlock"], 16)
            return [log for log in self.town.logs if int(log["blockNumber"], 16) == number and not self.drops(log)]
        found = super().logs(asked)
        return [log | {"removed": True} for log in found] if self.removed else found


def failed(scene: Scene, weighed: Any) -> str:
    """Why the market did not come along."""
    assert weighed.failed == (scene.town.market.name,)
    (entry,) = weighed.entries
    assert not entry.followed
    return str(entry.error)


def silent(town: Street, block: int) -> Any:
    """Drops the logs of whoever moves in a block, from then on."""
    who = town.mover(block).who.hex()
    return lambda log: who in log["topics"][-1] and int(log["blockNumber"], 16) >= block


class TestLogs:
    def test_f18_logs_that_come_twice_and_in_disorder_count_once(self) -> None:
        town = street()

        async def play(scene: Scene) -> None:
            for blocks in (1, 3, 40):
                weighed = await scene.step(blocks)
                assert not weighed.failed
                assert scene.whole

        played(town, [Desk(town, twice=True)], play)

    def test_f18_logs_that_are_marked_as_removed_are_no_logs_of_the_chain(self) -> None:
        town = street()
        liar = Window(town, removed=True)

        async def play(scene: Scene) -> None:
            before = scene.one.block
            assert "removed" in failed(scene, await scene.step())
            assert scene.one.block == before
            assert scene.whole

        played(town, [liar], play)

    def test_f16_a_follower_that_is_behind_asks_for_as_few_blocks_as_its_endpoint_gives(self) -> None:
        town = street()

        async def play(scene: Scene) -> None:
            assert not (await scene.step(700)).failed
            assert scene.whole

        played(town, [Desk(town, span=50, results=20)], play)

    def test_f23_a_gap_of_a_thousand_blocks_is_one_step(self) -> None:
        town = street()

        async def play(scene: Scene) -> None:
            before = scene.one.block.number
            weighed = await scene.step(1_000)
            assert scene.one.block.number >= before + 1_000
            assert weighed.moved is not None
            assert weighed.moved > 250
            assert scene.whole

        played(town, [Desk(town)], play)

    def test_f17_an_endpoint_that_keeps_a_log_back_is_found_out_by_the_blocks_filter(self) -> None:
        town = street(blooms=True)
        mute = Window(town, whole=True)

        async def play(scene: Scene) -> None:
            await scene.step()
            mute.drops = silent(town, scene.one.block.number + 2)
            before = scene.one.block
            assert "keeps back logs" in failed(scene, await scene.step(2))
            assert scene.one.block == before
            mute.drops = lambda log: False
            await scene.step()
            assert scene.whole

        played(town, [mute], play)

    def test_f17_where_another_endpoint_has_the_log_nothing_is_missed(self) -> None:
        town = street(blooms=True)
        mute, good = Window(town, whole=True), Window(town, whole=True)

        async def play(scene: Scene) -> None:
            mute.drops = silent(town, scene.one.block.number + 2)
            assert not (await scene.step(2)).failed
            assert scene.whole

        played(town, [mute, good], play)

    def test_f17_without_filters_a_log_that_nobody_gives_is_unexplained_debt(self) -> None:
        town = street()
        mute = Desk(town)

        async def play(scene: Scene) -> None:
            block = scene.one.block.number + 3
            mute.drops = silent(town, block)
            await scene.step(3)
            proof = covered(scene.one)
            assert not proof.exact
            assert sum(column.unexplained for column in proof.debts) == town.mover(block).shares

        played(town, [mute], play)

    def test_f12_a_node_that_is_behind_is_not_taken_for_the_end_of_the_logs(self) -> None:
        town = street()
        late, good = Desk(town, lag=10), Desk(town)

        async def play(scene: Scene) -> None:
            for _ in range(3):
                await scene.step(4)
                assert scene.whole
            assert scene.one.block.number >= town.head - 10

        played(town, [late, good], play)


class TestState:
    def test_f14_two_that_differ_about_the_quote_leave_the_market_where_it_was(self) -> None:
        town = street()
        liar, good = Window(town), Window(town)

        async def play(scene: Scene) -> None:
            await scene.step()
            before, stood = scene.one.block, dict(scene.one.standings)
            liar.price = PRICE * 9
            said = failed(scene, await scene.step())
            assert "desk 1 and desk 2 differ" in said
            assert (scene.one.block, scene.one.standings) == (before, stood)
            liar.price = None
            weighed = await scene.step()
            assert not weighed.failed
            assert scene.whole

        played(town, [liar, good], play)

    def test_f29_half_of_a_step_is_no_step(self) -> None:
        """Logs and rules are there, and what the movers hold is not."""
        town = street()
        desk = Window(town)

        async def play(scene: Scene) -> None:
            await scene.step()
            before = scene.one.block
            desk.broken = True
            assert "internal error" in failed(scene, await scene.step(5))
            assert scene.one.block == before
            assert scene.whole
            desk.broken = False
            assert not (await scene.step()).failed
            assert scene.whole

        played(town, [desk], play)

    def test_f29_an_account_that_reverts_holds_its_market_up_and_is_never_taken_for_one_without_debt(self) -> None:
        town = street()

        async def play(scene: Scene) -> None:
            await scene.step()
            before, number = scene.one.block, scene.one.block.number
            town.reverting = town.mover(number + 2).who
            assert "position" in failed(scene, await scene.step(3))
            assert scene.one.block == before
            town.reverting = b""
            assert not (await scene.step()).failed
            assert scene.whole

        played(town, [Desk(town)], play)

    def test_f30_too_many_movers_for_one_call_are_read_in_several(self) -> None:
        town = street()

        async def play(scene: Scene) -> None:
            assert not (await scene.step(600)).failed
            assert scene.whole

        played(town, [Starved(town)], play)


@dataclass
class Starved(Desk):
    """Its calls may take three million gas."""

    def call(self, transaction: dict[str, Any], block: Any) -> str:
        number = int(block["blockHash"][-32:], 16)
        return Evm(self.town.contracts(number), cap=3_000_000, timestamp=self.town.time(number))(transaction, block)


def forked(town: Street, depth: int) -> None:
    """The newest blocks become others, in which others borrow."""
    fork = town.head - depth
    before = [deed for deed in town.deeds if deed.block <= fork]
    after = [deed for deed in deeds(60, 1, seed=town.branch + 7) if deed.block > fork]
    town.deeds, town.branch, town.fork = [*before, *after], town.branch + 1, fork
    town.__post_init__()


class TestReorgs:
    @pytest.mark.parametrize("depth", [1, 2, 5])
    def test_f19_what_is_taken_back_was_never_there(self, depth: int) -> None:
        town = street()

        async def play(scene: Scene) -> None:
            for _ in range(6):
                await scene.step()
            before = {scene.one.block.number: (dict(scene.one.book.holdings()), dict(scene.one.standings))}
            for _ in range(depth):
                await scene.step()
            ancestor = town.head - depth
            forked(town, depth)
            assert scene.follower.rolled_back(ancestor) == ()
            assert (dict(scene.one.book.holdings()), dict(scene.one.standings)) == before[ancestor]
            assert scene.one.block.number == ancestor
            await scene.step()
            assert scene.whole

        played(town, [Desk(town)], play)

    def test_f20_a_reorg_in_the_middle_of_a_step_is_no_step_of_either_branch(self) -> None:
        town = street()
        desk = Window(town)

        async def play(scene: Scene) -> None:
            await scene.step()
            done = torn = 0
            for request in range(1, 14):
                before = scene.one.block
                desk.turns = {len(desk.asked) + request: lambda: forked(town, 1)}
                try:
                    weighed = await scene.step(2)
                except BlockChanged:
                    torn += 1
                    assert scene.one.block == before
                    continue
                finally:
                    desk.turns = {}
                done += not weighed.failed
                if scene.one.block.hash == town.hash(scene.one.block.number):
                    assert scene.whole
                else:  # it was replaced when all of it had been read
                    scene.follower.rolled_back(before.number)
                assert await scene.step(1)
                assert scene.whole
            assert torn > 2
            assert done > 2

        played(town, [desk], play)

    def test_f22_a_market_that_was_opened_at_a_block_which_is_no_more_is_opened_again(self) -> None:
        town = street()

        async def play(scene: Scene) -> None:
            forked(town, 2)
            await scene.step()
            assert scene.follower.missing == (town.market.name,)

        played(town, [Desk(town)], play)

    def test_f13_a_private_fork_is_not_followed(self) -> None:
        town = street()
        apart = street()
        apart.clock = town.clock

        async def play(scene: Scene) -> None:
            forked(apart, 20)
            for _ in range(3):
                await scene.step()
                assert scene.one.block.hash == town.hash(scene.one.block.number)
                assert scene.whole

        played(town, [Desk(apart), Desk(town), Desk(town)], play)
