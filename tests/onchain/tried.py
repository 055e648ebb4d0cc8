"""Prices tried out on a real oracle: each is set and the contract asked after it, all in one simulated transaction at the newest block."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeAlias

from watcher.health.liquidation_price import LiquidationPrice
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import Contract
from watcher.localchain.multicall import AGGREGATE, MULTICALL3

Call: TypeAlias = tuple[str, bool, bytes]  # to whom, whether it may fail, calldata
NEAR = 5  # the last prices before the found one, all of them


def between(present: int, answer: int, dice: Random, count: int = 40) -> list[int]:
    """Prices from the present one on to `answer`, which is left out: the nearest to it, others at every distance from it, in order."""
    way, far = (1 if answer > present else -1), abs(answer - present)
    steps = {far - near for near in range(1, NEAR + 1) if near <= far}
    steps |= {far - 1 - dice.randrange(max(1, far >> dice.randrange(far.bit_length()))) for _ in range(count)}
    return [present + way * step for step in sorted(steps)]


def ends(found: LiquidationPrice) -> tuple[int, int]:
    """The present price and the one that was found."""
    assert found.price.answer is not None
    assert found.answer is not None
    return found.price.answer, found.answer


def call(contract: Contract, function: str, *args: object, may_fail: bool = False) -> Call:
    return contract.address, may_fail, contract.data(function, *args)


async def simulated(chain: Anvil, calls: Sequence[Call]) -> list[tuple[bool, bytes]]:
    """What each answers when they are made one after the other."""
    multicall = Contract(chain, MULTICALL3, AGGREGATE)
    return list(await multicall.call("aggregate3", list(calls)))
