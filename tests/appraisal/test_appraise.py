"""Whole reports: the same again to the digit, and what is missing named while the others go on."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from tests.appraisal.scene import A, B, C, chain, ground, holds, in_ether, loan, wanted
from tests.health import toy
from watcher.appraisal.appraise import Appraisal, appraise
from watcher.appraisal.asked import asked
from watcher.appraisal.depth import Depth
from watcher.appraisal.held import Held
from watcher.config.risk import DAY, HOUR, Risk
from watcher.errors import Overflow
from watcher.risk.drive import STABLE
from watcher.risk.scenario import Model

BLOCKS = {1: 12.0, 2: 2.0}
MOVES = {"T1": 1.5, "T3": 1.0}


def report(*positions: Held, model: Model = Model.FHS, seed: int = 1, lost: dict[str, str] | None = None) -> Appraisal:
    basis = ground(positions, MOVES, {"T2": STABLE}, lost)
    return appraise(positions, basis, wanted(1, 24, scenarios=150, seed=seed, model=model), BLOCKS)


def spelled(value: Any) -> Any:
    """Everything in it but what it was made from, to the last digit."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: spelled(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [spelled(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: spelled(getattr(value, one.name)) for one in fields(value) if one.name not in ("basis", "held")
        }
    return value


def near() -> Held:
    return holds(loan(owed=152_000), name="paper/near")


def other() -> Held:
    return holds(toy.position({C: 100, B: 100}, {C: 7_000}, {C: 10**7}, {B: 66 * 10**5}), name="paper/other")


@pytest.mark.parametrize("model", list(Model))
def test_the_same_twice_is_the_same_to_the_last_digit(model: Model) -> None:
    one, two = (report(near(), other(), model=model) for _ in range(2))
    assert spelled(one) == spelled(two)
    assert spelled(one) != spelled(report(near(), other(), model=model, seed=2))


def test_somebody_elses_position_beside_it_changes_no_chance_of_it() -> None:
    """The same paths for the same assets, whatever else stands on them."""
    alone = report(near(), holds(loan(owed=80_000), name="paper/calm"))
    first = report(holds(loan(owed=80_000), name="paper/calm"), near())
    by_name = [{one.name: one for one in found.horizons[-1].positions} for found in (alone, first)]
    assert by_name[0] == by_name[1]


def test_chains_keep_their_own_block_times() -> None:
    there = holds(loan(owed=152_000), chain(id=2, name="other"), name="other/near")
    found = report(near(), there)
    assert [one.name for one in found.horizons[-1].positions] == ["paper/near", "other/near"]
    assert not found.lost


def test_who_owes_nothing_and_who_has_only_debt_are_named_and_the_others_go_on() -> None:
    saver = holds(toy.position({A: 100}, {A: 8_000}, {A: 50_000}, {}), name="paper/saver")
    bare = holds(toy.position({B: 100}, {}, {}, {B: 50_000}), name="paper/bare")
    found = report(saver, bare, near())
    assert [one.held.name for one in found.standings] == ["paper/saver", "paper/bare", "paper/near"]
    assert [one.name for one in found.held] == ["paper/near"]
    assert any(line.startswith("paper/saver: nothing is owed") for line in found.lost)
    assert any(line.startswith("paper/bare: there is only debt") for line in found.lost)
    assert found.unknown  # the debt


def test_an_asset_without_a_price_loses_its_position_and_no_other() -> None:
    found = report(near(), other(), lost={"T3": "T3 has no stored past"})
    assert [one.name for one in found.held] == ["paper/near"]
    of_it, why = found.lost
    assert of_it.startswith("paper/other: no usable past of T3")
    assert why == "T3 has no stored past"
    assert found.unknown
    assert [one.distance is None for one in found.standings] == [False, True]
    assert [one.margin.health is None for one in found.standings] == [False, False]


def test_with_nothing_that_can_be_simulated_there_are_margins_and_no_horizon() -> None:
    found = report(near(), lost={"T1": "no past"})
    assert (found.horizons, found.structures, found.fans, dict(found.losses)) == ((), (), (), {})
    assert found.standings[0].margin.health == pytest.approx(16_000 / 15_200)


def test_health_under_one_already_is_a_liquidation_in_every_scenario() -> None:
    found = report(holds(loan(price=115_000)))  # 9,200 of 10,000
    first = found.horizons[0].positions[0]
    assert (first.liquidated.value, first.closed) == (1, 1)
    assert first.parts["price"].value == 1


def test_an_absurd_answer_spoils_its_own_position_alone() -> None:
    def broken(*_: object) -> Any:
        raise Overflow("2**300")

    position = loan()
    spoilt = replace(position, adapter=replace(position.adapter, prices=broken))
    found = report(holds(spoilt, name="paper/spoilt"), near())
    assert [one.name for one in found.held] == ["paper/near"]
    assert (found.unread, found.unknown) == (1, True)
    assert found.lost == ("paper/spoilt: 2**300; no figure of it is shown",)


def test_what_no_figure_contains_is_said() -> None:
    without = report(near())
    assert any(line.startswith("slippage") for line in without.excluded)
    basis = ground([near()], MOVES)
    depth = Depth({"t1": ((100.0, 0.2),)})
    found = appraise([one := near()], basis, wanted(24, scenarios=100), BLOCKS, depth)
    assert one in found.held
    assert not any(line.startswith("slippage") for line in found.excluded)
    assert "T1: sales above 100 dollars, the table's last; losses are at least this" in found.notes
    sold, bare = (
        one.horizons[-1].positions[0] for one in (found, appraise([near()], basis, wanted(24, scenarios=100), BLOCKS))
    )
    assert sold.slippage.value > 0
    assert sold.cost.value == pytest.approx(bare.cost.value + sold.slippage.value)
    assert sold.loss.mean.value == pytest.approx(bare.loss.mean.value + sold.slippage.value)


def test_what_is_not_among_the_structures_is_named() -> None:
    stuck = toy.position({A: 100, B: 100}, {A: 8_000}, {A: 10**6}, {A: 10**5, B: 70_000 * 10})
    found = report(holds(stuck, name="paper/stuck"), near())
    assert [one.name for one in found.structures] == ["as they are", "one cross pool", "isolated markets"]
    assert found.structures[0].pools == sum(one.at_line is not None for one in found.standings)


def test_nothing_held_is_nothing_to_say() -> None:
    found = appraise([], ground([], {}), wanted(1), BLOCKS)
    assert (found.standings, found.horizons, found.unknown) == ((), (), False)


def test_a_reaction_time_is_a_horizon_of_whole_hours() -> None:
    found = asked(Risk(reaction=5_400), (HOUR, DAY))
    assert (found.horizons, found.reaction, found.marks) == ((HOUR, 2 * HOUR, DAY), 2 * HOUR, (1, 2, 24))
    assert asked(Risk(reaction=DAY), (HOUR, DAY)).horizons == (HOUR, DAY)
    assert asked(Risk(), (HOUR,)).reaction is None


def test_every_simulated_hour_is_told() -> None:
    heard: list[str] = []
    positions = [near()]
    appraise(positions, ground(positions, MOVES), wanted(1, 24, scenarios=10), BLOCKS, step=heard.append)
    assert len(heard) == 24


def test_a_market_in_ether_that_nobody_declared_is_lost_with_the_reason() -> None:
    found = report(holds(in_ether(), name="paper/eth"), near())
    assert "no group of that name" in found.lost[0]
