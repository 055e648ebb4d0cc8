"""Where the time of a step goes is known to whoever measures it, and costs nobody else anything."""

from __future__ import annotations

import asyncio

from tests.following.scene import Desk, opened, street
from watcher.following.stages import measured

READ = ["logs", "rules, quote, holdings", "second endpoint"]
WEIGHED = ["screen", "exact", "weighing, screen and exact included"]


def test_every_stage_of_a_step_is_named_in_its_order() -> None:
    async def run() -> None:
        town = street()
        scene = await opened(town, Desk(town), Desk(town))
        with measured() as seconds:
            await scene.step()
        assert list(seconds) == [*READ, *WEIGHED]
        assert seconds[WEIGHED[2]] >= seconds[WEIGHED[0]] + seconds[WEIGHED[1]] > 0
        before = dict(seconds)
        await scene.step()
        assert seconds == before

    asyncio.run(run())
