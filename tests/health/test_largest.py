from __future__ import annotations

from tests.health.toy import ONE, A, B, C, position
from watcher.adapter import Liquidation, Refusal
from watcher.health.largest import largest


def test_the_pair_that_repays_the_most_value_is_found() -> None:
    # half of 600.00 B, or half of 300.00 C; A is worth 1,000.00 and pays for either
    toy = position({A: 10_000, B: 100, C: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 600 * ONE, C: 300 * ONE})
    found = largest(toy)
    assert isinstance(found, Liquidation)
    assert (found.debt, found.collateral, found.repay, found.seize) == (B, A, 300 * ONE, 33_000)


def test_scarce_collateral_gives_way_to_plentiful() -> None:
    toy = position({A: 100, B: 100, C: 100}, {A: 8_000, C: 8_000}, {A: ONE, C: 100 * ONE}, {B: 90 * ONE})
    found = largest(toy)
    assert isinstance(found, Liquidation)
    assert (found.collateral, found.repay) == (C, 45 * ONE)


def test_a_position_above_the_line_is_refused_as_the_contract_does() -> None:
    toy = position({A: 100, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: ONE})
    assert largest(toy) == Refusal("HEALTH_FACTOR_NOT_BELOW_THRESHOLD")


def test_nothing_owed_and_nothing_to_seize_are_said() -> None:
    assert largest(position({A: 100}, {A: 8_000}, {A: ONE}, {})) == Refusal("nothing is owed")
    assert largest(position({B: 100}, {}, {}, {B: ONE})) == Refusal("there is no collateral to seize")
