"""The same held in other ways: as it is, as one cross pool, split into isolated markets (cases 28 and 31 of the reference)."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.appraisal.scene import pool
from watcher.appraisal.closing import Typical
from watcher.appraisal.structure import crossed, proportional, side_by_side, split
from watcher.risk.drive import Prices
from watcher.risk.owner import Pool

HOUR = 3600
RULE = Typical(0.5, 0.05, 0.05)
# 10 ETH at 2,000 (83 %), 0.2 BTC at 60,000 (78 %), dollars
ETHER = pool([20_000, 0, 0], [0, 0, 15_000], [0.83, 0, 0])
BITCOIN = pool([0, 12_000, 0], [0, 0, 3_000], [0, 0.78, 0])
CROSS = pool([20_000, 12_000, 0], [0, 0, 18_000], [0.83, 0.78, 0])


def health(one: Pool) -> float:
    return float(one.threshold @ one.collateral) / float(one.debt.sum())


def walk(*levels: tuple[float, float, float]) -> Iterator[Prices]:
    """Twice the same, so that there is a mean."""
    for level in levels:
        at = np.array([level, level])
        yield Prices(at, at, at)


def test_case_31_what_is_isolated_and_the_same_across() -> None:
    found = side_by_side([ETHER, BITCOIN], [RULE, RULE], lambda: walk((0, 0, 0)), 2, HOUR)
    as_they_are, cross, apart = found
    assert as_they_are.health == pytest.approx((1.106667, 3.12), rel=1e-6)
    assert cross.health == pytest.approx((1.4422222,), rel=1e-7)  # case 28
    assert apart.health == pytest.approx((1.106667, 3.12), rel=1e-6)
    assert [one.pools for one in found] == [2, 1, 2]


def test_a_cross_pool_split_keeps_its_health_in_every_part_and_its_sums() -> None:
    parts = split(CROSS)
    assert [health(one) for one in parts] == pytest.approx([1.4422222] * 2, rel=1e-7)
    assert sum(one.collateral for one in parts) == pytest.approx(CROSS.collateral)
    assert sum(one.debt for one in parts) == pytest.approx(CROSS.debt)


AMOUNTS = st.lists(st.floats(0, 1e6), min_size=4, max_size=4)


@given(AMOUNTS, AMOUNTS, st.lists(st.floats(0, 1), min_size=4, max_size=4))
@settings(deadline=None)
def test_splitting_keeps_sums_and_health(held: list[float], owed: list[float], thresholds: list[float]) -> None:
    held, owed = ([0.0 if value < 1e-3 else value for value in side] for side in (held, owed))
    thresholds = [0.0 if value < 1e-3 else value for value in thresholds]
    whole = pool(held, owed, thresholds)
    if not (whole.threshold @ whole.collateral and whole.debt.sum()):
        return
    parts = split(whole)
    assert sum(one.collateral for one in parts) == pytest.approx(whole.collateral)
    assert sum(one.debt for one in parts) == pytest.approx(whole.debt)
    for one in parts:
        assert np.count_nonzero(one.debt) <= 1
        if one.debt.any():
            assert health(one) == pytest.approx(health(whole), rel=1e-9)
    assert health(crossed(parts)) == pytest.approx(health(whole), rel=1e-9)


def test_who_owes_nothing_is_kept_beside() -> None:
    idle = pool([0, 9_000, 0], [0, 0, 0], [0, 0.78, 0])
    found = side_by_side([ETHER, idle], [RULE, RULE], lambda: walk((0, 0, 0)), 2, HOUR)
    assert found[0].health[1] is None
    assert crossed([ETHER, idle]).equity == pytest.approx(14_000)


def test_isolation_costs_a_liquidation_that_the_other_collateral_would_have_spared() -> None:
    """ETH at 85 %: the isolated loan is at 0.94, across 1.28."""
    paths = lambda: walk((log(0.85), 0, 0))  # noqa: E731 - the same path three times
    as_they_are, cross, apart = side_by_side([ETHER, BITCOIN], [RULE, RULE], paths, 2, HOUR)
    assert (as_they_are.liquidated.value, cross.liquidated.value, apart.liquidated.value) == (1, 0, 1)
    assert as_they_are.given is not None
    assert as_they_are.given.value == pytest.approx(7_500 * 0.05)
    assert cross.given is None
    assert cross.loss.mean.value == pytest.approx(3_000)
    assert as_they_are.loss.mean.value == pytest.approx(3_000 + 375)


def test_the_rule_takes_its_bonus_and_no_more_than_there_is() -> None:
    close = proportional([ETHER], [RULE])
    half = close(0, np.array([0.85, 1, 1]), 0.0)
    assert half is not None
    assert half.repaid.tolist() == pytest.approx([0.5] * 3)
    assert half.seized[0] == pytest.approx(7_500 * 1.05 / 17_000)
    deep = close(0, np.array([0.3, 1, 1]), 0.0)
    assert deep is not None
    assert deep.seized[0] == pytest.approx(1)
    assert deep.repaid[2] == pytest.approx(6_000 / 1.05 / 15_000)


def test_rules_across_pools_are_their_mean_by_debt() -> None:
    """15,000 at 5 % and 3,000 at 11 %: 6 % across."""
    paths = lambda: walk((log(0.65), log(0.65), 0))  # noqa: E731 - the same path three times
    found = side_by_side([ETHER, BITCOIN], [RULE, Typical(0.5, 0.11, 0.11)], paths, 2, HOUR)
    assert found[1].given is not None
    assert found[1].given.value == pytest.approx(9_000 * 0.06)


def test_no_structure_loses_more_than_there_is() -> None:
    paths = lambda: walk((log(0.3), log(0.3), 0))  # noqa: E731 - the same path three times
    for one in side_by_side([ETHER, BITCOIN], [RULE, RULE], paths, 2, HOUR):
        assert one.loss.mean.value <= 14_000 + 1e-6
    cross = side_by_side([ETHER, BITCOIN], [RULE, RULE], paths, 2, HOUR)[1]
    assert cross.loss.mean.value == pytest.approx(14_000)  # 32,000 · 0.3 does not pay 18,000
