"""What a position is worth per price that moves it: values at the present prices, so that a scenario is one factor per price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """One margin pool in one money unit; every array has one entry per asset, the same asset on both sides is one entry.

    `collateral` and `debt` are values at the present prices, `threshold` and `ltv` fractions of one that really apply (e-mode
    considered). Floats: what is decided at the line is decided by the adapter's integers, never from here.
    """

    assets: tuple[str, ...]
    collateral: Floats
    debt: Floats
    threshold: Floats
    ltv: Floats

    @property
    def net(self) -> Floats:
        """What one unit of relative price does to the signed margin: threshold · collateral − debt, per asset."""
        return self.threshold * self.collateral - self.debt

    @property
    def weighted(self) -> float:
        """W: the collateral that protects debt."""
        return float(self.threshold @ self.collateral)

    @property
    def owed(self) -> float:
        """D: what is owed."""
        return float(self.debt.sum())

    def at(self, factors: Floats | Sequence[float]) -> Exposure:
        """The same holdings with every price multiplied by its factor."""
        moved = np.asarray(factors, dtype=np.float64)
        return Exposure(self.assets, self.collateral * moved, self.debt * moved, self.threshold, self.ltv)


def exposure(rows: Sequence[tuple[str, float, float, float, float]]) -> Exposure:
    """Rows of (asset, collateral value, debt value, threshold, ltv), one per asset."""
    names, *columns = zip(*rows, strict=True)
    collateral, debt, threshold, ltv = (np.array(column, dtype=np.float64) for column in columns)
    return Exposure(tuple(names), collateral, debt, threshold, ltv)
