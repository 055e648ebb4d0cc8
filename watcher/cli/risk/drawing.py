"""What of an appraisal is drawn, in a file and in the terminal: losses cut into bars, the course of health, names that tell apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watcher.appraisal.appraise import Appraisal
from watcher.appraisal.held import Held
from watcher.config.risk import DAY, HOUR
from watcher.risk.exposure import Floats

BEYOND: Final = (
    0.001  # of the scenarios may lie beyond the bars on either side: one of them alone would flatten all others
)
NICE: Final = (1.0, 2.0, 5.0, 10.0)
SAME: Final = 1e-9  # of the largest loss: nearer than that all scenarios are one value
NONE_PRICED: Final = "no position that could be simulated is worth dollars: no losses are shown"


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Scenarios by their loss. `edges` are rising and one more than `counts`; `below` and `above` are scenarios beyond them.

    A bar holds its lower edge and not its upper one.
    """

    edges: Floats
    counts: NDArray[np.int64]
    below: int
    above: int

    @property
    def scenarios(self) -> int:
        return int(self.counts.sum()) + self.below + self.above


def bars(losses: Floats, most: int, *marks: float) -> Bars:
    """At most `most` + 1 bars, edges at round figures, of all but the farthest losses on either side. Every mark is inside.

    A single bar around its middle where all losses are the same. `ValueError` for no losses.
    """
    if losses.size == 0:
        raise ValueError("no losses: there is nothing to draw")
    ordered = np.sort(losses)
    far = int(BEYOND * losses.size)
    low, high = (float(one) for one in (min((ordered[far], *marks)), max((ordered[-1 - far], *marks))))
    if high - low <= SAME * max(abs(low), abs(high)):
        low, high = (float(one) for one in (min((ordered[0], *marks)), max((ordered[-1], *marks))))
    if high - low <= SAME * max(abs(low), abs(high)):
        half = abs(low) / 20 or 0.5
        return Bars(np.array([low - half, high + half]), np.array([losses.size]), 0, 0)
    step = _step((high - low) / most)
    first, last = np.floor(low / step), np.floor(high / step) + 1
    edges = step * np.arange(first, last + 0.5)
    places = np.searchsorted(edges, ordered, side="right") - 1
    inside = places[(places >= 0) & (places < edges.size - 1)]
    counts = np.bincount(inside, minlength=edges.size - 1)
    return Bars(edges, counts, int((places < 0).sum()), int((places >= edges.size - 1).sum()))


def _step(least: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(power * next(one for one in NICE if one * power >= least * (1 - 1e-12)))


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A position's health from now on: looks (`hours`, the first one now) × 5, 25, 50, 75 and 95 % of the scenarios."""

    hours: tuple[int, ...]
    health: Floats


def course(found: Appraisal, place: int) -> Course | None:
    """Of the position `place` among those held; None where it owes nothing, or was not followed."""
    now = health(found.held[place])
    looks = [(fan.step, fan.health[place]) for fan in found.fans if np.isfinite(fan.health[place]).all()]
    if now is None or not looks:
        return None
    hours, quantiles = zip(*looks, strict=True)
    return Course((0, *hours), np.vstack([np.full(len(quantiles[0]), now), *quantiles]))


def health(held: Held) -> float | None:
    """At the present prices; None where nothing is owed."""
    seen = held.exposure()
    return seen.weighted / seen.owed if seen.owed else None


def titles(held: Sequence[Held]) -> list[str]:
    """Each by its market, with its account where the same market occurs twice, and the end of its key where the account does too."""
    markets = Counter(one.name for one in held)
    accounts = Counter((one.name, one.account) for one in held)

    def title(one: Held) -> str:
        if markets[one.name] == 1:
            return one.name
        short = f"{one.name} · {one.account[:6]}…{one.account[-4:]}"
        twice = accounts[one.name, one.account] > 1
        return f"{short} #{one.row.reading.key.key[20:].hex()}" if twice else short

    return [title(one) for one in held]


def span(seconds: int) -> str:
    """ "1 d", "6 h": whole days from one on."""
    return f"{seconds // DAY} d" if seconds % DAY == 0 else f"{seconds // HOUR} h"


def percent(share: float) -> str:
    """Two significant digits, and one after the point from a tenth on."""
    return f"{share * 100:.2g} %" if share < 0.1 else f"{share * 100:.1f} %"
