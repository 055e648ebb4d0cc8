"""Whether forecasts kept their word: Kupiec and Christoffersen for VaR, Acerbi and Szekely for ES, a binomial band for probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise

import numpy as np
from numpy.random import Generator
from scipy.special import bdtr, chdtrc, xlogy

from watcher.risk.exposure import Flags, Floats
from watcher.risk.tail import Tail

SHORT = 500  # entries of a law that are convolved as they are
FEWEST = 30  # outcomes below which a calibration says nothing


@dataclass(frozen=True, slots=True)
class Verdict:
    """A likelihood ratio and the probability of one as large under the forecast's own claim."""

    statistic: float
    p_value: float

    def rejects(self, level: float = 0.05) -> bool:
        return self.p_value < level


def chi_squared(statistic: float, degrees: int) -> Verdict:
    """A likelihood ratio with its p-value; a hair below 0 is rounding, and 0."""
    kept = max(0.0, statistic)
    return Verdict(kept, float(chdtrc(degrees, kept)))


def kupiec(forecasts: int, exceptions: int, rate: float) -> Verdict:
    """Proportion of failures: −2 [ℓ(rate) − ℓ(exceptions / forecasts)], χ² with one degree; 0 · ln 0 is 0 (Kupiec 1995)."""
    kept = forecasts - exceptions
    seen = exceptions / forecasts
    claimed = xlogy(exceptions, rate) + xlogy(kept, 1 - rate)
    found = xlogy(exceptions, seen) + xlogy(kept, 1 - seen)
    return chi_squared(-2 * float(claimed - found), 1)


def christoffersen(n00: int, n01: int, n10: int, n11: int) -> Verdict:
    """Independence from transition counts (n01: an exception after none), χ² with one degree (Christoffersen 1998)."""
    calm, struck = n00 + n01, n10 + n11
    if calm == 0 or struck == 0:
        return Verdict(0.0, 1.0)  # one row only: nothing that could depend
    after_calm, after_struck, ever = n01 / calm, n11 / struck, (n01 + n11) / (calm + struck)
    one = xlogy(n00 + n10, 1 - ever) + xlogy(n01 + n11, ever)
    two = xlogy(n00, 1 - after_calm) + xlogy(n01, after_calm) + xlogy(n10, 1 - after_struck) + xlogy(n11, after_struck)
    return chi_squared(-2 * float(one - two), 1)


def transitions(exceptions: Sequence[bool], follows: Sequence[bool] | None = None) -> tuple[int, int, int, int]:
    """(n00, n01, n10, n11) of a sequence. `follows` says which entry came directly after the one before it; None: all."""
    pairs = list(pairwise(exceptions))
    if follows is not None:
        pairs = list(compress(pairs, follows[1:]))
    return (
        pairs.count((False, False)),
        pairs.count((False, True)),
        pairs.count((True, False)),
        pairs.count((True, True)),
    )


def conditional_coverage(covered: Verdict, independent: Verdict) -> Verdict:
    """Both together, χ² with two degrees."""
    return chi_squared(covered.statistic + independent.statistic, 2)


def binomial_up_to(exceptions: int, forecasts: int, rate: float) -> float:
    """P(at most so many exceptions), the axis of Basel's traffic light."""
    return float(bdtr(exceptions, forecasts, rate))


def light(exceptions: int) -> str:
    """Basel's traffic light for 250 forecasts at 99 %: green up to 4, yellow up to 9, red from 10."""
    return "green" if exceptions <= 4 else "yellow" if exceptions <= 9 else "red"


def z2(returns: Floats, var: Floats, es: Floats, level: float) -> float:
    """Σ r · 1[r < −VaR] / (T (1 − level) ES) + 1: 0 in expectation, negative where losses are worse (Acerbi, Szekely 2014)."""
    struck = returns < -var
    return float((returns[struck] / es[struck]).sum() / (returns.size * (1 - level)) + 1)


