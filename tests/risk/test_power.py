"""What so many forecasts can tell, against plain simulation of whole samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watcher.risk.backtest import christoffersen, kupiec, transitions, z2
from watcher.risk.power import Check, yardstick
from watcher.risk.tail import student_tail


@pytest.mark.parametrize(("count", "value"), [(365, -0.64), (500, -0.52), (1000, -0.37), (1493, -0.30)])
def test_critical_values_shrink_with_the_length(count: int, value: float) -> None:
    """Against values simulated elsewhere, of Student's t with four degrees of freedom."""
    found = yardstick(count, 3).critical
    assert found.value == pytest.approx(value, abs=0.025)
    assert 0 < found.error < 0.02


def test_the_same_seed_gives_the_same_digits_and_another_others() -> None:
    assert yardstick(100, 7) == yardstick(100, 7)
    assert yardstick(100, 7).critical != yardstick(100, 8).critical


def test_few_forecasts_tell_nothing_and_many_everything() -> None:
    assert set(yardstick(40, 1).powerless) == set(Check)
    assert yardstick(2500, 1).powerless == ()


def test_power_is_how_often_a_wrong_model_is_noticed() -> None:
    """At 1,000 forecasts, drawn return by return: losses a quarter larger, and exceptions that come in clusters."""
    random = np.random.default_rng(5)
    far, near = student_tail(0.99, 4), student_tail(0.975, 4)
    ones = np.ones(1000)
    returns = 1.25 * random.standard_t(4, (400, 1000))
    scores = [z2(row, near.var * ones, near.es * ones, 0.975) for row in returns]
    found = yardstick(1000, 1)
    too_many = np.mean([kupiec(1000, int((row < -far.var).sum()), 0.01).rejects() for row in returns])
    too_bad = np.mean(np.array(scores) < found.critical.value)
    clusters = np.mean([christoffersen(*transitions(clustered(random))).rejects() for _ in range(400)])
    powers = {Check.KUPIEC: too_many, Check.Z2: too_bad, Check.CHRISTOFFERSEN: clusters}
    for check, power in powers.items():
        assert found.power[check] == pytest.approx(power, abs=4 * 0.5 * np.sqrt(1 / 400 + 1 / 1000))
        assert (check in found.powerless) == (found.power[check] < 0.5)


def clustered(random: np.random.Generator) -> list[bool]:
    """1 % exceptions, of which one in ten comes right after another."""
    struck, told = False, []
    for chance in random.random(1000):
        struck = bool(chance < (0.1 if struck else 0.01 * 0.9 / 0.99))
        told.append(struck)
    assert stats.binom.sf(sum(told), 1000, 0.01) > 1e-6
    return told
