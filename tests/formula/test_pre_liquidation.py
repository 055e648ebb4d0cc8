"""Pre-liquidations against answers of the real contract: built from its source, simulated on real Morpho, see the vectors' header."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from watcher.errors import Overflow
from watcher.formula.morpho import Pot
from watcher.formula.pre_liquidation import BEYOND, NOT_YET, POOR, Offer, Owed, Rules, largest, offer, refusal, taken
from watcher.units import WAD

VECTORS = Path(__file__).with_name("vectors") / "morpho_pre_liquidation.json"
TOO_LARGE = "PreLiquidationTooLarge"
PANIC = "panic 0x11"


@dataclass(frozen=True)
class Row:
    rules: Rules
    owed: Owed
    market_price: int
    asked: int
    answer: tuple[int, int] | str


def rows() -> list[Row]:
    found = []
    for row in json.loads(VECTORS.read_text())["rows"]:
        assets, in_all, shares, collateral, lltv, market, pre, lcf1, lcf2, lif1, lif2, price, asked, *answer = row
        rules = Rules(lltv, pre, (lcf1, lcf2), (lif1, lif2))
        owed = Owed(Pot(assets, in_all), collateral, shares, price)
        seized, repaid, error = answer
        found.append(Row(rules, owed, market, asked, error or (seized, repaid)))
    return found


def attempt(row: Row) -> tuple[int, int] | str:
    """One call, refused in the order of the contract."""
    found = offer(row.rules, row.owed)
    if isinstance(found, str):
        return found
    if row.asked > found.shares:
        return TOO_LARGE
    try:
        done = taken(row.owed, found.factor, row.asked)
    except Overflow:
        return PANIC
    return refusal(row.rules, done, row.market_price) or (done.seized, done.repaid)


def test_every_call_ends_as_the_contract_ended_it() -> None:
    found = rows()
    assert [attempt(row) for row in found] == [row.answer for row in found]


def test_the_vectors_cover_every_end_of_a_call() -> None:
    ends = Counter(row.answer if isinstance(row.answer, str) else "" for row in rows())
    assert len(ends) == 7 and min(ends.values()) >= 50 and ends[""] >= 400


def test_nobody_could_have_repaid_more_than_the_largest() -> None:
    """Whatever the contract let through is at most what we say, and so much it never lets more."""
    let_through = 0
    for row in rows():
        said = largest(row.rules, row.owed, row.market_price)
        if isinstance(row.answer, str):
            continue
        assert not isinstance(said, str)
        assert said[1].repaid >= row.answer[1]
        let_through += 1
    assert let_through >= 400


def position(ltv: int, *, price: int = 10**36) -> Owed:
    """A debt of a million at this LTV (bps)."""
    return Owed(Pot(10**9, 10**15), 10**6 * 10_000 // ltv, 10**12, price)


RULES = Rules(WAD * 86 // 100, WAD * 80 // 100, (WAD // 2, WAD * 3 // 2), (WAD * 102 // 100, WAD * 108 // 100))


@pytest.mark.parametrize(("ltv", "end"), [(7_999, NOT_YET), (8_010, None), (8_599, None), (8_610, BEYOND)])
def test_the_contract_acts_between_its_line_and_morphos(ltv: int, end: str | None) -> None:
    found = offer(RULES, position(ltv))
    assert (found if isinstance(found, str) else None) == end


def test_closer_to_morphos_line_more_may_be_repaid_for_a_larger_bonus() -> None:
    near, far = offer(RULES, position(8_590)), offer(RULES, position(8_010))
    assert isinstance(near, Offer) and isinstance(far, Offer)
    assert near.factor > far.factor and near.shares > 10**12 > far.shares  # beyond its whole debt: all of it


def test_past_morphos_line_only_what_cures_the_position_goes_through() -> None:
    """The contract's own oracle still says 0.85 where the market's says more than the LLTV."""
    owed = position(8_500)
    half, all_of_it = replace(RULES, close=(WAD // 2, WAD // 2)), replace(RULES, close=(WAD, WAD))
    assert largest(half, owed, 60 * 10**34) == POOR
    cured = largest(all_of_it, owed, 60 * 10**34)
    assert not isinstance(cured, str) and cured[1].left.shares == 0
