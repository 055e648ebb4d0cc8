"""Every account of a market against every scenario, in blocks: never all accounts × all scenarios in memory.

Floats of 32 bits: a probability from ten thousand scenarios has three digits. What an account is now is decided elsewhere, in integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from watcher.risk.exposure import Flags, Floats
from watcher.risk.tail import shortfall_parts, tail

Singles: TypeAlias = NDArray[np.float32]
Places: TypeAlias = NDArray[np.intp]

BLOCK: Final = 64  # accounts at once: with ten thousand scenarios what a core's cache holds
STRETCH: Final = 24  # steps that are bounded together
MANY: Final = 1024  # accounts whose bounds are one product
VAR_LEVEL: Final = 0.99
ES_LEVEL: Final = 0.975


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Accounts × tokens, in one money unit: `net` is threshold · collateral − debt, `equity` collateral − debt, at present prices."""

    net: Singles
    equity: Singles

    def __len__(self) -> int:
        return len(self.net)


@dataclass(frozen=True, slots=True, eq=False)
class Horizon:
    """One entry per account: share of scenarios below the line at the end, mean equity lost, its VaR at 99 % and ES at 97.5 %."""

    below: Floats
    lost: Floats
    var: Floats
    es: Floats


def horizon(crowd: Crowd, factors: Singles) -> Iterator[tuple[slice, Horizon]]:
    """Blocks of accounts against `factors` (tokens × scenarios: prices over present prices), as they are done.

    Losses are of equity at these prices, before any liquidation: what those take is not in them. `ValueError` without a scenario.
    """
    scenarios = factors.shape[1]
    worst = ranks(scenarios)
    fall = 1 - factors.mean(axis=1, dtype=np.float64)  # equity is linear in prices: its mean is that at the mean prices
    room = np.empty((BLOCK, scenarios), dtype=np.float32)
    for start in range(0, len(crowd), BLOCK):
        rows = slice(start, min(start + BLOCK, len(crowd)))
        out = room[: rows.stop - rows.start]
        np.dot(crowd.net[rows], factors, out=out)
        below = np.count_nonzero(out < 0, axis=1) / scenarios
        np.dot(crowd.equity[rows], factors, out=out)
        now = crowd.equity[rows].sum(axis=1, dtype=np.float64)
        lost = crowd.equity[rows] @ fall
        out.partition(worst.kept - 1, axis=1)
        low = np.sort(out[:, : worst.kept], axis=1).astype(np.float64)
        yield rows, Horizon(below, lost, now - low[:, worst.var], now - low @ worst.weights)


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """Of the `kept` smallest equities in order: the place of VaR, and the weights whose sum of products is what ES leaves."""

    kept: int
    var: int
    weights: Floats


def ranks(scenarios: int) -> Ranks:
    """Those of `tail` for sorted values: the inverse distribution function, and Rockafellar–Uryasev's ES with its fraction of an atom."""
    if scenarios == 0:
        raise ValueError("no scenarios: there is no quantile of nothing")
    var = scenarios - int(np.ceil(round(VAR_LEVEL * scenarios, 9)))
    share = (1 - ES_LEVEL) * scenarios
    kept = max(var + 1, int(np.ceil(round(share, 9))))
    weights = np.clip(share - np.arange(kept), 0, 1) / share
    return Ranks(kept, var, weights)


@dataclass(frozen=True, slots=True, eq=False)
class BadDebt:
    """What accounts owe beyond their collateral, summed over a market: one entry per scenario, and whose it is in the worst ones."""

    total: Floats
    var: float
    es: float
    by_account: Floats  # adds up to `es`, which is their sum


def bad_debt(crowd: Crowd, factors: Singles) -> BadDebt:
    """Σ max(−equity, 0) per scenario. Only accounts that can be under water in some scenario are looked at twice."""
    scenarios = factors.shape[1]
    total = np.zeros(scenarios)
    drowned: list[int] = []
    for rows, under in _under_water(crowd.equity, factors):
        total += under.sum(axis=0, dtype=np.float64)
        drowned.extend((rows.start + np.flatnonzero(under.any(axis=1))).tolist())
    whole = tail(total, ES_LEVEL)
    by_account = np.zeros(len(crowd))
    worst = np.flatnonzero(total >= whole.var)
    rest = np.flatnonzero(total < whole.var)
    order = np.concatenate([worst, rest])
    for start in range(0, len(drowned), BLOCK):
        some = drowned[start : start + BLOCK]
        under = np.maximum(-(crowd.equity[some] @ factors[:, worst]), 0).astype(np.float64)
        parts = np.zeros((scenarios, len(some)))
        parts[: len(worst)] = under.T
        by_account[some] = shortfall_parts(parts, total[order], ES_LEVEL)
    return BadDebt(total, tail(total, VAR_LEVEL).var, float(by_account.sum()), by_account)


