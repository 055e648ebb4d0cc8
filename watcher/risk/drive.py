"""How tokens follow factors: one map to the oracle's price, which decides a liquidation, one to the traded price, which decides a loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.random import Generator

from watcher.risk.exposure import Flags, Floats
from watcher.units import YEAR


class Feed(StrEnum):
    """What an oracle's price of a token follows."""

    MARKET = "market"  # what it trades at: a lost peg is seen
    RATE = "rate"  # its base times a redemption rate: a lost peg is not seen
    FIXED = "fixed"  # nothing: a constant, in whatever the market counts in


@dataclass(frozen=True, slots=True)
class Depeg:
    """A peg that may break: `intensity` breaks per year, each to one of `falls` (fractions, 0.12: twelve percent down), kept to the end."""

    intensity: float
    falls: tuple[float, ...]


# Breaks seen: USDC at 0.88 in March 2023 (DAI and FRAX alike), DAI at 1.30 on one feed in November 2020.
STABLE: Final = Depeg(1.0, (0.12, 0.03, 0.01))
# stETH at a discount above 6 % in June 2022, 1.7 % in August 2024.
STAKED: Final = Depeg(1.0, (0.06, 0.03, 0.017))


@dataclass(frozen=True, slots=True)
class Driven:
    """One token: its log return is Σ beta · factor, plus a residual of its own, plus lost pegs.

    `loadings` are (factor's column, beta); none for a stablecoin. `residual` is a standard deviation per √year, for young tokens that
    a proxy stands for. What is None is not modelled, and a report says so.
    """

    token: str
    loadings: tuple[tuple[int, float], ...]
    residual: float = 0.0
    depeg: Depeg | None = None
    feed: Feed = Feed.MARKET


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Cumulated log moves since the start, scenarios × tokens."""

    market: Floats  # without lost pegs
    oracle: Floats  # with those that the feed sees
    traded: Floats  # with all of them


def prices(
    tokens: tuple[Driven, ...], factors: Iterator[Floats], random: Generator, scenarios: int, seconds: int
) -> Iterator[Prices]:
    """The tokens' prices after every step of `factors` (log returns, scenarios × factors; a step is `seconds` long).

    The same token under two feeds is one token: what it does of its own, and its peg, are drawn once.
    """
    alone = [place for place, token in enumerate(tokens) if token.token not in {one.token for one in tokens[:place]}]
    first = [next(place for place in alone if tokens[place].token == token.token) for token in tokens]
    residual = np.array([token.residual for token in tokens]) * np.sqrt(seconds / YEAR)
    fixed = np.array([token.feed is Feed.FIXED for token in tokens])
    seen = np.array([token.feed is Feed.MARKET for token in tokens])
    level = np.zeros((scenarios, len(tokens)))
    broken = np.zeros((scenarios, len(tokens)))
    for returns in factors:
        level += returns @ loadings(tokens, returns.shape[1]).T
        if residual.any():
            own = np.zeros_like(level)
            own[:, alone] = random.standard_normal((scenarios, len(alone)))
            level += own[:, first] * residual
        _break(broken, tokens, alone, random, seconds)
        lost = broken[:, first]
        yield Prices(
            market=np.where(fixed, 0.0, level),
            oracle=np.where(fixed, 0.0, level + np.where(seen, lost, 0.0)),
            traded=level + lost,
        )


def loadings(tokens: Sequence[Driven], factors: int) -> Floats:
    """Tokens × factors."""
    matrix = np.zeros((len(tokens), factors))
    for row, token in enumerate(tokens):
        for column, beta in token.loadings:
            matrix[row, column] += beta
    return matrix


def _break(broken: Floats, tokens: Sequence[Driven], alone: Sequence[int], random: Generator, seconds: int) -> None:
    """Let the pegs of the columns `alone` break, at most once each: a second break of a broken peg is not modelled."""
    for column in alone:
        depeg = tokens[column].depeg
        if depeg is not None:
            now: Flags = random.random(len(broken)) < -np.expm1(-depeg.intensity * seconds / YEAR)
            falls = np.log1p(-np.array(depeg.falls))
            drawn = falls[random.integers(0, len(falls), len(broken))]
            broken[:, column] = np.where(now & (broken[:, column] == 0), drawn, broken[:, column])
