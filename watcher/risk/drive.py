"""How tokens follow factors: one map to the oracle's price, which decides a liquidation, one to the traded price, which decides a loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.random import Generator

from watcher.risk.exposure import Floats
from watcher.units import YEAR


class Feed(StrEnum):
    """What an oracle's price of a token follows."""

    MARKET = "market"  # what it trades at: a lost peg is seen
    RATE = "rate"  # its base times a redemption rate: a lost peg is not seen
    FIXED = "fixed"  # nothing: a constant in dollars


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
    moving = np.array([token.feed is not Feed.FIXED for token in tokens], dtype=np.float64)
    seen = np.array([token.feed is Feed.MARKET for token in tokens], dtype=np.float64)
    when, falls = _breaks(tokens, alone, random, scenarios)
    level = np.zeros((scenarios, len(tokens)))
    elapsed = 0.0
    for returns in factors:
        elapsed += seconds
        level = level + returns @ loadings(tokens, returns.shape[1]).T
        if residual.any():
            own = np.zeros_like(level)
            own[:, alone] = random.standard_normal((scenarios, len(alone)))
            level += own[:, first] * residual
        market = level if moving.all() else level * moving
        lost = (falls * (when <= elapsed))[:, first]
        yield Prices(market, market + lost * seen, level + lost)


def loadings(tokens: Sequence[Driven], factors: int) -> Floats:
    """Tokens × factors."""
    matrix = np.zeros((len(tokens), factors))
    for row, token in enumerate(tokens):
        for column, beta in token.loadings:
            matrix[row, column] += beta
    return matrix


def _breaks(tokens: Sequence[Driven], alone: Sequence[int], random: Generator, scenarios: int) -> tuple[Floats, Floats]:
    """When each peg breaks, in seconds, and how far its log price falls then; a second break of a broken peg is not modelled."""
    when, falls = np.full((scenarios, len(tokens)), np.inf), np.zeros((scenarios, len(tokens)))
    for column in alone:
        depeg = tokens[column].depeg
        if depeg is not None and depeg.intensity > 0:
            when[:, column] = random.exponential(YEAR / depeg.intensity, scenarios)
            falls[:, column] = np.log1p(-np.array(depeg.falls))[random.integers(0, len(depeg.falls), scenarios)]
    return when, falls
