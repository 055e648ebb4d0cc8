"""Changes beside what held before them."""

from __future__ import annotations

from eth_typing import ChecksumAddress, HexStr

from tests.adapters.situations import address
from watcher.adapter import Change, Event, Measure, Setting
from watcher.chronicle.fold import folded
from watcher.oracle.feed import NOBODY

ETHER, OTHER = address(1), address(2)


def log(block: int) -> Event:
    return Event("aave_v3/configurator.Something", address(9), (), block, HexStr("0x" + "00" * 32), 0)


def threshold(value: int, token: ChecksumAddress = ETHER) -> Setting:
    return Setting(token, "WETH", "liquidation threshold", Measure.BPS, value)


def test_each_change_stands_beside_the_one_before_and_the_first_beside_what_held() -> None:
    logs = [(log(1), (Change(threshold(8_300)),)), (log(2), (Change(threshold(8_100)),))]
    found = list(folded(logs, [threshold(8_250)], whole=True))
    assert [(entry.was, entry.setting.value, entry.told) for entry in found] == [
        (8_250, 8_300, True),
        (8_300, 8_100, True),
    ]


def test_what_held_before_is_not_known_unless_a_log_says_it() -> None:
    logs = [(log(1), (Change(threshold(8_300)), Change(threshold(7_000, OTHER), was=6_900)))]
    first, second = folded(logs, (), whole=False)
    assert (first.was, first.told) == (None, False)
    assert (second.was, second.told) == (6_900, True)


def test_two_assets_of_one_symbol_are_two() -> None:
    logs = [(log(1), (Change(threshold(8_300)),)), (log(2), (Change(threshold(7_000, OTHER)),))]
    assert [entry.was for entry in folded(logs, [threshold(8_250)], whole=True)] == [8_250, None]


def test_what_is_set_to_what_it_was_or_from_nothing_to_nobody_is_no_change() -> None:
    nobody = Setting(None, "pool", "sentinel", Measure.ADDRESS, NOBODY)
    logs = [(log(1), (Change(threshold(8_250)), Change(nobody)))]
    assert list(folded(logs, [threshold(8_250)], whole=True)) == []
