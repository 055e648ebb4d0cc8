"""The demo's own idea of what must be told, from the rules in plain words: each situation by hand."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from eth_typing import HexStr

from watcher.cli.demo.expected import Change, Expected, best, rank
from watcher.cli.demo.told import apart, unaccounted
from watcher.localchain.stage.margin import Margin
from watcher.localchain.stage.truth import AHEAD
from watcher.model import BlockRef, PositionKey

ANN, BEN = (PositionKey("local/aave-v3/v30", bytes([number]) * 20) for number in (1, 2))


def block(number: int, fork: str = "0") -> BlockRef:
    return BlockRef(number, 1_000 + number, 1, HexStr(f"0x{fork}{number:063x}"))


def margin(health: str | None, lost: Sequence[int] | None = None) -> Margin:
    """By the contract's word at 1; `lost` makes it one whose collateral and debt move together."""
    exact = None if health is None else Fraction(health)
    return Margin(exact, exact is not None and exact < 1, None if lost is None else frozenset(lost))


def run(*healths: str | None) -> Expected:
    """Ann's health at blocks 1, 2, 3 …"""
    expected = Expected()
    for number, health in enumerate(healths, 1):
        expected.add(block(number), {ANN: margin(health)})
    return expected


def words(expected: Expected) -> list[tuple[int, str | None, str]]:
    return [(one.block.number, one.before, one.after) for one in expected.changes()]


def test_what_is_seen_first_is_a_change_out_of_nothing() -> None:
    assert words(run("2")) == [(1, None, "safe")]
    assert words(run(None)) == [(1, None, "no_debt")]


def test_worse_is_told_at_once_and_more_than_one_step_at_a_time() -> None:
    assert words(run("1.6", "1.4999", "1.02", "0.9999")) == [
        (1, None, "safe"),
        (2, "safe", "watch"),
        (3, "watch", "critical"),
        (4, "critical", "liquidatable"),
    ]


def test_exactly_on_a_threshold_is_not_below_it() -> None:
    assert words(run("1.5", "1.25", "1.1", "1.03", "1")) == [
        (1, None, "safe"),
        (2, "safe", "watch"),
        (3, "watch", "warn"),
        (4, "warn", "danger"),
        (5, "danger", "critical"),
    ]


def test_better_takes_three_blocks_beyond_a_fifth_of_the_distance() -> None:
    assert words(run("1.4", "1.6", "1.6", "1.6")) == [(1, None, "watch"), (4, "watch", "safe")]
    assert words(run("1.4", "1.59", "1.59", "1.59", "1.59")) == [(1, None, "watch")]  # 1.5 + 0.5 / 5 = 1.6


def test_one_block_that_falls_back_begins_the_count_anew() -> None:
    assert words(run("1.4", "1.7", "1.7", "1.55", "1.7", "1.7"))[1:] == []
    assert words(run("1.4", "1.7", "1.7", "1.55", "1.7", "1.7", "1.7"))[1:] == [(7, "watch", "safe")]


def test_it_rises_to_the_least_that_all_three_allow() -> None:
    assert words(run("1.01", "1.7", "1.31", "1.7"))[1:] == [(4, "critical", "watch")]


def test_from_liquidatable_a_fifth_of_the_way_to_critical_is_enough() -> None:
    assert words(run("0.99", "1.006", "1.006", "1.006"))[1:] == [(4, "liquidatable", "critical")]
    assert words(run("0.99", "1.0059", "1.0059", "1.0059"))[1:] == []


def test_what_moves_together_has_narrower_bands() -> None:
    assert [rank(margin(health, ())) for health in ("1.05", "1.04", "1.025", "1.015", "1.005")] == [1, 2, 3, 4, 5]
    assert rank(margin("1.04")) == 4


