"""`watcher scan --risk` without a chain: what is asked for, and how figures are put in words."""

from __future__ import annotations

import pytest

from watcher.appraisal.estimate import Estimate
from watcher.cli.scan.risk.sheet import between, counted, counted_up, expected, span
from watcher.cli.scan.risk.wish import Told, hours
from watcher.config.risk import Risk
from watcher.errors import UsageError
from watcher.model import PositionKey, Unit
from watcher.risk.outcome import Chance
from watcher.risk.scenario import Model
from watcher.scan.foresight import Draw
from watcher.scan.given import Taken
from watcher.scan.given import Told as How
from watcher.scan.prospect import Account, Prospect
from watcher.scan.risk import Unknown

KEY = PositionKey("a/b/c", bytes(20))
DRAW = Draw(Model.FHS, 1, 10_000, 24)
TOLD = Told(sync=True, horizon=None, model=None, scenarios=None, seed=None, parquet=None)


def account(chance: float, cost: float = 100.0, *, how: How = How.OWN, shortfall: float = 0.0) -> Account:
    return Account(
        KEY, 0, 800.0, 1_000.0, 700.0, chance == 1, Chance(chance, 0.001), Taken(350.0, cost, how), shortfall
    )


def prospect(*accounts: Account, unknown: tuple[Unknown, ...] = ()) -> Prospect:
    return Prospect(Unit("USD", 8), DRAW, accounts, unknown, 12.5 * len(unknown), 3, None, ())


def test_what_was_typed_comes_before_what_the_file_says() -> None:
    said = Risk(scenarios=5_000, seed=9, model="t", window=86_400)
    assert TOLD.over(said) == said and TOLD.hours == 24
    typed = Told(sync=True, horizon="7d", model="gbm", scenarios=2_000, seed=0, parquet=None)
    assert typed.over(said) == Risk(scenarios=2_000, seed=0, model="gbm", window=86_400)
    assert typed.hours == 168 and span(Draw(Model.GBM, 0, 2_000, 168)) == "7 d"


@pytest.mark.parametrize(("text", "found"), [("1h", 1), ("36h", 36), ("1d", 24), ("90d", 2_160)])
def test_a_horizon_is_whole_hours(text: str, found: int) -> None:
    assert hours(text) == found


@pytest.mark.parametrize("text", ["", "0h", "90m", "1.5d", "2161h", "-1d", "week"])
def test_any_other_horizon_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write hours or days"):
        hours(text)


def test_none_seen_is_never_nought() -> None:
    assert expected(account(0.0), prospect()) == "< 0.03"
    assert expected(account(0.2), prospect()) == "20.00 ± 0.10"
    assert counted_up(Estimate(0.0, 0.0)) == "none seen"
    assert counted_up(Estimate(1_234.5, 6.0)) == "1,234 ± 6.00"
    assert between(5, 4, 1_000) == "5.00 (4.00 to 1,000)"


def test_who_is_unknown_is_counted_apart_and_with_what_they_owe() -> None:
    assert counted(prospect(account(1.0), account(0.1))) == (
        "2 accounts in debt, 1 of them liquidatable now; 3 owe nothing"
    )
    told = counted(prospect(unknown=(Unknown(KEY, "no past"), Unknown(KEY, "no past"))))
    assert told.endswith("; 2 UNKNOWN and in no figure, who owe 25.00 USD as far as that can be valued")


def test_a_market_names_whom_a_bound_stands_for_and_whom_bad_debt_comes_from() -> None:
    some = prospect(
        account(0.0, how=How.BOUND), account(0.3, how=How.BOUND), account(0.3, how=How.ALIKE, shortfall=4.0)
    )
    assert some.bounded == 1
    assert [one.shortfall for one in some.drowning] == [4.0]
    assert some.liquidatable == 0
