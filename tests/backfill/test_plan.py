"""What is read at which block: the grid, the moves, and nothing that is stored or that still holds."""

from __future__ import annotations

from watcher.backfill.plan import Course, Part, Step, plan
from watcher.model import Market, PositionKey

POOL = Market(1, "aave_v3", "testnet/aave-v3/core", "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2")  # type: ignore[arg-type]
BLUE = Market(1, "morpho_blue", "testnet/morpho-blue/0x11", "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb")  # type: ignore[arg-type]
ALICE, BOB = (PositionKey(POOL.name, bytes([n]) * 20) for n in (1, 2))
IN_BLUE = PositionKey(BLUE.name, ALICE.key)


def test_a_holding_is_read_once_and_where_it_moves_and_holds_in_between() -> None:
    course = Course(POOL, frozenset({ALICE}), 100, {125: frozenset({ALICE})})
    found = plan([course], [100, 110, 120, 130], ())
    fresh = {step.number: part.fresh for step in found.steps for part in step.parts}
    assert fresh == {100: (ALICE,), 110: (), 120: (), 125: (ALICE,), 130: ()}
    assert found.readings == 5


def test_a_position_is_not_there_before_its_first_move() -> None:
    course = Course(POOL, frozenset({ALICE}), 100, {115: frozenset({BOB})})
    found = plan([course], [100, 110, 120], ())
    assert [(step.number, step.parts[0].present) for step in found.steps] == [
        (100, (ALICE,)),
        (110, (ALICE,)),
        (115, (ALICE, BOB)),
        (120, (ALICE, BOB)),
    ]


def test_a_move_is_read_in_its_own_market_alone() -> None:
    pool = Course(POOL, frozenset({ALICE}), 100, {105: frozenset({ALICE})})
    blue = Course(BLUE, frozenset({IN_BLUE}), 100, {})
    found = plan([pool, blue], [100], ())
    assert [[part.market for part in step.parts] for step in found.steps] == [[POOL, BLUE], [POOL]]


def test_what_is_stored_is_left_out_and_the_next_reading_begins_with_the_holding() -> None:
    course = Course(POOL, frozenset({ALICE}), 100, {105: frozenset({ALICE})})
    found = plan([course], [100, 110, 120], {(ALICE, 100), (ALICE, 105)})
    assert found.steps == (Step(110, (Part(POOL, (ALICE,), (ALICE,)),)), Step(120, (Part(POOL, (ALICE,), ()),)))
    assert found.stored == 2


def test_a_move_at_a_stored_block_is_not_forgotten_by_what_was_read_before_it() -> None:
    course = Course(POOL, frozenset({ALICE}), 100, {105: frozenset({ALICE})})
    found = plan([course], [100, 110], {(ALICE, 105)})
    assert [(step.number, step.parts[0].fresh) for step in found.steps] == [(100, (ALICE,)), (110, (ALICE,))]


def test_nothing_is_read_before_the_market_began() -> None:
    found = plan([Course(BLUE, frozenset({IN_BLUE}), 115, {})], [100, 110, 120], ())
    assert [step.number for step in found.steps] == [120]
