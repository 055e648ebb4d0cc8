"""Everybody else on Aave V3.6: borrowers whom nobody has listed, found only by whoever reads the whole market."""

from __future__ import annotations

from typing import Final

from watcher.localchain.scenario import account
from watcher.localchain.seeder import PAIRS, seed
from watcher.localchain.stage.world import World
from watcher.model import PositionKey

LABEL: Final = "somebody"
EACH: Final = 20  # with the same collateral and the same debt
SIZE: Final = EACH * len(PAIRS)
LOOP: Final = ("wstETH", "WETH")  # the pair that moves as one


async def gather(world: World) -> None:
    """They come, by ordinary transactions."""
    await seed(world.v36, SIZE, label=LABEL, each=EACH)


def crowd(world: World) -> dict[PositionKey, bool]:
    """Every position, and whether its collateral and debt move together."""
    name = world.v36.market().name
    return {
        PositionKey(name, bytes.fromhex(account(f"{LABEL} {n}")[2:])): PAIRS[n // EACH] == LOOP for n in range(SIZE)
    }
