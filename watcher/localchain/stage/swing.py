"""What a held node does once the play is over: prices fall and rise again, a block at a time at the present time, until it is ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from watcher.localchain.stage.play import STEPS, Play, Prices, Step

PACE: Final = 5.0  # seconds between two blocks
LOWEST, HIGHEST, EACH = 1_500, 1_820, 20  # USD for one ETH, and its change from block to block


def swings() -> Iterator[Prices]:
    """From where the play ends down, up and down again, without end; bitcoin moves as much as ETH, the others stand."""
    last = STEPS[-1].prices
    eth, change = last.eth, -EACH
    while True:
        if not LOWEST <= eth + change <= HIGHEST:
            change = -change
        eth += change
        yield replace(last, eth=eth, btc=last.btc * eth // last.eth)


async def swing(play: Play, pace: float = PACE) -> None:
    """Make a block every `pace` seconds of this machine's clock, for as long as nobody ends it."""
    chain = play.world.chain
    for prices in swings():
        await asyncio.sleep(pace)
        late = int(time.time()) - await chain.timestamp()
        await play.act(Step(max(late, 1), prices))
