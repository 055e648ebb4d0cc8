"""What isolation costs, or saves: an owner's positions as they are, as one cross pool, and split into isolated markets, side by side.

In all three a liquidation is by one rule of thumb, so that they can be compared; what really would happen to the positions as they are
is told elsewhere, by the contracts' own rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from watcher.appraisal.closing import Typical
from watcher.appraisal.estimate import Estimate, Loss, loss, mean
from watcher.risk.drive import Prices
from watcher.risk.exposure import Floats
from watcher.risk.outcome import NEVER, Chance, Outcome, chance
from watcher.risk.owner import Closing, Pool, follow


@dataclass(frozen=True, slots=True)
class Structure:
    """One way to hold the same. `health` is of each pool; `given` is what liquidations cost where there was any, None where none was."""

    name: str
    pools: int
    health: tuple[float | None, ...]
    liquidated: Chance
    given: Estimate | None
    loss: Loss


def crossed(pools: Sequence[Pool]) -> Pool:
    """Everything in one margin pool: each unit of collateral keeps its threshold and its rate."""
    held, owed = (np.sum([getattr(pool, side) for pool in pools], axis=0) for side in ("collateral", "debt"))

    def mixed(part: Callable[[Pool], Floats], whole: Floats) -> Floats:
        total = np.sum([part(pool) for pool in pools], axis=0)
        return np.asarray(np.divide(total, whole, out=np.zeros_like(whole), where=whole > 0))

    return Pool(
        "one cross pool",
        held,
        owed,
        mixed(lambda pool: pool.threshold * pool.collateral, held),
        mixed(lambda pool: pool.earned * pool.collateral, held),
        mixed(lambda pool: pool.paid * pool.debt, owed),
    )


def split(pool: Pool) -> tuple[Pool, ...]:
    """Every collateral against every debt, each in shares of the whole, so that all begin at the pool's own health; what protects
    nothing stands by itself."""
    idle = np.where(pool.threshold > 0, 0.0, pool.collateral)
    made = [Pool(pool.name, idle, np.zeros_like(idle), pool.threshold, pool.earned, pool.paid)] if idle.any() else []
    for i in np.flatnonzero(pool.collateral * pool.threshold):
        protects = pool.collateral[i] * pool.threshold[i] / float(pool.threshold @ pool.collateral)
        for j in np.flatnonzero(pool.debt):
            held, owed = np.zeros_like(pool.collateral), np.zeros_like(pool.debt)
            held[i] = pool.collateral[i] * pool.debt[j] / pool.debt.sum()
            owed[j] = pool.debt[j] * protects
            made.append(Pool(pool.name, held, owed, pool.threshold, pool.earned, pool.paid))
    return tuple(made)


def proportional(pools: Sequence[Pool], rules: Sequence[Typical]) -> Callable[[int, Floats, float], Closing | None]:
    """Repay the rule's part of every debt, and seize of every collateral alike, its bonus above that, no more than there is."""

    def close(place: int, factors: Floats, _: float) -> Closing | None:
        pool, rule = pools[place], rules[place]
        held, owed = float(pool.collateral @ factors), float(pool.debt @ factors)
        if not held or not owed:
            return None
        repaid = min(rule.repaid * owed, held / (1 + rule.bonus))
        return Closing(np.full_like(factors, repaid / owed), np.full_like(factors, repaid * (1 + rule.bonus) / held))

    return close


def side_by_side(
    pools: Sequence[Pool],
    rules: Sequence[Typical],
    paths: Callable[[], Iterator[Prices]],
    scenarios: int,
    seconds: int,
) -> tuple[Structure, ...]:
    """The three at the end of the paths, which are the same for each. `rules` are those of the pools; across them their mean by debt."""
    owed = np.array([pool.debt.sum() for pool in pools])
    common = Typical(
        float(owed @ [rule.repaid for rule in rules] / owed.sum()),
        float(owed @ [rule.bonus for rule in rules] / owed.sum()),
        float(owed @ [rule.kept for rule in rules] / owed.sum()),
    )
    apart = [(part, rule) for pool, rule in zip(pools, rules, strict=True) for part in split(pool)]
    ways = (
        ("as they are", tuple(pools), tuple(rules)),
        ("one cross pool", (crossed(pools),), (common,)),
        ("isolated markets", tuple(part for part, _ in apart), tuple(rule for _, rule in apart)),
    )
    return tuple(_followed(name, held, by, paths(), scenarios, seconds) for name, held, by in ways)


def _followed(
    name: str, pools: tuple[Pool, ...], rules: Sequence[Typical], path: Iterator[Prices], scenarios: int, seconds: int
) -> Structure:
    *_, end = follow(pools, path, scenarios, seconds, proportional(pools, rules))
    struck = (end.first != NEVER).any(axis=1)
    return Structure(
        name, len(pools), tuple(_health(pool) for pool in pools), chance(struck), _given(end, struck), loss(_lost(end))
    )


def _given(end: Outcome, struck: Floats) -> Estimate | None:
    return mean(end.cost.sum(axis=1)[struck])


def _lost(end: Outcome) -> Floats:
    return np.asarray(end.lost.sum(axis=1))


def _health(pool: Pool) -> float | None:
    owed = float(pool.debt.sum())
    return float(pool.threshold @ pool.collateral) / owed if owed else None
