"""Means, VaR and ES out of scenarios: their errors are what another seed would really change."""

from __future__ import annotations

import numpy as np
import pytest

from watcher.appraisal.estimate import ES_LEVEL, VAR_LEVEL, loss, mean
from watcher.risk.exposure import Floats
from watcher.risk.tail import student_tail, tail

SCENARIOS, REPORTS = 2_000, 300


@pytest.fixture(scope="module")
def drawn() -> Floats:
    """As many reports of losses by Student's t with four degrees of freedom."""
    return np.random.default_rng(7).standard_t(4, (REPORTS, SCENARIOS))


def test_the_interval_of_var_covers_the_truth_as_often_as_said(drawn: Floats) -> None:
    true = student_tail(VAR_LEVEL, 4).var
    found = [loss(one) for one in drawn]
    covered = np.mean([one.var_low <= true <= one.var_high for one in found])
    assert 0.91 <= covered <= 0.985  # 95 % of 300: ±3 standard errors, and ranks are whole numbers
    assert all(one.var_low <= one.var <= one.var_high for one in found)


def test_errors_are_the_spread_between_reports(drawn: Floats) -> None:
    found = [loss(one) for one in drawn]
    assert np.median([one.es.error for one in found]) == pytest.approx(np.std([one.es.value for one in found]), rel=0.2)
    assert np.median([one.mean.error for one in found]) == pytest.approx(
        np.std([one.mean.value for one in found]), rel=0.15
    )
    assert np.median([one.var_error for one in found]) == pytest.approx(np.std([one.var for one in found]), rel=0.2)
    assert np.mean([one.es.value for one in found]) == pytest.approx(student_tail(ES_LEVEL, 4).es, rel=0.02)


def test_es_is_no_less_than_var_at_its_own_level(drawn: Floats) -> None:
    for one in drawn[:20]:
        assert loss(one).es.value >= tail(one, ES_LEVEL).var


def test_scenarios_that_all_lose_the_same_leave_no_doubt() -> None:
    found = loss(np.full(1_000, 7.0))
    assert (found.mean.value, found.var, found.var_low, found.var_high, found.es.value) == (7, 7, 7, 7, 7)
    assert (found.mean.error, found.es.error) == (0, 0)


def test_of_fewer_than_two_there_is_no_error_to_tell() -> None:
    assert mean(np.array([])) is None
    assert mean(np.array([1.0])) is None
    with pytest.raises(ValueError, match="fewer than two"):
        loss(np.array([1.0]))
