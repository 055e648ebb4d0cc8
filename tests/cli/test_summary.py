"""Everything as one, on paper: the table and its lines at any width, what lacks a price, what is exact in the records."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest
from rich.console import Console

from tests.portfolio.test_whole import loan, whole
from watcher.cli.account.money import cut, dollars, exactly, signed
from watcher.cli.account.summary import lines, records, table, worth_telling
from watcher.errors import WatcherError
from watcher.portfolio.whole import Whole


def printed(of: Whole, width: int) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    console.print(table(of))
    for line in lines(of):
        console.print(line)
    return stream.getvalue()


NEAR, FAR, LOST = loan(20_000), loan(1_000_000, "far", 30_000_000), loan(1, "lost", error=WatcherError("it reverts"))


@pytest.mark.parametrize("width", [70, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_lost(width: int) -> None:
    text = printed(whole(NEAR, FAR, LOST), width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for figure in ("300,000.00", "10,000.00", "290,000.00", "24.0000", "1.2000", "300,300.00*", "unknown"):
        assert figure in text
    assert "…" not in text


def test_what_is_missing_and_what_cannot_be_compared_is_said_below() -> None:
    text = " ".join(printed(whole(NEAR, FAR, LOST), 100).split())
    assert "* not in it: local/toy/lost: unknown: it reverts" in text
    assert "first to be liquidated: local/toy/near, when the price of all collateral falls 16.6601 %" in text
    assert "not compared with it: local/toy/lost: it reverts" in text
    assert "one dollar of repayment helps most at local/toy/near: 0.01 T2: health +0.006" in text


def test_one_position_needs_no_sum() -> None:
    assert not worth_telling(whole(NEAR))
    assert worth_telling(whole(NEAR, FAR))


def test_the_records_are_exact_and_the_sums_have_no_health() -> None:
    found = [*records(whole(NEAR, FAR, LOST))]
    assert [(one["kind"], one.get("of")) for one in found] == [
        ("total", "protocol"),
        ("total", "chain"),
        ("total", "all"),
        ("first", "the price of all collateral"),
        ("one_dollar", None),
    ]
    assert {one["net_usd"] for one in found[:3]} == {"290100"}
    assert not any("health" in one for one in found)
    assert found[3]["not_compared"] == ["local/toy/lost: it reverts"]


@pytest.mark.parametrize(
    ("amount", "down", "up", "text"),
    [
        (Fraction(12345, 10), "1,234.50", "1,234.50", "1234.5"),
        (Fraction(1, 8), "0.12", "0.13", "0.125"),
        (Fraction(-1, 8), "-0.13", "-0.12", "-0.125"),
        (Fraction(10**30 + 1, 10**26), "10,000.00", "10,000.01", "10000.00000000000000000000000001"),
        (Fraction(0), "0.00", "0.00", "0"),
    ],
)
def test_dollars_are_rounded_towards_danger_and_kept_in_full(amount: Fraction, down: str, up: str, text: str) -> None:
    assert (dollars(amount), dollars(amount, up=True), exactly(amount)) == (down, up, text)


def test_ratios_are_cut_towards_zero() -> None:
    assert (cut(Fraction(2, 3), 4), cut(Fraction(-2, 3), 4)) == ("0.6666", "-0.6666")
    assert (signed(Fraction(1, 3000), 4), signed(Fraction(-1, 3000), 4)) == ("+0.0333 %", "−0.0333 %")
