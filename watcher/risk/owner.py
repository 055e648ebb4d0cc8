"""What may happen to an owner's margin pools by some horizons: who is liquidated, when, in which order, and what is lost.

Cross margin is one pool, isolated margins are several; they share prices and nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from watcher.risk.drive import Prices
from watcher.risk.exposure import Exposure, Flags, Floats
from watcher.risk.outcome import BAND, NEVER, PARTS, SHARES, Fan, Outcome
from watcher.units import YEAR


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """One margin pool over the owner's tokens: values at the present prices, all pools in one money unit.

    `earned` and `paid` are yearly rates on collateral and on debt. `lag` is by which fraction the oracle may answer beside the market
    before it is told anew.
    """

    name: str
    collateral: Floats
    debt: Floats
    threshold: Floats
    earned: Floats
    paid: Floats
    lag: float = 0.0

    @property
    def equity(self) -> float:
        return float(self.collateral.sum() - self.debt.sum())

    @property
    def net(self) -> Floats:
        """threshold · collateral − debt, per token: its sum is the signed margin."""
        return self.threshold * self.collateral - self.debt

    def exposure(self, assets: tuple[str, ...], ltv: Floats) -> Exposure:
        return Exposure(assets, self.collateral, self.debt, self.threshold, ltv)


@dataclass(frozen=True, slots=True, eq=False)
class Closing:
    """Which fractions of the debts are repaid and of the collaterals seized, per token, by one liquidation.

    Above one a debt has turned into a credit. `slippage` is the fraction that the seized loses when it is sold.
    """

    repaid: Floats
    seized: Floats
    slippage: float = 0.0


# Of a pool, at oracle price factors per token, so many seconds from now; None where the contract would liquidate nothing then.
Close: TypeAlias = Callable[[int, Floats, float], Closing | None]


def simulate(pools: tuple[Pool, ...], path: Iterable[Prices], scenarios: int, seconds: int, close: Close) -> Outcome:
    """`follow` to the end of the path."""
    ends = deque(follow(pools, path, scenarios, seconds, close), maxlen=1)
    if not ends:
        raise ValueError("no step was taken: there is no horizon")
    return ends[0]


def follow(
    pools: tuple[Pool, ...],
    path: Iterable[Prices],
    scenarios: int,
    seconds: int,
    close: Close,
    marks: Collection[int] = (),
    fans: Collection[int] = (),
) -> Iterator[Outcome]:
    """Follow every pool along `path`, whose steps are `seconds` long: the outcome at the steps `marks`, and at the end of the path.

    At the end of a step below its line a pool is liquidated as `close` says. The first liquidation of a pool in a scenario asks
    `close` at that scenario's own oracle prices; later ones of the same scenario take the same fractions again, once per step. Health
    is looked at in the steps `fans`.
    """
    states = [_State(pool, scenarios) for pool in pools]
    spread: list[Fan] = []
    last: Prices | None = None
    told = number = 0
    for number, now in enumerate(path, 1):
        elapsed = number * seconds
        market, oracle = np.exp(now.market), np.exp(now.oracle)
        for place, state in enumerate(states):
            state.watch(market, oracle, elapsed)
            state.liquidate(oracle, now.traded, elapsed, number, partial(close, place))
        if number in fans:
            spread.append(Fan(number, np.stack([state.healths(oracle, elapsed) for state in states])))
        last = now
        if number in marks:
            yield _settled(states, now, number, elapsed, tuple(spread))
            told = number
    if last is not None and told != number:
        yield _settled(states, last, number, number * seconds, tuple(spread))


class _State:
    """One pool along the path: what is left of each side, as a fraction of what grew from the start."""

    def __init__(self, pool: Pool, scenarios: int) -> None:
        tokens = len(pool.collateral)
        self.pool = pool
        self.held = np.ones((scenarios, tokens))
        self.owed = np.ones((scenarios, tokens))
        self.first = np.full(scenarios, NEVER, dtype=np.int64)
        self.cost = np.zeros(scenarios)
        self.slippage = np.zeros(scenarios)
        self.reached = {part: np.zeros(scenarios, dtype=bool) for part in (*PARTS, *BAND)}
        self.closings: dict[int, Closing] = {}

    def grown(self, elapsed: float) -> tuple[Floats, Floats]:
        years = elapsed / YEAR
        return self.pool.collateral * np.exp(self.pool.earned * years), self.pool.debt * np.exp(self.pool.paid * years)

    def watch(self, market: Floats, oracle: Floats, elapsed: float) -> None:
        """Which scenarios have reached the line by each part, nothing ever being liquidated."""
        held, owed = self.grown(elapsed)
        weighted = self.pool.threshold * held
        self.reached["price"] |= market @ self.pool.net < 0
        self.reached["carry"] |= market @ (weighted - owed) < 0
        self.reached["depeg"] |= oracle @ (weighted - owed) < 0
        if self.pool.lag:
            self.reached["sooner"] |= oracle @ (weighted * (1 - self.pool.lag) - owed) < 0
            self.reached["later"] |= oracle @ (weighted * (1 + self.pool.lag) - owed) < 0

    def healths(self, oracle: Floats, elapsed: float) -> Floats:
        held, owed = self.grown(elapsed)
        debt = oracle @ owed
        if not np.all(debt > 0):
            return np.full(len(SHARES), np.nan)  # who owes nothing has no health
        return np.asarray(np.quantile(oracle @ (self.pool.threshold * held) / debt, SHARES))

    def liquidate(
        self,
        oracle: Floats,
        traded: Floats,
        elapsed: float,
        number: int,
        close: Callable[[Floats, float], Closing | None],
    ) -> None:
        held, owed = self.grown(elapsed)
        margin = ((self.held * (held * self.pool.threshold) - self.owed * owed) * oracle).sum(axis=1)
        for scenario in np.flatnonzero(self._struck(margin, held, oracle)):
            row = int(scenario)
            closing = self.closings.get(row)
            if closing is None:
                closing = close(oracle[row], elapsed)
                if closing is None:
                    continue
                self.closings[row] = closing
                self.first[row] = number
            price = np.exp(traded[row])
            seized = self.held[row] * held * closing.seized * price
            repaid = self.owed[row] * owed * closing.repaid * price
            self.cost[row] += float(seized.sum() - repaid.sum())
            self.slippage[row] += float(seized.sum()) * closing.slippage
            self.held[row] *= 1 - closing.seized
            self.owed[row] *= 1 - closing.repaid

    def _struck(self, margin: Floats, held: Floats, oracle: Floats) -> Flags:
        """Below the line, and something is left to seize."""
        below: Flags = margin < 0
        if below.any():
            below[below] = ((self.held[below] * held) * oracle[below]).sum(axis=1) > 1e-9 * max(1e-300, held.sum())
        return below


def _settled(states: list[_State], last: Prices, steps: int, elapsed: float, spread: tuple[Fan, ...]) -> Outcome:
    traded = np.exp(last.traded)
    lost, forgiven, by_token = [], [], []
    for state in states:
        held, owed = state.grown(elapsed)
        after = (state.held * held - state.owed * owed) * traded
        fallen = (state.pool.collateral - state.pool.debt) - after
        by_token.append(fallen)
        forgiven.append(np.maximum(0.0, -after.sum(axis=1)))
        lost.append(fallen.sum(axis=1) - forgiven[-1])
    return Outcome(
        steps=steps,
        first=np.stack([state.first for state in states], axis=1),
        reached={part: np.stack([state.reached[part] for state in states], axis=1) for part in (*PARTS, *BAND)},
        lost=np.stack(lost, axis=1),
        forgiven=np.stack(forgiven, axis=1),
        cost=np.stack([state.cost for state in states], axis=1),
        slippage=np.stack([state.slippage for state in states], axis=1),
        by_token=np.stack(by_token, axis=1),
        fan=spread,
    )
