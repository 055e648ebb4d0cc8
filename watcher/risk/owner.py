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
from watcher.risk.exposure import Exposure, Floats
from watcher.risk.outcome import BAND, NEVER, PARTS, SHARES, Fan, Outcome
from watcher.units import YEAR


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """One margin pool over the owner's tokens: values at the present prices, all pools in one money unit.

    `earned` and `paid` are yearly rates on collateral and on debt. `lag` is by which fraction the oracle may answer beside the market
    before it is told anew. `money` is the place of the token that losses are counted in, None for dollars.
    """

    name: str
    collateral: Floats
    debt: Floats
    threshold: Floats
    earned: Floats
    paid: Floats
    lag: float = 0.0
    money: int | None = None

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
    `close` at that scenario's own oracle prices; later ones of the same scenario, once per step, repay the same fractions of what is
    still owed for the same bonus, out of all collateral that is left. Who is below his line already is liquidated at step 0, in every
    scenario. Health is looked at in the steps `fans`.
    """
    states = [_State(pool, scenarios) for pool in pools]
    for place, state in enumerate(states):
        state.begin(partial(close, place))
    spread: list[Fan] = []
    last: Prices | None = None
    told = number = 0
    for number, now in enumerate(path, 1):
        elapsed = number * seconds
        market, oracle = np.exp(now.market), np.exp(now.oracle)
        for place, state in enumerate(states):
            margin = state.watch(market, oracle, elapsed)
            state.liquidate(margin, oracle, now.traded, elapsed, number, partial(close, place))
        if number in fans:
            spread.append(Fan(number, np.stack([state.healths(oracle, elapsed) for state in states])))
        last = now
        if number in marks:
            yield _settled(states, now, number, elapsed, tuple(spread))
            told = number
    if last is not None and told != number:
        yield _settled(states, last, number, number * seconds, tuple(spread))


class _State:
    """One pool along the path: what is left of each side, as a fraction of what grew from the start. Arrays are over its own `tokens`."""

    def __init__(self, pool: Pool, scenarios: int) -> None:
        self.tokens = np.flatnonzero((pool.collateral != 0) | (pool.debt != 0))
        self.pool = pool
        self.collateral, self.debt = pool.collateral[self.tokens], pool.debt[self.tokens]
        self.threshold = pool.threshold[self.tokens]
        self.held = np.ones((scenarios, self.tokens.size))
        self.owed = np.ones((scenarios, self.tokens.size))
        self.first = np.full(scenarios, NEVER, dtype=np.int64)
        self.cost = np.zeros(scenarios)
        self.slippage = np.zeros(scenarios)
        self.reached = {part: np.zeros(scenarios, dtype=bool) for part in (*PARTS, *BAND)}
        self.closings: dict[int, Closing] = {}
        self.prices: dict[int, float] = {}  # what the first liquidation seized for each unit of value that it repaid

    def begin(self, close: Callable[[Floats, float], Closing | None]) -> None:
        """At the present prices: the same in every scenario, so the contract is asked once."""
        ones = np.ones((len(self.first), len(self.pool.collateral)))
        margin = self.watch(ones, ones, 0.0)
        if margin[0] < 0:
            now = close(ones[0], 0.0)
            self.liquidate(margin, ones, np.zeros_like(ones), 0.0, 0, lambda *_: now)

    def worth(self, traded: Floats) -> Floats:
        """The price factors of its own tokens, in the money that its losses are counted in."""
        own = traded[..., self.tokens]
        return np.exp(own if self.pool.money is None else own - traded[..., [self.pool.money]])

    def grown(self, elapsed: float) -> tuple[Floats, Floats]:
        years, own = elapsed / YEAR, self.tokens
        return self.collateral * np.exp(self.pool.earned[own] * years), self.debt * np.exp(self.pool.paid[own] * years)

    def watch(self, market: Floats, oracle: Floats, elapsed: float) -> Floats:
        """Which scenarios have reached the line by each part, nothing ever being liquidated; the margin by all of them."""
        held, owed = self.grown(elapsed)
        weighted = self.threshold * held
        market, oracle = market[:, self.tokens], oracle[:, self.tokens]
        margin: Floats = oracle @ (weighted - owed)
        self.reached["price"] |= market @ (self.threshold * self.collateral - self.debt) < 0
        self.reached["carry"] |= market @ (weighted - owed) < 0
        self.reached["depeg"] |= margin < 0
        lag = self.pool.lag * (oracle @ weighted)
        self.reached["sooner"] |= margin < lag
        self.reached["later"] |= margin < -lag
        return margin

    def healths(self, oracle: Floats, elapsed: float) -> Floats:
        held, owed = self.grown(elapsed)
        debt = oracle[:, self.tokens] @ owed
        if not np.all(debt > 0):
            return np.full(len(SHARES), np.nan)  # who owes nothing has no health
        return np.asarray(np.quantile(oracle[:, self.tokens] @ (self.threshold * held) / debt, SHARES))

    def liquidate(
        self,
        margin: Floats,
        oracle: Floats,
        traded: Floats,
        elapsed: float,
        number: int,
        close: Callable[[Floats, float], Closing | None],
    ) -> None:
        """`margin` is of what was never liquidated: those who were have another."""
        held, owed = self.grown(elapsed)
        again = np.fromiter(self.closings, dtype=np.int64)
        left = self.held[again] * held
        after = (left * self.threshold - self.owed[again] * owed) * oracle[np.ix_(again, self.tokens)]
        below = margin < 0
        below[again] = (after.sum(axis=1) < 0) & (left.sum(axis=1) > 1e-9 * max(1e-300, held.sum()))
        for scenario in np.flatnonzero(below):
            row = int(scenario)
            closing = self.closings.get(row)
            if closing is not None:
                closing = self._again(row, closing, held, owed, oracle[row, self.tokens])
            else:
                closing = close(oracle[row], elapsed)
                if closing is None:
                    continue
                closing = self._own(closing)
                self.closings[row], self.first[row] = closing, number
                self.prices[row] = _ratio(closing, held * oracle[row, self.tokens], owed * oracle[row, self.tokens])
            self._close(row, closing, held, owed, self.worth(traded[row]))

    def _own(self, closing: Closing) -> Closing:
        return Closing(closing.repaid[self.tokens], closing.seized[self.tokens], closing.slippage)

    def _again(self, row: int, first: Closing, held: Floats, owed: Floats, price: Floats) -> Closing:
        """Nobody repays for nothing: no more is repaid than what is left pays for."""
        left = float((self.held[row] * held * price).sum())
        asked = float((self.owed[row] * owed * first.repaid * price).sum()) * self.prices[row]
        part = min(1.0, left / asked) if asked > 0 else 0.0
        return Closing(first.repaid * part, np.full_like(first.seized, part * asked / left), first.slippage)

    def _close(self, row: int, closing: Closing, held: Floats, owed: Floats, price: Floats) -> None:
        seized = float((self.held[row] * held * closing.seized * price).sum())
        self.cost[row] += seized - float((self.owed[row] * owed * closing.repaid * price).sum())
        self.slippage[row] += seized * closing.slippage
        self.held[row] *= 1 - closing.seized
        self.owed[row] *= 1 - closing.repaid


def _ratio(closing: Closing, held: Floats, owed: Floats) -> float:
    repaid = float((closing.repaid * owed).sum())
    return float((closing.seized * held).sum()) / repaid if repaid > 0 else 0.0


def _settled(states: list[_State], last: Prices, steps: int, elapsed: float, spread: tuple[Fan, ...]) -> Outcome:
    lost, forgiven, by_token = [], [], []
    for state in states:
        held, owed = state.grown(elapsed)
        after = (state.held * held - state.owed * owed) * state.worth(last.traded)
        fallen = np.zeros_like(last.traded)
        fallen[:, state.tokens] = (state.collateral - state.debt) - after
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
