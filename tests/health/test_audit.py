from __future__ import annotations

import pytest

from tests.health.toy import KEY, ONE, A, B, position
from watcher.adapter import Reported, Which
from watcher.health.audit import Mismatch, compare
from watcher.model import DoubtKind, PositionKey

VALUATION = position({A: 100, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 4 * ONE}).value()


def test_equal_figures_leave_nothing_to_report() -> None:
    figures = {"collateral": 1_000, "debt": 400, "health": 2 * 10**18, "liquidatable": False}
    assert compare(VALUATION, Reported(KEY, Which.ALL, figures)) == ()


def test_one_unit_of_difference_is_a_mismatch_that_names_both_sides() -> None:
    (mismatch,) = compare(VALUATION, Reported(KEY, Which.ALL, {"collateral": 1_000, "health": 2 * 10**18 - 1}))
    assert mismatch == Mismatch("health", 2 * 10**18, 2 * 10**18 - 1)
    assert mismatch.doubt().kind is DoubtKind.MISMATCH
    assert "1999999999999999999" in mismatch.doubt().text


def test_no_debt_here_and_a_number_there_is_a_mismatch() -> None:
    nothing_owed = position({A: 100}, {A: 8_000}, {A: 10 * ONE}, {}).value()
    (mismatch,) = compare(nothing_owed, Reported(KEY, Which.ALL, {"health": 0}))
    assert (mismatch.ours, mismatch.theirs) == (None, 0)


def test_figures_of_another_position_are_refused() -> None:
    with pytest.raises(ValueError, match="compared with the figures of"):
        compare(VALUATION, Reported(PositionKey("toy", b"other"), Which.ALL, {}))


def test_a_figure_that_no_valuation_has_is_a_bug() -> None:
    with pytest.raises(AttributeError):
        compare(VALUATION, Reported(KEY, Which.ALL, {"healthfactor": 1}))
