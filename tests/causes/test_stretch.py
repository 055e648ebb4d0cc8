"""A stretch is cut where terms or holdings are others than they were, and at both ends."""

from __future__ import annotations

from typing import Any

from eth_typing import HexStr

from watcher.causes.stretch import Known, cut
from watcher.model import BlockRef


def known(number: int, terms: Any = "t", quote: Any = "q", holding: Any = "h") -> Known:
    return Known(BlockRef(number, 12 * number, 1, HexStr(f"0x{number:064x}")), terms, quote, holding, number - 1)


def numbers(*facts: Known) -> list[int]:
    return [one.block.number for one in cut(facts)]


def test_prices_alone_cut_nothing() -> None:
    assert numbers(known(1), known(2, quote="r"), known(3, quote="s")) == [1, 3]


def test_terms_and_holdings_cut_where_they_are_first_seen() -> None:
    changed = known(3, terms="u"), known(4, terms="u"), known(5, terms="u", holding="i")
    assert numbers(known(1), known(2), *changed, known(9, terms="u", holding="i")) == [1, 3, 5, 9]


def test_what_came_and_went_is_two_cuts() -> None:
    assert numbers(known(1), known(2, holding="i"), known(3)) == [1, 2, 3]


def test_one_block_and_none_at_all_are_themselves() -> None:
    assert (numbers(known(1)), numbers()) == ([1], [])
