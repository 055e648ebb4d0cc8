"""No position of a random isolated pool is judged otherwise than by its exact value."""

from __future__ import annotations

from random import Random

from hypothesis import given

from tests.book.test_verdict import OFTEN, SEEDS, assert_judged
from tests.book.venus_isolated_market import venus_isolated_world


@OFTEN
@given(seed=SEEDS)
def test_a_position_in_an_isolated_pool_is_judged_as_by_its_exact_value(seed: int) -> None:
    random = Random(seed)
    assert_judged(venus_isolated_world(random, 6), random)