def _under_water(equity: Singles, factors: Singles) -> Iterator[tuple[slice, Singles]]:
    for start in range(0, len(equity), BLOCK):
        rows = slice(start, min(start + BLOCK, len(equity)))
        yield rows, np.maximum(-(equity[rows] @ factors), np.float32(0))


def concentration(parts: Floats) -> tuple[float, float] | None:
    """(Herfindahl–Hirschman index, share of the ten largest) of non-negative parts; None where they come to nothing."""
    whole = float(parts.sum())
    if whole <= 0:
        return None
    shares = np.sort(parts)[::-1] / whole
    return float(shares @ shares), float(shares[:10].sum())


def pair_chances(cushions: Floats, lowest: Floats) -> Floats:
    """Chance of a touch for many accounts of one pair: `lowest` is each path's running minimum of ln(collateral / debt price).

    An account with ln health b is touched in the scenarios whose minimum is below −b: one sort, one search.
    Who is below the line now is known without it. `ValueError` without a scenario.
    """
    if lowest.size == 0:
        raise ValueError("no scenarios: there is no share of nothing")
    return np.asarray(np.searchsorted(np.sort(lowest), -cushions, side="left") / lowest.size)


def touched(crowd: Crowd, path: Sequence[Singles]) -> Floats:
    """Chance that the margin is negative at any step; `path` holds one array tokens × scenarios of price factors per step."""
    chances = np.zeros(len(crowd))
    for rows, flags in struck(crowd.net, path):
        chances[rows] = flags.mean(axis=1)
    return chances


def struck(net: Singles, path: Sequence[Singles]) -> Iterator[tuple[slice, Flags]]:
    """Blocks of accounts × scenarios: whether the margin is negative at any step. `ValueError` without a step.

    The lowest and highest factor of every token over a stretch of the path bound the margin from below, so that a scenario in which the
    bound is not negative is not walked through there, and an account with no other scenario not at all. It pays to have accounts that
    are alike near each other.
    """
    if not path:
        raise ValueError("no step was taken: there is no horizon")
    stretches = [_Stretch.of(path[start : start + STRETCH]) for start in range(0, len(path), STRETCH)]
    for start in range(0, len(net), MANY):
        rows = slice(start, min(start + MANY, len(net)))
        yield rows, _walked(net[rows], stretches)


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Tokens × steps × scenarios, so that all steps are one product: many small ones would spend their time waiting for threads."""

    factors: Singles
    bounds: Singles  # the lowest factors, and under them the highest

    @classmethod
    def of(cls, steps: Sequence[Singles]) -> _Stretch:
        factors = np.stack(steps, axis=1)
        return cls(factors, np.vstack([factors.min(axis=1), factors.max(axis=1)]))

    def below(self, net: Singles, scenarios: Places) -> Flags:
        """Whose margin is negative at some step."""
        all_of_them = scenarios.size == self.factors.shape[2]
        factors = self.factors if all_of_them else self.factors[:, :, scenarios]
        tokens, steps, count = factors.shape
        margins = (net @ factors.reshape(tokens, steps * count)).reshape(len(net), steps, count)
        return np.asarray(margins.min(axis=1) < 0)


def _walked(net: Singles, stretches: Sequence[_Stretch]) -> Flags:
    """Looking only at accounts and scenarios that may be below the line and were not yet."""
    sides = np.hstack([np.maximum(net, 0), np.minimum(net, 0)])
    found = np.zeros((len(net), stretches[0].bounds.shape[1]), dtype=bool)
    for stretch in stretches:
        possible = (sides @ stretch.bounds < 0) & ~found
        doubtful = np.flatnonzero(possible.any(axis=1))
        for start in range(0, len(doubtful), BLOCK):
            accounts = doubtful[start : start + BLOCK]
            scenarios = np.flatnonzero(possible[accounts].any(axis=0))
            found[np.ix_(accounts, scenarios)] |= stretch.below(net[accounts], scenarios)
    return found
