"""Health over the prices of two assets at once: a grid for a picture, and the straight line on which it is exactly one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from watcher.risk.exposure import Exposure, Floats

LOWEST: Final = 0.2  # −80 %
HIGHEST: Final = 2.0  # +100 %
POINTS: Final = 73  # each way, in steps of 2.5 %: the present prices are one of them

Corner: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """`across` and `up` are places among the exposure's assets, `factors` multiply the price of either. `health` is up × across.

    `line` leads from one edge of the square to another, as (factor across, factor up): collateral just protects the debt there. None
    where it does not cross the square.
    """

    across: int
    up: int
    factors: Floats
    health: Floats
    line: tuple[Corner, Corner] | None


def surface(exposure: Exposure) -> Surface | None:
    """Over the two assets with the largest |net|, the larger one across, all other prices staying as they are.

        health(x, y) = (W₀ + w_a·x + w_b·y) / (D₀ + d_a·x + d_b·y)

    None where nothing is owed, or where fewer than two assets move the margin.
    """
    net = exposure.net
    moving = np.argsort(-np.abs(net), kind="stable")[: np.count_nonzero(net)]
    if exposure.owed <= 0 or moving.size < 2:
        return None
    across, up = int(moving[0]), int(moving[1])
    factors = np.linspace(LOWEST, HIGHEST, POINTS)
    weighted = _plane(exposure.threshold * exposure.collateral, across, up, factors)
    owed = _plane(exposure.debt, across, up, factors)
    return Surface(across, up, factors, weighted / owed, _line(net, across, up))


def _plane(values: Floats, across: int, up: int, factors: Floats) -> Floats:
    """The sum of all values at every pair of factors, up × across."""
    rest = float(values.sum() - values[across] - values[up])
    return np.asarray(rest + values[across] * factors[np.newaxis, :] + values[up] * factors[:, np.newaxis])


def _line(net: Floats, across: int, up: int) -> tuple[Corner, Corner] | None:
    """Where rest + net_a·x + net_b·y = 0 enters the square and where it leaves it."""
    a, b = float(net[across]), float(net[up])
    rest = float(net.sum()) - a - b
    ends = (LOWEST, HIGHEST)
    met = [(x, -(rest + a * x) / b) for x in ends] + [(-(rest + b * y) / a, y) for y in ends]
    inside = sorted((x, y) for x, y in met if LOWEST <= x <= HIGHEST and LOWEST <= y <= HIGHEST)
    if not inside or inside[0] == inside[-1]:
        return None
    return inside[0], inside[-1]
