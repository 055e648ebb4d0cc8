"""Symbols chosen by strangers, made fit to be shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.text import LONGEST_SYMBOL, clean, clean_line


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mRED\x1b[0m", "RED"),
        ("\x1b]8;;https://evil.example\x07USDC\x1b]8;;\x07", "USDC"),
        ("\x1b]0;title\x1b\\USDC", "USDC"),
        ("\x9b31mUSDC", "USDC"),
        ("\x1bPq#0\x1b\\DAI", "DAI"),
        ("\x1bcDAI", "DAI"),
        ("US\u202eCD", "USCD"),
        ("\u2066US\u2069DC", "USDC"),
        ("U\u200bS\u200dD\ufeffC\u2060", "USDC"),
        ("US\nDC\r\n", "US DC"),
        ("US\x00DC", "USDC"),
        ("\u3164\u2800\u115f", ""),
        ("W\ufe0fETH\U000e0041", "WETH"),
        ("A\u2028B", "A B"),
        ("\ud800X", "X"),
    ],
    ids=lambda text: ascii(text),
)
def test_f36_what_a_terminal_would_obey_or_hide_is_gone(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_f36_bytes32_symbols_end_at_their_padding() -> None:
    assert clean(b"MKR".ljust(32, b"\0")) == "MKR"


def test_f36_invalid_utf8_is_replaced_and_not_raised() -> None:
    assert clean(b"\xff\xfeUSD\xc3") == "\ufffd\ufffdUSD\ufffd"


def test_f36_a_megabyte_of_name_is_cut_at_32_characters() -> None:
    assert clean("A" * 1_000_000) == "A" * 31 + "…"
    assert clean(b"A" * 1_000_000) == "A" * 31 + "…"


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "{{7*7}}", "[link=x]y[/link]", "=1+1", "USD₮0", "wstETH"]
)
def test_f37_characters_that_only_mean_something_elsewhere_stay(text: str) -> None:
    assert clean(text) == text


@given(st.one_of(st.text(), st.binary()))
def test_f36_whatever_comes_in_one_bounded_printable_line_goes_out(symbol: str | bytes) -> None:
    shown = clean(symbol)
    assert len(shown) <= LONGEST_SYMBOL
    assert shown == shown.strip()
    assert all(unicodedata.category(c)[0] not in "C" and (c == " " or not c.isspace()) for c in shown)
    assert clean(shown) == shown


def test_a_message_keeps_its_words_on_one_line() -> None:
    assert clean_line("a: 1\n\tb: 2 \x1b[1mend") == "a: 1 b: 2 end"
