"""Settings as people read them."""

from __future__ import annotations

import pytest
from eth_typing import HexStr

from tests.adapters.situations import address
from watcher.adapter import Event, Measure, Setting
from watcher.chronicle.changes import Changes
from watcher.chronicle.fold import Entry
from watcher.cli.market.log import before, line_of, words
from watcher.model import BlockRef
from watcher.oracle.feed import NOBODY
from watcher.units import WAD


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        (Measure.BPS, 8_250, "82.5 %"),
        (Measure.BPS, 0, "0 %"),
        (Measure.WAD, 945 * WAD // 1000, "94.5 %"),
        (Measure.TOKENS, 1_000_000, "1,000,000"),
        (Measure.TOKENS, 0, "no limit"),
        (Measure.CENTS, 500_000_000, "5,000,000.00 USD"),
        (Measure.CENTS, 0, "–"),
        (Measure.SWITCH, 1, "yes"),
        (Measure.SWITCH, 0, "no"),
        (Measure.TIME, 1_700_000_000, "2023-11-14 22:13:20"),
        (Measure.TIME, 0, "–"),
        (Measure.NUMBER, 0, "0"),
        (Measure.ADDRESS, address(7), address(7)),
        (Measure.ADDRESS, NOBODY, "–"),
    ],
)
def test_a_setting_in_words(measure: Measure, value: int | str, text: str) -> None:
    assert words(measure, value) == text


def entry(was: int | str | None, now: int | str, measure: Measure, *, told: bool = True) -> Entry:
    event = Event("aave_v3/pool.Upgraded", address(1), (), 7, HexStr("0x00"), 3)
    return Entry(event, Setting(None, "pool", "pool code", measure, now), was, told)


def test_nothing_before_and_nothing_known_look_different() -> None:
    assert before(entry(None, 1, Measure.SWITCH)) == "–"
    assert before(entry(None, 1, Measure.SWITCH, told=False)) == "?"


def test_an_upgrade_is_told_by_the_rules_where_they_differ_and_else_by_its_addresses() -> None:
    upgrade = entry(address(2), address(3), Measure.ADDRESS)
    blocks = {7: BlockRef(7, 1_700_000_000, 1, HexStr("0x00"))}
    versions = ("Aave 3.5 (revision 9), 11 reserves", "Aave 3.6 (revision 10), 11 reserves")
    for rules, expected in ((versions, versions), (versions[:1] * 2, (address(2), address(3)))):
        found = Changes((upgrade,), blocks, {(7, 3): (rules[0], rules[1])}, None)
        assert (line_of(found, upgrade)["was"], line_of(found, upgrade)["now"]) == expected
