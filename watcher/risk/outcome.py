"""What came of an owner's pools in every scenario, and the chances that follow from it, each with its standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watcher.risk.exposure import Flags, Floats

NEVER = -1
PARTS = ("price", "carry", "depeg")
BAND = ("sooner", "later")


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """Quantiles of a pool's health, nothing being liquidated: at `step`, pools × `SHARES`."""

    step: int
    health: Floats


SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Scenarios × pools up to one horizon, money in the pools' unit.

    `first` is the step of the first liquidation, NEVER where there is none. `reached` says whether the line was, nothing ever being
    liquidated: for prices alone, with interest, and with interest and lost pegs (the parts, each with all before it), and for an oracle
    that lags so that the line comes *sooner* or *later* (the band). `lost` is the fall of equity to the horizon at traded prices, no
    more than there was: what a pool owes beyond its collateral is `forgiven`, the lenders bear it. `cost` is what liquidations took above
    what they repaid, and `slippage` what the sale of the seized then loses, where that is known. `by_token` (scenarios × pools × tokens)
    splits the fall: over the tokens it adds up to `lost` and `forgiven`.
    """

    steps: int
    first: NDArray[np.int64]
    reached: dict[str, Flags]
    lost: Floats
    forgiven: Floats
    cost: Floats
    slippage: Floats
    by_token: Floats
    fan: tuple[Fan, ...] = ()


@dataclass(frozen=True, slots=True)
class Chance:
    """A simulated probability with its standard error √(p(1 − p)/S)."""

    value: float
    error: float


def chance(happened: Flags) -> Chance:
    """Of one event over all scenarios."""
    share = float(happened.mean())
    return Chance(share, float(np.sqrt(share * (1 - share) / happened.size)))


@dataclass(frozen=True, slots=True)
class Joint:
    """Of an owner's pools together: that any, that all are liquidated, and that each is the first (ties are shared)."""

    any: Chance
    all: Chance
    first: tuple[float, ...]


def joint(outcome: Outcome) -> Joint:
    """From the simulated first liquidations; shares of being first add up to the chance of any."""
    struck = outcome.first != NEVER
    when = np.where(struck, outcome.first, np.iinfo(np.int64).max)
    leading = struck & (when == when.min(axis=1, keepdims=True))
    shares = leading / np.maximum(1, leading.sum(axis=1, keepdims=True))
    return Joint(
        chance(struck.any(axis=1)), chance(struck.all(axis=1)), tuple(float(share) for share in shares.mean(axis=0))
    )
