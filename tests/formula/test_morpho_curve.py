"""The adaptive curve against answers that the real contract gave: built from its tag, run on a local node, see the vectors' headers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watcher.errors import Overflow
from watcher.formula.adaptive_curve import (
    FASTEST,
    INITIAL,
    SLOWEST,
    TARGET,
    curve,
    distance,
    exp,
    rates,
    to_zero,
    utilisation,
)
from watcher.units import WAD

VECTORS = Path(__file__).with_name("vectors")


def rows(name: str) -> list[list[int]]:
    answer: dict[str, Any] = json.loads((VECTORS / name).read_text())
    found: list[list[int]] = answer["rows"]
    return found


def test_every_rate_is_the_one_that_the_contract_charged() -> None:
    ours, theirs = [], []
    for supplied, borrowed, at_target, elapsed, average, end in rows("morpho_adaptive_curve.json"):
        ours.append(rates(utilisation(borrowed, supplied), at_target, elapsed))
        theirs.append((average, end))
    assert ours == theirs


def test_the_vectors_cover_what_could_go_wrong() -> None:
    found = rows("morpho_adaptive_curve.json")
    assert len(found) >= 200
    assert {0, 1, 2} <= {row[3] for row in found}
    assert {0, SLOWEST, INITIAL, FASTEST} <= {row[2] for row in found}
    assert min(sum(row[5] == bound for row in found) for bound in (SLOWEST, FASTEST)) >= 5
    used = [utilisation(row[1], row[0]) for row in found]
    assert {0, TARGET, WAD} <= set(used)


def test_every_exponential_is_the_one_of_the_library() -> None:
    found = rows("morpho_wexp.json")
    assert [exp(x) for x, _ in found] == [answer for _, answer in found]


def test_the_curve_is_a_quarter_with_nothing_borrowed_and_four_times_with_everything() -> None:
    at_target = 4 * 10**9
    assert [curve(at_target, distance(used)) for used in (0, TARGET, WAD)] == [10**9, at_target, 4 * at_target]


def test_division_rounds_towards_zero_and_stays_signed_256_bits() -> None:
    assert [to_zero(7, 2), to_zero(-7, 2), to_zero(7, -2)] == [3, -3, -3]
    with pytest.raises(Overflow):
        to_zero(2**255, 2)
