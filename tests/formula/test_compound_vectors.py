"""Interest by the second as the real Moonwell stored it: vectors made once by its own source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watcher.formula.compound.pool import Pool, accrued, exchange_rate, owed

ROWS: list[list[int]] = json.loads((Path(__file__).parent / "vectors" / "compound_by_second.json").read_text())["rows"]


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_a_market_by_the_second_is_accrued_as_moonwell_does(row: list[int]) -> None:
    *books, rate, factor, principal, since = row[:10]
    borrows, reserves, index, per_token, stamp, balance = row[10:]
    after = accrued(Pool(*books), rate, factor, stamp)
    assert (after.borrows, after.reserves, after.index, after.stamp) == (borrows, reserves, index, stamp)
    assert exchange_rate(after, 0) == per_token
    assert owed(principal, since, after.index) == balance
    assert stamp > books[5]
