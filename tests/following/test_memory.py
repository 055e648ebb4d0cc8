"""F62: the steps of a followed market leave nothing behind but the way back for the last of them."""

from __future__ import annotations

import asyncio
import gc

import pytest

from tests.following.scene import HEAD, PRICE, Desk, Street, deeds, opened
from watcher.following.followed import BACK

ALLOWED = 1_000  # objects; whatever every step left behind would be more


class Deaf(Desk):
    """Does not remember what it was asked."""

    def one(self, call: dict[str, object]) -> dict[str, object]:
        self.asked.clear()
        return super().one(call)


@pytest.mark.parametrize(
    "steps", [pytest.param(BACK + 200, marks=pytest.mark.slow), pytest.param(2_000, marks=pytest.mark.long)]
)
def test_f62_two_thousand_steps_leave_memory_flat(steps: int) -> None:
    made = deeds(40, 1)
    crowd = {deed.who for deed in made if deed.block <= HEAD}
    town = Street([deed for deed in made if deed.who in crowd], pace=1)
    town.price = lambda block: PRICE * (100 + block * 7 % 60) // 100  # bands change all the time

    async def run() -> int:
        scene = await opened(town, Deaf(town))
        told = before = 0
        for number in range(steps):
            weighed = await scene.step()
            assert not weighed.failed
            told += len(weighed.transitions)
            if number == BACK + 20:
                before = objects()
        assert scene.whole
        assert told > steps // 2
        assert len(scene.one.undone) == BACK
        return objects() - before

    assert asyncio.run(run()) < ALLOWED


def objects() -> int:
    gc.collect()
    return len(gc.get_objects())