def z2_scores(
    random: Generator, samples: int, length: int, forecast: Tail, below: float, quantile: Callable[[Floats], Floats]
) -> Floats:
    """Z2 of `samples` samples of `length` returns, with the same `forecast` for all of them.

    `below` is P(r < −VAR) under the law that the returns come from and `quantile` that law's inverse: returns that are no exceptions
    count nothing and are not drawn.
    """
    struck = random.binomial(length, below, samples)
    losses = quantile(random.uniform(0.0, below, int(struck.sum())))
    sums = np.bincount(np.repeat(np.arange(samples), struck), weights=losses, minlength=samples)
    return np.asarray(sums / (length * (1 - forecast.level) * forecast.es) + 1)


@dataclass(frozen=True, slots=True)
class Critical:
    """The score that a right forecast stays above with 95 %, and the standard error of its simulation."""

    value: float
    error: float


def critical(scores: Floats, chance: float = 0.05) -> Critical:
    """The `chance` quantile of simulated scores; its error from the order statistics one binomial standard deviation to both sides.

    Simulated for the sample's own length: the published −0.70 of Z2 holds for 250 forecasts and no other number.
    """
    aside = float(np.sqrt(chance * (1 - chance) / scores.size))
    low, value, high = np.quantile(scores, (chance - aside, chance, chance + aside))
    return Critical(float(value), float(high - low) / 2)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Predicted probabilities between two bounds: how many, what they add up to, how many came true, and the 95 % band of that."""

    low: float
    high: float
    count: int
    expected: float
    happened: int
    fewest: int
    most: int

    @property
    def kept(self) -> bool:
        return self.fewest <= self.happened <= self.most


BOUNDS = (0.0, 0.01, 0.05, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """`brier` is the mean squared distance of what was said from what came."""

    count: int
    brier: float
    buckets: tuple[Bucket, ...]

    @property
    def kept(self) -> bool:
        return all(bucket.kept for bucket in self.buckets)


def calibration(predicted: Floats, happened: Flags, chance: float = 0.05) -> Calibration:
    """Buckets 0–1, 1–5, 5–20, 20–50, 50–100 %. `ValueError` below 30 outcomes: then there is nothing to say.

    The band of a bucket is of a sum of independent events with these probabilities, exact by convolution, at `chance` over all buckets
    (each gets an equal part).
    """
    if predicted.size < FEWEST:
        raise ValueError(f"{predicted.size} outcomes: at least {FEWEST} are needed to judge a probability")
    brier = float(((predicted - happened) ** 2).mean())
    places = np.clip(np.searchsorted(BOUNDS, predicted, side="right") - 1, 0, len(BOUNDS) - 2)
    used = sorted(set(places.tolist()))
    buckets = []
    for place in used:
        inside = places == place
        fewest, most = poisson_binomial_band(predicted[inside], chance / len(used))
        buckets.append(
            Bucket(
                BOUNDS[place],
                BOUNDS[place + 1],
                int(inside.sum()),
                float(predicted[inside].sum()),
                int(happened[inside].sum()),
                fewest,
                most,
            )
        )
    return Calibration(predicted.size, brier, tuple(buckets))


def poisson_binomial_band(chances: Floats, outside: float) -> tuple[int, int]:
    """The smallest and largest count that is not among the `outside` least likely ones, half on each side."""
    cumulated = np.cumsum(_count_law(chances))
    fewest = int(np.searchsorted(cumulated, outside / 2, side="right"))
    most = int(np.searchsorted(cumulated, 1 - outside / 2, side="left"))
    return fewest, min(most, chances.size)


def _count_law(chances: Floats) -> Floats:
    """P(0), P(1), … of how many of independent events happen. By halves, large ones by Fourier (an error of about 1e-16): one by one a
    year of hours takes minutes.
    """
    if chances.size <= 1:
        return np.array([1 - chances[0], chances[0]]) if chances.size else np.ones(1)
    middle = chances.size // 2
    halves = _count_law(chances[:middle]), _count_law(chances[middle:])
    return np.convolve(*halves) if middle < SHORT else np.maximum(_convolved(*halves), 0.0)


def _convolved(one: Floats, other: Floats) -> Floats:
    """By numpy's own Fourier transform: scipy.signal would bring scipy.stats along."""
    size = one.size + other.size - 1
    length = 1 << (size - 1).bit_length()
    return np.asarray(np.fft.irfft(np.fft.rfft(one, length) * np.fft.rfft(other, length), length)[:size])
