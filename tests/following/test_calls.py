"""What a step asks: it follows the moves, never the members, and several blocks cost what one does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from tests.following.scene import HEAD, Desk, Street, deeds, opened

QUIET = 12  # calls of a step in which nobody moved: head, chain, logs with their block, rules, quote, and the last look at the block


@dataclass
class Counted(Desk):
    requests: list[int] = field(default_factory=list)  # how many calls each HTTP request carried

    async def reply(self, body: bytes) -> tuple[int, bytes]:
        before = len(self.asked)
        answer = await super().reply(body)
        self.requests.append(len(self.asked) - before)
        return answer


def asked(accounts: int, steps: list[int], *, quiet: bool = False) -> list[tuple[int, int, int | None]]:
    """HTTP requests, calls in them, and moves, of each step over so many blocks; the first one of a process is not counted."""
    made = deeds(accounts, 1)
    town = Street([deed for deed in made if deed.block <= HEAD] if quiet else made, pace=1)
    desk = Counted(town)

    async def run() -> list[tuple[int, int, int | None]]:
        scene = await opened(town, desk)
        await scene.step()
        found = []
        for blocks in steps:
            before = len(desk.requests)
            weighed = await scene.step(blocks)
            assert scene.whole
            found.append((len(desk.requests) - before, sum(desk.requests[before:]), weighed.moved))
        return found

    return asyncio.run(run())


@pytest.mark.slow
def test_ten_thousand_accounts_cost_the_calls_of_a_hundred_for_as_many_moves() -> None:
    steps = [1, 1, 1, 20]
    few, many = asked(100, steps), asked(10_000, steps)
    assert [one[2] for one in few] == [1, 1, 1, 20]
    assert few == many


def test_a_step_in_which_nobody_moved_is_a_handful_of_calls() -> None:
    for requests, calls, moved in asked(100, [1, 1, 1], quiet=True):
        assert moved == 0
        assert requests <= calls <= QUIET


def test_blocks_that_were_missed_are_read_at_once() -> None:
    one, fifty, five_hundred = asked(100, [1, 50, 500])
    assert fifty[0] <= 2 * one[0]
    assert five_hundred[0] <= fifty[0]
