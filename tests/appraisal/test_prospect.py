"""What may come of positions by a horizon: against closed forms, and parts that add up to the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from tests.appraisal.scene import A, B, C, chain, ground, holds, in_ether, loan, wanted
from tests.health import toy
from watcher.appraisal.appraise import Appraisal, appraise
from watcher.appraisal.held import Held
from watcher.appraisal.prospect import Horizon, Prospect
from watcher.config.chain import Group
from watcher.oracle.dollar import Rate
from watcher.risk.drive import STABLE, Depeg
from watcher.risk.scenario import Model

BLOCKS = {1: 12.0}


def told(
    positions: list[Held],
    volatility: Mapping[str, float],
    *hours: int,
    depegs: Mapping[str, Depeg] | None = None,
    scenarios: int = 4_000,
    model: Model = Model.GBM,
) -> Appraisal:
    basis = ground(positions, volatility, depegs)
    return appraise(positions, basis, wanted(*hours, scenarios=scenarios, model=model), BLOCKS)


def only(found: Appraisal, place: int = -1) -> Prospect:
    (one,) = found.horizons[place].positions
    return one


@pytest.fixture(scope="module")
def pair() -> Appraisal:
    """Health 1.25 in something of 120 % a year: an hour, a day and five."""
    return told([holds(loan(owed=128_000))], {"T1": 1.2}, 1, 24, 120, scenarios=5_000)


def test_paths_of_a_known_model_come_to_its_closed_form(pair: Appraisal) -> None:
    for place in (1, 2):
        one = only(pair, place)
        assert one.closed is not None
        assert abs(one.liquidated.value - one.closed) < 4 * one.liquidated.error
        assert one.liquidated.error > 0


def test_a_single_look_is_the_terminal_chance_and_few_looks_have_no_closed_form() -> None:
    found = told([holds(loan(owed=158_000))], {"T1": 1.2}, 1, 6, scenarios=1_000)
    first, later = (only(found, place) for place in (0, 1))
    assert first.closed is not None
    assert abs(first.liquidated.value - first.closed) < 4 * first.liquidated.error
    assert later.closed is None


def test_a_pair_in_which_both_move_goes_by_their_ratio() -> None:
    found = only(told([holds(loan(owed=128_000))], {"T1": 0.9, "T2": 0.7}, 48, scenarios=4_000))
    assert found.closed is not None
    assert abs(found.liquidated.value - found.closed) < 4 * found.liquidated.error


def test_two_collaterals_have_no_closed_form() -> None:
    two = toy.position({A: 100, B: 100, C: 100}, {A: 8_000, C: 8_000}, {A: 10**6, C: 10**6}, {B: 10**6})
    assert only(told([holds(two)], {"T1": 0.8}, 24)).closed is None


def test_the_band_of_the_oracle_lies_around_the_chance(pair: Appraisal) -> None:
    for each in pair.horizons:
        (one,) = each.positions
        assert one.sooner.value >= one.liquidated.value >= one.later.value
    assert only(pair).sooner.value > only(pair).later.value


def test_chances_only_grow_with_the_horizon(pair: Appraisal) -> None:
    chances = [one.positions[0].liquidated.value for one in pair.horizons]
    assert chances == sorted(chances)
    assert chances[-1] > chances[0]


def test_the_cost_where_there_is_one_is_a_tenth_of_half_of_the_debt_or_more(pair: Appraisal) -> None:
    """The first takes 640; what is below the line still, or again, is closed further."""
    one = only(pair)
    assert one.given is not None
    assert one.given.value >= 640 - 1
    assert one.cost.value == pytest.approx(one.given.value * one.liquidated.value, rel=1e-9)


def test_without_a_liquidation_the_mean_where_there_is_one_is_unknown(pair: Appraisal) -> None:
    one = only(pair, 0)
    assert (one.liquidated.value, one.given) == (0, None)
    assert one.cost.value == 0


def test_parts_add_up_to_the_chance_to_reach_the_line() -> None:
    """Nothing but a peg that breaks: half of the debt's worth is lost in collateral that is a stablecoin."""
    fragile = Depeg(20.0, (0.5,))
    found = only(told([holds(loan(owed=150_000))], {}, 240, depegs={"T1": fragile}, scenarios=1_000))
    assert list(found.parts) == ["price", "carry", "depeg"]
    assert (found.parts["price"].value, found.parts["carry"].value) == (0, 0)
    assert found.parts["depeg"].value == pytest.approx(1 - np.exp(-20 * 240 / 8_760), abs=0.06)
    assert found.liquidated.value == pytest.approx(sum(part.value for part in found.parts.values()))


def test_a_peg_that_no_position_holds_is_not_a_part_of_nothing(pair: Appraisal) -> None:
    assert list(only(pair).parts) == ["price", "carry"]


def test_interest_alone_takes_a_position_over() -> None:
    found = told([holds(loan(owed=159_950, rate=40))], {}, 1, 24, scenarios=50)
    assert [only(found, place).parts["carry"].value for place in (0, 1)] == [0, 1]
    assert only(found).liquidated.value == 1
    assert only(found).parts["price"].value == 0


def check_sums(each: Horizon) -> None:
    whole = each.together
    assert whole is not None
    parts = sum(part for _, part in whole.by_asset) + whole.forgiven
    assert parts == pytest.approx(whole.loss.es.value, rel=1e-9)
    assert sum(part for _, part in whole.by_position) == pytest.approx(whole.loss.es.value, rel=1e-9)


def test_the_shortfall_is_the_sum_of_assets_and_lenders_and_of_positions() -> None:
    near, far = holds(loan(owed=150_000), name="paper/near"), holds(loan(owed=90_000), name="paper/far")
    two = toy.position({A: 100_000, B: 100, C: 50_000}, {A: 8_000, C: 7_000}, {A: 50_000, C: 90_000}, {B: 5 * 10**7})
    positions = [near, far, holds(two, name="paper/two")]
    found = told(positions, {"T1": 2.5, "T3": 1.5}, 24, 72, depegs={"T2": STABLE}, scenarios=500, model=Model.STUDENT)
    for each in found.horizons:
        check_sums(each)
    whole = found.horizons[-1].together
    assert whole is not None
    assert [name for name, _ in whole.by_asset] == ["T1", "T2", "T3"]
    assert whole.forgiven <= 0
    assert found.horizons[-1].joint.any.value >= max(one.liquidated.value for one in found.horizons[-1].positions)
    assert sum(found.horizons[-1].joint.first) == pytest.approx(found.horizons[-1].joint.any.value)


def test_money_that_is_no_dollars_is_in_no_sum_and_loses_nothing_by_ether() -> None:
    """Everything in a market of ETH follows ETH: in ETH nothing is lost."""
    ether = toy.token(0x99)
    one = holds(in_ether(), chain(Group("ETH", (ether.address,))), Rate(None, reason="no feed"))
    basis = ground([one], {"ETH": 1.5})
    follows = basis.driven[one.assets[-1]].loadings
    all_ether = {asset: replace(driven, loadings=follows) for asset, driven in basis.driven.items()}
    basis = replace(basis, driven=all_ether)
    found = appraise([one], basis, wanted(48), BLOCKS)
    assert found.horizons[0].together is None
    assert only(found).loss.es.value == pytest.approx(0, abs=5)  # of 15,000 ETH: two days of interest
    assert only(found).liquidated.value == 0
    assert found.losses[48 * 3600].tolist() == [0.0] * 2_000
