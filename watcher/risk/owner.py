"""What may happen to an owner's margin pools by a horizon: who is liquidated, when, in which order, and what is lost.

Cross margin is one pool, isolated margins are several; they share prices and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from watcher.risk.drive import Prices
from watcher.risk.exposure import Flags, Floats

NEVER = -1
PARTS = ("price", "carry", "depeg")


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """One margin pool over the owner's tokens: values at the present prices, all pools in one money unit.

    `earned` and `paid` are yearly rates on collateral and on debt.
    """

    name: str
    collateral: Floats
    debt: Floats
    threshold: Floats
    earned: Floats
    paid: Floats

    @property
    def equity(self) -> float:
        return float(self.collateral.sum() - self.debt.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Closing:
    """Which fractions of the debts are repaid and of the collaterals seized, per token, by one liquidation."""

    repaid: Floats
    seized: Floats


Close: TypeAlias = Callable[
    [int, Floats, float], Closing
]  # of a pool, at price factors per token, so many seconds from now


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Scenarios × pools, money in the pools' unit.

    `first` is the step of the first liquidation, NEVER where there is none; `reached` is the same for prices alone, with interest, and
    with interest and lost pegs (the parts, each with all before it). `lost` is the fall of equity to the horizon at traded prices, no
    more than there was: what a pool owes beyond its collateral is `forgiven`, the lenders bear it. `cost` is what liquidations took above
    what they repaid. `by_token` (scenarios × tokens) splits the fall: its rows add up to those of `lost` and `forgiven`.
    """

    first: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    reached: dict[str, Flags]
    lost: Floats
    forgiven: Floats
    cost: Floats
    by_token: Floats


def simulate(pools: tuple[Pool, ...], path: Iterable[Prices], scenarios: int, seconds: int, close: Close) -> Outcome:
    """Follow every pool along `path`; at the end of a step below its line a pool is liquidated as `close` says.

    The first liquidation of a pool in a scenario asks `close` at that scenario's own oracle prices; later ones of the same scenario
    take the same fractions again, once per step.
    """
    states = [_State(pool, scenarios) for pool in pools]
    last: Prices | None = None
    for number, now in enumerate(path, 1):
        elapsed = number * seconds
        for place, state in enumerate(states):
            state.watch(now, elapsed)
            state.liquidate(now, elapsed, number, partial(close, place))
        last = now
    if last is None:
        raise ValueError("no step was taken: there is no horizon")
    return _settled(states, last, number * seconds)


class _State:
    """One pool along the path: what is left of each side, as a fraction of what grew from the start."""

    def __init__(self, pool: Pool, scenarios: int) -> None:
        tokens = len(pool.collateral)
        self.pool = pool
        self.held = np.ones((scenarios, tokens))
        self.owed = np.ones((scenarios, tokens))
        self.first = np.full(scenarios, NEVER, dtype=np.int64)
        self.cost = np.zeros(scenarios)
        self.reached = {part: np.zeros(scenarios, dtype=bool) for part in PARTS}
        self.closings: dict[int, Closing] = {}

    def grown(self, elapsed: float) -> tuple[Floats, Floats]:
        years = elapsed / (365 * 86_400)
        return self.pool.collateral * np.exp(self.pool.earned * years), self.pool.debt * np.exp(self.pool.paid * years)

    def watch(self, now: Prices, elapsed: float) -> None:
        """Which scenarios have reached the line by each part, nothing ever being liquidated."""
        still = self.pool.threshold * self.pool.collateral - self.pool.debt
        held, owed = self.grown(elapsed)
        growing = self.pool.threshold * held - owed
        for part, net, moves in (
            ("price", still, now.market),
            ("carry", growing, now.market),
            ("depeg", growing, now.oracle),
        ):
            self.reached[part] |= np.exp(moves) @ net < 0

    def liquidate(self, now: Prices, elapsed: float, number: int, close: Callable[[Floats, float], Closing]) -> None:
        held, owed = self.grown(elapsed)
        factors = np.exp(now.oracle)
        margin = ((self.held * held * self.pool.threshold - self.owed * owed) * factors).sum(axis=1)
        left = (self.held * held * factors).sum(axis=1)
        for scenario in np.flatnonzero((margin < 0) & (left > 1e-9 * max(1e-300, held.sum()))):
            row = int(scenario)
            if row not in self.closings:
                self.closings[row] = close(factors[row], elapsed)
                self.first[row] = number
            closing, traded = self.closings[row], np.exp(now.traded[row])
            seized = self.held[row] * held * closing.seized * traded
            repaid = self.owed[row] * owed * closing.repaid * traded
            self.cost[row] += float(seized.sum() - repaid.sum())
            self.held[row] *= 1 - closing.seized
            self.owed[row] *= 1 - closing.repaid


def _settled(states: list[_State], last: Prices, elapsed: float) -> Outcome:
    traded = np.exp(last.traded)
    lost, forgiven, by_token = [], [], np.zeros_like(traded)
    for state in states:
        held, owed = state.grown(elapsed)
        after = (state.held * held - state.owed * owed) * traded
        fallen = (state.pool.collateral - state.pool.debt) - after
        by_token += fallen
        forgiven.append(np.maximum(0.0, -after.sum(axis=1)))
        lost.append(fallen.sum(axis=1) - forgiven[-1])
    return Outcome(
        first=np.stack([state.first for state in states], axis=1),
        reached={part: np.stack([state.reached[part] for state in states], axis=1) for part in PARTS},
        lost=np.stack(lost, axis=1),
        forgiven=np.stack(forgiven, axis=1),
        cost=np.stack([state.cost for state in states], axis=1),
        by_token=by_token,
    )


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
