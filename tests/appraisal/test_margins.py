"""Where a position stands without a scenario: its margin, the line, the liquidation there, and what moves it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.appraisal.scene import A, B, C, ground, holds, in_ether, loan, on_morpho
from tests.health import toy
from watcher.appraisal.margins import owner, spread, standing
from watcher.oracle.dollar import Rate


def test_the_figures_of_ten_ether_against_ten_thousand_dollars() -> None:
    """20,000 at 80 % against 10,000, half of which is closed for a tenth more."""
    found = standing(holds(loan()))
    assert (found.margin.equity, found.margin.maintenance, found.margin.excess) == pytest.approx((10_000, 4_000, 6_000))
    assert found.margin.health == pytest.approx(1.6)
    assert found.fall == pytest.approx(0.375, abs=1e-4)
    assert found.breaking == pytest.approx((0.625, 1.6))
    assert found.at_line is not None
    assert (found.at_line.repaid, found.at_line.bonus) == pytest.approx((0.5, 0.1), rel=1e-3)
    assert found.toxic == pytest.approx(1 / 1.1, rel=1e-3)
    assert found.slippage == pytest.approx(0.1 / 1.1, rel=1e-3)


def test_who_owes_nothing_has_no_line() -> None:
    found = standing(holds(toy.position({A: 100}, {A: 8_000}, {A: 50_000}, {})))
    assert (found.fall, found.breaking, found.sensitivities, found.at_line) == (None, (None,), None, None)
    assert found.margin.health is None
    assert found.toxic is None


def test_who_has_only_debt_has_nothing_that_could_fall() -> None:
    found = standing(holds(toy.position({B: 100}, {}, {}, {B: 50_000})))
    assert (found.margin.equity, found.margin.health) == (-5, 0)
    assert found.at_line is None
    assert found.margin.leverage is None


def test_below_the_line_already_the_liquidation_is_the_present_one() -> None:
    found = standing(holds(loan(price=120_000)))
    assert found.fall == 0
    assert found.margin.health == pytest.approx(0.96)
    assert found.at_line is not None
    assert found.at_line.repaid == pytest.approx(0.5, rel=1e-3)
    basis = ground([found.held], {"T1": 0.8})
    far = spread(found, basis).distance
    assert far is not None
    assert far.sigmas < 0


def test_collateral_that_is_owed_too_may_never_reach_the_line() -> None:
    """50,000 of A at 80 % against 30,000 of A: both fall together."""
    found = standing(holds(toy.position({A: 100}, {A: 8_000}, {A: 50_000}, {A: 30_000})))
    assert found.fall is None
    assert found.breaking == (None,)
    assert found.at_line is None


def test_the_fall_takes_a_debt_of_the_same_asset_along_and_the_price_alone_does_too() -> None:
    """R29 in small: 10 A and 5,000 B (78 %) against 4 A and 6,000 B, A at 2,000."""
    found = standing(
        holds(
            toy.position(
                {A: 200_000, B: 100},
                {A: 8_300, B: 7_800},
                {A: 100_000, B: 50_000_000},
                {A: 40_000, B: 60_000_000},
            )
        )
    )
    assert found.margin.health == pytest.approx(1.4642857)
    assert found.breaking[0] == pytest.approx(488.372093 / 2_000)


def test_what_hangs_on_prices_follows_by_betas_and_is_missing_without_them() -> None:
    """A collateral C that does half of what A does: with both at 80 % against dollars."""
    one = holds(toy.position({A: 100, B: 100, C: 100}, {A: 8_000, C: 8_000}, {A: 10**6, C: 10**6}, {B: 10**6}))
    bare = standing(one)
    missing = spread(bare, ground([one], {"T1": 0.8}, lost={"T3": "no past"}))
    assert (missing.betas, missing.basket, missing.distance) == (None, None, None)
    basis = ground([one], {"T1": 0.8, "T3": 0.4})
    known = spread(bare, replace(basis, factors=(basis.factors[0], replace(basis.factors[1], beta=0.5))))
    assert known.betas is not None
    assert known.betas.tolist() == [1, 0.5, 0]  # A, C, B
    assert known.basket == pytest.approx(-60 / 120)  # 160 weighted against 100: −60 = s · (80 + 40)
    assert known.crisis == pytest.approx(-60 / 128)  # what is neither 0 nor 1 is 1.2 times that
    far = known.distance
    assert far is not None
    assert far.sigmas == pytest.approx(60 / (80 * np.hypot(0.8, 0.4) / np.sqrt(365)), rel=0.02)
    reached = 80 * np.exp(far.breach[0]) + 80 * np.exp(far.breach[1]) - 100 * np.exp(far.breach[2])
    assert reached == pytest.approx(0, abs=1e-9)


def test_the_line_of_a_loan_in_its_own_money_is_a_ratio() -> None:
    found = standing(holds(on_morpho(20_000)))
    assert found.fall == pytest.approx(1 - 20_000 / 21_500, abs=1e-5)
    assert found.at_line is not None
    assert found.at_line.repaid == pytest.approx(1, rel=1e-6)
    assert found.at_line.bonus == pytest.approx(1 / (1 - 0.3 * 0.14) - 1, rel=1e-5)  # R39: 1.043841


def test_an_owners_sums_are_of_what_has_a_price_and_name_the_rest() -> None:
    one, other = standing(holds(loan())), standing(holds(loan(owed=50_000)))
    nobody = standing(holds(in_ether(), rate=Rate(None, reason="no feed"), name="paper/eth"))
    found = owner([one, other, nobody])
    assert (found.equity, found.maintenance, found.debt) == pytest.approx((25_000, 8_000, 15_000))
    assert found.leverage == pytest.approx(40_000 / 25_000)
    assert found.missing == ("paper/eth: no feed",)


def test_what_a_point_of_yearly_rate_does_over_a_year_is_the_slope_of_health() -> None:
    """Collateral that earned 1e-6 more for a year, debt that paid 1e-6 more."""
    found = standing(holds(loan()))
    assert found.sensitivities is not None
    small = 1e-6
    earned = 16_000 * (1 + small) / 10_000 - 1.6
    paid = 16_000 / (10_000 * (1 + small)) - 1.6
    assert found.sensitivities.health_earned.sum() == pytest.approx(earned / small, rel=1e-5)
    assert found.sensitivities.health_paid.sum() == pytest.approx(paid / small, rel=1e-5)
    price = 16_000 * 1.01 / 10_000 - 1.6
    assert found.sensitivities.health[0] == pytest.approx(price / 0.01, rel=1e-9)
    assert found.sensitivities.health_threshold[0] == pytest.approx((20_000 * 0.81 - 16_000) / 10_000 / 0.01, rel=1e-9)
