"""Rows for people and for programs: exact, and foreign text stays text."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest

from watcher.cli.options import Format
from watcher.cli.output import Column, plain, show
from watcher.model import Status

COLUMNS = (Column("symbol", "symbol"), Column("amount", "amount", right=True))


def shown(form: Format, symbol: Any, amount: Any = 1) -> str:
    stream = io.StringIO()
    show([{"symbol": symbol, "amount": amount, "unseen": None}], COLUMNS, form, stream)
    return stream.getvalue()


@pytest.mark.parametrize("hostile", ["=HYPERLINK(1)", "+1+cmd|' /C'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "=1\n=2"])
def test_f38_a_symbol_that_a_spreadsheet_would_run_gets_an_apostrophe(hostile: str) -> None:
    ((_, _), (symbol, _)) = csv.reader(io.StringIO(shown(Format.CSV, hostile), newline=""))
    assert symbol == "'" + hostile.replace("\r", " ")


@pytest.mark.parametrize("number", [-5, Decimal("-0.25"), 2**256 - 1, 0])
def test_f38_negative_numbers_stay_numbers(number: int | Decimal) -> None:
    ((_, _), (_, amount)) = csv.reader(io.StringIO(shown(Format.CSV, "WETH", number)))
    assert amount == str(number)


def test_f38_json_is_untouched() -> None:
    assert json.loads(shown(Format.JSON, "=1+1"))[0]["symbol"] == "=1+1"


@pytest.mark.parametrize(
    "text", ["[bold red]x[/]", "[link=https://evil.example]x[/link]", "<script>1</script>", ":smile:"]
)
def test_f37_markup_in_a_symbol_is_printed_as_it_is(text: str) -> None:
    assert text in shown(Format.TABLE, text)


def test_f36_a_table_shows_no_terminal_command() -> None:
    table = shown(Format.TABLE, "A\x1b[31mB\u202eC\x00\nD")
    assert table.splitlines()[2].split() == ["ABC", "D", "1"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_narrow_terminal_cuts_nothing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    address = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
    show([{"symbol": address, "amount": 10**40}], COLUMNS, Format.TABLE, terminal)
    assert address in terminal.getvalue()
    assert str(10**40) in terminal.getvalue()


def test_where_two_columns_fold_no_amount_is_broken_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    columns = (Column("account", "account"), *(Column(key, key, wide=True) for key in ("holds", "owes")))
    row = {"account": "0x" + "a" * 40, "holds": "6.0000 WETH, 1.5000 WBTC", "owes": "40,000.03 USDT, 20,000.01 EURC"}
    show([row], columns, Format.TABLE, terminal)
    assert {"40,000.03", "20,000.01", "6.0000", "1.5000"} <= set(terminal.getvalue().split())


def test_integers_are_exact_beyond_what_json_readers_hold() -> None:
    row = json.loads(shown(Format.JSONL, "WETH", 2**256 - 1))
    assert row == {"symbol": "WETH", "amount": str(2**256 - 1), "unseen": None}


def test_every_fact_has_an_exact_form() -> None:
    facts = {"status": Status.NO_DEBT, "id": b"\x01", "pair": (1, None), "fall": Decimal("0.000001"), "ok": True}
    assert plain(facts) == {"status": "no_debt", "id": "0x01", "pair": ["1", None], "fall": "0.000001", "ok": True}


def test_a_float_is_refused_because_nothing_was_computed_in_one() -> None:
    with pytest.raises(TypeError, match="float"):
        plain({"health": 1.5})


def test_nothing_is_an_empty_cell_and_null() -> None:
    assert shown(Format.CSV, None).splitlines()[1] == ",1"
    assert json.loads(shown(Format.JSON, None))[0]["symbol"] is None