@pytest.mark.parametrize(
    ("lost", "now", "cleared"),
    [((), 1, 1), ((60,), 1, 3), ((30, 60), 3, 3), ((14, 30, 60), 3, 4), ((7, 14, 30, 60), 4, 4), (AHEAD, 5, 5)],
)
def test_the_clock_makes_it_worse_and_clears_at_twice_the_days(lost: tuple[int, ...], now: int, cleared: int) -> None:
    assert (rank(margin("1.2", lost)), best(margin("1.2", lost))) == (now, cleared)


def test_the_worse_of_level_and_clock_counts() -> None:
    assert rank(margin("1.005", (30, 60))) == 5
    assert rank(margin("0.999", AHEAD)) == 6


def test_a_reorg_takes_back_what_its_blocks_caused_and_the_old_status_holds_again() -> None:
    expected = run("1.6", "1.4", "1.05", "0.9")
    expected.drop([block(3), block(4)])
    assert [(one.block.number, one.before, one.after) for one in expected.gone] == [
        (3, "watch", "danger"),
        (4, "danger", "liquidatable"),
    ]
    assert [(one.before, one.after) for one in expected.retractions] == [("danger", "watch"), ("liquidatable", "watch")]
    expected.add(block(3, "f"), {ANN: margin("1.2")})
    assert words(expected) == [(1, None, "safe"), (2, "safe", "watch"), (3, "watch", "warn")]


def test_a_rise_that_orphaned_blocks_had_begun_begins_anew() -> None:
    expected = run("1.4", "1.7", "1.7")
    expected.drop([block(2), block(3)])
    expected.add(block(2, "f"), {ANN: margin("1.7")})
    assert words(expected) == [(1, None, "watch")]


def test_of_somebody_in_the_crowd_only_a_first_reading_that_is_not_safe_is_told() -> None:
    expected = Expected(frozenset({ANN, BEN}))
    for number, health in enumerate(("1.6", "1.4"), 1):
        expected.add(block(number), {ANN: margin(health), BEN: margin("1.2")})
    assert [(one.key, one.before, one.after) for one in expected.changes()] == [
        (ANN, "safe", "watch"),
        (BEN, None, "warn"),
    ]


def test_a_reorg_leaves_somebody_in_the_crowd_as_safe_as_before() -> None:
    expected = Expected(frozenset({ANN}))
    for number, health in enumerate(("1.6", "1.4"), 1):
        expected.add(block(number), {ANN: margin(health)})
    expected.drop([block(2)])
    assert expected.changes() == ()
    assert [(one.before, one.after) for one in expected.retractions] == [("watch", "safe")]


FELL = Change(ANN, block(2), "safe", "warn")


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ([FELL], [FELL], []),
        ([FELL, FELL], [FELL], [("safe → warn", "none")]),
        ([], [FELL], [("none", "safe → warn")]),
        ([Change(ANN, block(2), "safe", "watch")], [FELL], [("safe → watch", "none"), ("none", "safe → warn")]),
        ([Change(BEN, block(2), "safe", "warn")], [FELL], [("safe → warn", "none"), ("none", "safe → warn")]),
        ([Change(ANN, block(2, "f"), "safe", "warn")], [FELL], [("safe → warn", "none"), ("none", "safe → warn")]),
    ],
)
def test_changes_are_compared_one_by_one(ours: list[Change], theirs: list[Change], said: list[tuple[str, str]]) -> None:
    assert [(one.ours, one.theirs) for one in apart("change", ours, theirs)] == said


@pytest.mark.parametrize(
    ("read", "gaps", "said"),
    [
        ((1, 2, 3, 4), [], []),
        ((1, 4), [range(2, 4)], []),
        ((1, 3, 4), [], [(2, "nothing")]),
        ((1, 2, 3, 4), [range(2, 3)], [(2, "read and in a gap")]),
        ((1, 2, 3, 4, 5), [], [(5, "read")]),
    ],
)
def test_every_block_was_either_read_or_lies_in_a_gap(
    read: tuple[int, ...], gaps: list[range], said: list[tuple[int, str]]
) -> None:
    found = unaccounted(map(block, read), gaps, range(1, 5))
    assert [(one.block, one.ours) for one in found] == said
