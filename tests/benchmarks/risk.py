"""A market's tails against the bare matrix product, chances of one pair against path by path, and what the large run weighs."""

from __future__ import annotations

import os
import resource
from functools import partial
from multiprocessing import get_context
from unittest.mock import patch

import numpy as np

from tests.benchmarks.row import Row, best, faster
from watcher.risk.crowd import BLOCK, Crowd, Singles, horizon, pair_chances
from watcher.risk.exposure import Floats

ACCOUNTS, SCENARIOS, TOKENS, HOURS = 100_000, 10_000, 15, 168
PIECE, ROUNDS, SAMPLE = 10_000, 3, 30
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def rows() -> list[Row]:
    """CPU time. The product has one thread on both sides, or one thread's waiting for the other would count as work."""
    with patch.dict(os.environ, ONE_THREAD), get_context("spawn").Pool(1) as pool:
        return [*pool.apply(_market), pool.apply(_pairs)]


def _market() -> list[Row]:
    """In a process of its own, so that nothing but the run is in its peak."""
    idle = _peak()
    crowd, factors = market(ACCOUNTS), scenarios()
    _tails(crowd, factors)
    weight = (_peak() - idle) / 1e6
    ours = theirs = 0.0
    for start in range(0, ACCOUNTS, PIECE):
        piece = Crowd(crowd.net[start : start + PIECE], crowd.equity[start : start + PIECE])
        works = partial(_tails, piece, factors), partial(_product, piece, factors)
        taken = [tuple(best(1, work) for work in works) for _ in range(ROUNDS)]
        tails, product = (min(column) for column in zip(*taken, strict=True))
        ours, theirs = ours + tails, theirs + product
    size = f"{ACCOUNTS:,} accounts × {SCENARIOS:,} scenarios × {TOKENS} assets"
    return [
        Row(f"{size}, over the bare product", "CPU s", ours, theirs, ours / theirs, 12, at_most=True),
        Row("the same, peak over idle", "MB resident", weight, 1_500, weight, 1_500, at_most=True),
    ]


def market(accounts: int, seed: int = 1) -> Crowd:
    """Three collaterals on average and one debt each, at a health of 0.99 and more."""
    random = np.random.default_rng(seed)
    held = random.random((accounts, TOKENS), np.float32) * (random.random((accounts, TOKENS), np.float32) < 0.2)
    owed = np.zeros_like(held)
    places = np.arange(accounts), random.integers(0, TOKENS, accounts)
    owed[places] = 0.8 * held.sum(axis=1) / (0.99 + random.exponential(0.5, accounts))
    return Crowd(np.float32(0.8) * held - owed, held - owed)


def scenarios(seed: int = 2) -> Singles:
    return np.exp(0.05 * np.random.default_rng(seed).standard_normal((TOKENS, SCENARIOS))).astype(np.float32)


def _tails(crowd: Crowd, factors: Singles) -> None:
    """Equity lost, liquidated share, VaR and ES of every account."""
    seen = sum(found.es.size for _, found in horizon(crowd, factors))
    assert seen == len(crowd)


def _product(crowd: Crowd, factors: Singles) -> None:
    """As many accounts at once as ours: larger blocks leave the cache and take longer."""
    room = np.empty((BLOCK, SCENARIOS), dtype=np.float32)
    for start in range(0, len(crowd), BLOCK):
        block = crowd.net[start : start + BLOCK]
        np.dot(block, factors, out=room[: len(block)])


def _pairs() -> Row:
    """Ours begins with the running minimum of every path; theirs is a comparison of every hour of every path per account."""
    random = np.random.default_rng(3)
    walks = (0.01 * random.standard_normal((SCENARIOS, HOURS), np.float32)).cumsum(axis=1, dtype=np.float32)
    cushions = np.log(random.uniform(1.0, 2.0, ACCOUNTS)).astype(np.float32).astype(np.float64)
    some = cushions[:SAMPLE]
    assert np.array_equal(_path_by_path(some, walks), pair_chances(some, walks.min(axis=1)))
    ours = min(best(1, lambda: pair_chances(cushions, walks.min(axis=1))) for _ in range(10))
    theirs = min(best(1, partial(_path_by_path, some, walks)) for _ in range(ROUNDS)) * ACCOUNTS / SAMPLE
    name = f"chances of {ACCOUNTS:,} accounts of one pair, theirs from {SAMPLE}"
    return faster(name, "CPU ms", ours * 1e3, theirs * 1e3, 1_000)


def _path_by_path(cushions: Floats, walks: Singles) -> Floats:
    return np.array([(walks < -cushion).any(axis=1).mean() for cushion in cushions.astype(np.float32)])


def _peak() -> float:
    """The most bytes that were ever resident since this program began; `ru_maxrss` would count the one that started it."""
    try:
        with open("/proc/self/status") as file:  # noqa: PTH123 - a file of the system
            return next(float(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
