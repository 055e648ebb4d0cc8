"""The surface is the position revalued at every pair of prices, and its line is where that is one."""

from __future__ import annotations

import numpy as np
import pytest

from watcher.risk.exposure import Exposure, exposure
from watcher.risk.margin import margin
from watcher.risk.surface import HIGHEST, LOWEST, Surface, surface

R29 = exposure([("ETH", 20_000, 8_000, 0.83, 0.8), ("USDC", 5_000, 6_000, 0.78, 0.75)])
R30 = exposure([("USDC", 20_000, 0, 0.78, 0.75), ("ETH", 0, 10_000, 0.83, 0.8)])
MANY = exposure(
    [
        ("WBTC", 3_000, 0, 0.75, 0.7),
        ("ETH", 20_000, 1_000, 0.83, 0.8),
        ("DAI", 500, 0, 0.0, 0.0),
        ("USDC", 0, 9_000, 0.78, 0.75),
    ]
)


def made(of: Exposure) -> Surface:
    found = surface(of)
    assert found is not None
    return found


def moved(of: Exposure, found: Surface, x: float, y: float) -> float:
    """Its health, revalued whole at these factors."""
    factors = np.ones(len(of.assets))
    factors[found.across], factors[found.up] = x, y
    health = margin(of.at(factors)).health
    assert health is not None
    return health


@pytest.mark.parametrize("of", [R29, R30, MANY])
def test_every_point_is_the_position_revalued_at_those_prices(of: Exposure) -> None:
    found = made(of)
    whole = [[moved(of, found, x, y) for x in found.factors] for y in found.factors]
    np.testing.assert_allclose(found.health, whole, rtol=1e-12)


@pytest.mark.parametrize("of", [R29, R30, MANY])
def test_at_the_present_prices_it_is_the_present_health(of: Exposure) -> None:
    found = made(of)
    today = int(np.argmin(np.abs(found.factors - 1)))
    assert found.factors[today] == pytest.approx(1, abs=1e-12)
    assert found.health[today, today] == pytest.approx(margin(of).health)


def test_the_two_assets_are_those_that_move_the_margin_most() -> None:
    found = made(MANY)
    assert (MANY.assets[found.across], MANY.assets[found.up]) == ("ETH", "USDC")


@pytest.mark.parametrize("of", [R29, R30, MANY])
def test_all_along_the_line_health_is_one_and_it_ends_at_the_edges(of: Exposure) -> None:
    found = made(of)
    assert found.line is not None
    (x, y), (u, v) = found.line
    for part in np.linspace(0, 1, 11):
        assert moved(of, found, x + part * (u - x), y + part * (v - y)) == pytest.approx(1, rel=1e-12)
    for corner in found.line:
        assert any(abs(one - edge) < 1e-12 for one in corner for edge in (LOWEST, HIGHEST))


def test_r29_the_line_meets_todays_dollar_at_488_of_2000() -> None:
    found = made(R29)
    assert found.line is not None
    (x, y), (u, v) = found.line
    at_par = x + (1 - y) / (v - y) * (u - x)
    assert 2000 * at_par == pytest.approx(488.372093, rel=1e-8)


def test_r30_what_is_owed_reaches_the_line_by_rising_to_3120() -> None:
    found = made(R30)
    assert R30.assets[found.across] == "USDC"
    assert found.line is not None
    (x, y), (u, v) = found.line
    at_par = y + (1 - x) / (u - x) * (v - y)
    assert 2000 * at_par == pytest.approx(3120, rel=1e-9)


def test_what_no_pair_of_prices_liquidates_has_no_line() -> None:
    found = made(exposure([("ETH", 1e6, 0, 0.8, 0.7), ("USDC", 0, 1, 0.78, 0.75)]))
    assert found.line is None
    assert found.health.min() > 1


def test_under_water_at_every_pair_there_is_no_line_either() -> None:
    found = made(exposure([("ETH", 1, 0, 0.8, 0.7), ("USDC", 0, 1e6, 0.78, 0.75)]))
    assert found.line is None
    assert found.health.max() < 1


@pytest.mark.parametrize(
    "of",
    [
        exposure([("ETH", 100, 40, 0.8, 0.7)]),
        exposure([("ETH", 100, 40, 0.8, 0.7), ("DAI", 50, 0, 0.0, 0.0)]),
        exposure([("ETH", 100, 0, 0.8, 0.7), ("USDC", 50, 0, 0.78, 0.75)]),
        exposure([("USDC", 0, 10, 0.78, 0.75)]),
    ],
)
def test_there_is_no_surface_of_one_asset_or_of_no_debt(of: Exposure) -> None:
    assert surface(of) is None
