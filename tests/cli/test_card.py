"""A position as people read it, on a toy market: T1 protects at 80 %, T2 is owed, prices in USD with two decimals."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.health.toy import BLOCK, KEY, A, B, Holding, Quote, Terms, position
from watcher.adapter import Curve, Panel, Position, Price, Refusal
from watcher.adapters import aave_v3
from watcher.cli.account.assets import stops
from watcher.cli.account.card import show
from watcher.cli.account.changes import parse
from watcher.cli.account.future import Future
from watcher.cli.account.gloss import GLOSSES
from watcher.cli.account.sheet import Sheet, sheet
from watcher.cycle import Row
from watcher.errors import Overflow, WatcherError
from watcher.health.bands import CORRELATED, VOLATILE
from watcher.health.correlated import Group
from watcher.health.status import read
from watcher.model import Blocked, Doubt, DoubtKind, Market, Token, Unit, Valuation
from watcher.units import RAY, Raw, Ray
from watcher.watching.policy import Policy

Toy = Position[Terms, Quote, Holding]
MARKET = Market(1, "toy", "local/toy/main", A.address)


def loan(price: int = 10_000, token: Token = A) -> Toy:
    """Three T1 against two T2: 300.00 USD at 80 % against 200.00 at the usual price."""
    return position({A: price, B: 10_000}, {A: 8_000}, {token: 30_000}, {B: 20_000})


def seen(of: Toy, groups: Sequence[Group] = (), error: WatcherError | None = None, *doubts: Doubt) -> Sheet:
    reading = read(KEY, BLOCK, error or of, doubts)
    return sheet(Row(MARKET, of, reading, True, ()), Policy(tuple(groups), (), VOLATILE, CORRELATED))


def printed(one: Sheet, width: int = 120) -> str:
    stream = io.StringIO()
    show(Console(file=stream, width=width, highlight=False, markup=False, emoji=False), one)
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_lost(width: int) -> None:
    text = printed(seen(loan()), width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for figure in ("1.2000", "300.00", "200.00", "80.00 %", "83.3300 (-16.67 %)", "120.01 (+20.01 %)"):
        assert figure in text
    assert "…" not in text


def test_a_narrow_terminal_has_prices_below_the_amounts() -> None:
    assert [printed(seen(loan()), width).count("asset") for width in (60, 160)] == [2, 1]


def test_the_common_fall_is_named_with_its_assets() -> None:
    assert "liquidatable when T1 falls 16.6601 %" in printed(seen(loan()))


def test_a_liquidatable_position_says_what_can_be_taken() -> None:
    text = printed(seen(loan(8_000)))
    assert "health 0.9600  LIQUIDATABLE" in text
    assert "largest liquidation now: repay 1 T2, seize 1.375 T1, bonus 10.00 USD" in text


def test_a_closed_group_has_a_ratio_and_no_price() -> None:
    group = Group("pair", frozenset({A.address, B.address}))
    text = printed(seen(loan(), [group]))
    assert "group pair: liquidatable at a ratio T1/T2 of 0.833300 (-16.6700 %); now 1.000000" in text
    assert "83.3300" not in text
    assert "falls" not in text


def test_nothing_owed_has_no_line() -> None:
    text = printed(seen(position({A: 10_000}, {A: 8_000}, {A: 30_000}, {})))
    assert "no debt" in text
    assert "could borrow 240.00 USD more" in text
    assert "LIQUIDATABLE" not in text
    assert "liquidatable when" not in text


def test_an_unknown_position_shows_the_reason_and_no_number() -> None:
    text = printed(seen(loan(), (), WatcherError("the oracle\x1b[2J reverts")))
    assert "UNKNOWN" in text
    assert "the oracle reverts" in text
    assert "health" not in text
    assert "300.00" not in text


def test_foreign_text_is_neither_markup_nor_a_terminal_command() -> None:
    text = printed(seen(loan(token=replace(A, symbol="[red]\x1b[31mX\u202e[/red]"))))
    assert "[red]X[/red]" in text
    assert not {"\x1b", "\u202e"} & {*text}


def test_what_has_no_outlook_keeps_its_figures_and_says_why() -> None:
    def overflows(*_: object) -> Any:
        raise Overflow("overflow of a 256-bit integer")

    toy = loan(8_000)
    one = seen(replace(toy, adapter=replace(toy.adapter, liquidation=overflows)))
    text = printed(one)
    assert "health 0.9600  LIQUIDATABLE" in text
    assert "collateral 240.00 USD · debt 200.00 USD" in text
    assert "outlook unknown: overflow of a 256-bit integer" in text
    assert "liquidatable when" not in text
    after = printed(one.under(parse(("T1=+50%",), {}, None, None, None)))
    assert "what if: health 0.9600 → 1.4400" in after


def fine(toy: Toy) -> Toy:
    """The same market with five decimals in its values and prices, so that no figure on a card is whole."""
    unit, of = Unit("USD", 5), toy.adapter
    return replace(
        toy,
        adapter=replace(
            of,
            value=lambda *args: replace(of.value(*args), unit=unit),
            prices=lambda *args: tuple(replace(price, unit=unit) for price in of.prices(*args)),
        ),
    )


def test_every_figure_is_rounded_towards_danger() -> None:
    one = seen(fine(position({A: 30_001_957, B: 30_001_961}, {A: 8_000}, {A: 20_000_055}, {B: 10_000_355})))
    at, ahead = one.row.reading.valuation, one.outlook
    assert at is not None
    assert ahead is not None
    lines = {line.price.token: line.answer for line in ahead.prices}

    def down(integer: int | None) -> str:
        return f"{Decimal(floor(Fraction(integer or 0, 1_000))).scaleb(-2):,.2f}"

    def up(integer: int | None) -> str:
        return f"{Decimal(ceil(Fraction(integer or 0, 1_000))).scaleb(-2):,.2f}"

    held, owed = (line.split() for line in printed(one, 160).splitlines() if line.split()[1:2] in (["T1"], ["T2"]))
    assert held[:4] == ["collateral", "T1", "2,000.00", down(at.collateral)]
    assert held[-4:-2] == ["300.01", up(lines[A])]
    assert owed[:4] == ["debt", "T2", "1,000.04", up(at.debt)]
    assert owed[-4:-2] == ["300.02", down(lines[B])]
    assert f"collateral {down(at.collateral)} USD · debt {up(at.debt)} USD" in printed(one)
    assert f"could borrow {down(at.available)} USD more" in printed(one)
    assert not any(
        integer % 1_000 == 0 for integer in (at.collateral, at.debt, at.available, lines[A] or 0, lines[B] or 0)
    )


def test_a_liquidatable_position_has_no_fall_of_nothing() -> None:
    text = printed(seen(loan(8_000), [Group("pair", frozenset({A.address, B.address}))]))
    assert "group pair: liquidatable at the present ratio T1/T2 of 0.800000" in text
    assert "0.0000 %" not in text


def test_what_is_liquidatable_after_a_change_and_blocked_says_so_as_the_headline_does() -> None:
    toy = loan()

    def blocked(*args: Any) -> Valuation:
        return replace(toy.adapter.value(*args), blocked=Blocked.PAUSED)

    held = replace(toy, adapter=replace(toy.adapter, value=blocked))
    text = printed(seen(held).under(parse(("T1=-20%",), {}, None, None, None)))
    assert "what if: health 1.2000 → 0.9600 LIQUIDATABLE, but blocked: paused" in text


def test_a_doubt_about_a_price_is_said_once_though_the_price_and_the_position_have_it() -> None:
    doubt = Doubt(DoubtKind.STALE, "the price of T1 was last updated 30 hours ago")
    toy = loan()

    def stale(*args: Any) -> tuple[Price, ...]:
        return tuple(replace(price, doubts=(doubt,)) for price in toy.adapter.prices(*args))

    text = printed(seen(replace(toy, adapter=replace(toy.adapter, prices=stale)), (), None, doubt))
    assert text.count("was last updated") == 1


def test_a_doubt_is_said_once() -> None:
    doubt = Doubt(DoubtKind.STALE, "the price of T1 was last updated 30 hours ago")
    text = printed(seen(loan(), (), None, doubt, doubt))
    assert text.count("doubt (stale): the price of T1") == 1


def test_what_if_shows_both_healths_and_what_reaches_the_target() -> None:
    text = printed(seen(loan()).under(parse(("T1=-10%",), {}, None, None, "1.2")))
    assert "what if: health 1.2000 → 1.0800" in text
    assert "to reach the target: repay 0.2 T2 → health 1.2000" in text


def test_a_change_too_small_for_four_digits_is_shown_with_more() -> None:
    text = printed(seen(loan()).under(parse((), {"deposit": ("T1=0.0001",)}, None, None, None)))
    assert "what if: health 1.20000 → 1.20004" in text


def test_a_target_that_is_reached_already_is_said_so() -> None:
    text = printed(seen(loan()).under(parse((), {}, None, None, "1.1")))
    assert "nothing to do for the target: health is 1.2000 already" in text
    assert "deposit" not in text


def test_a_refusal_is_told_in_the_owners_words_and_the_contracts() -> None:
    text = printed(replace(seen(loan()), future=Future(Refusal("HealthFactorLowerThanLiquidationThreshold"), ())))
    assert "refuse: health would be below 1 (HealthFactorLowerThanLiquidationThreshold)" in text


def test_every_refusal_of_the_pool_has_a_meaning() -> None:
    folder = Path(aave_v3.__file__).parent
    source = (folder / "rules.py").read_text() + (folder / "act.py").read_text()
    names = set(re.findall(r'"([A-Z][A-Za-z]+)"', source))
    assert "SupplyCapExceeded" in names
    assert names - GLOSSES.keys() == set()


def test_what_keeps_the_owner_from_acting_is_said() -> None:
    panel = Panel(
        token=A,
        supplied=Raw(50_000),
        borrowed=Raw(40_000),
        free=Raw(10_000),
        utilisation=Ray(RAY * 4 // 5),
        supply_rate=Ray(0),
        borrow_rate=Ray(0),
        curve=Curve(()),
        supply_cap=None,
        borrow_cap=None,
        paused=False,
        frozen=True,
        grace_until=BLOCK.timestamp + 3 * 3_600,
    )
    assert [*stops(panel, loan().value())] == [
        "T1 is frozen: no new deposits or loans",
        "T1 is in a grace period: no liquidation for 3 h",
        "T1: only 1.0000 can be withdrawn now (utilisation 80.00 %)",
    ]
    quiet = replace(panel, frozen=False, grace_until=None, free=Raw(30_000))
    assert [*stops(quiet, loan().value())] == []
