from __future__ import annotations

from dataclasses import replace

from tests.health.test_runway import PERCENT, panel
from tests.health.toy import BLOCK, KEY, ONE, TOY, A, B, Holding, Quote, Terms, position
from watcher.adapter import Position
from watcher.errors import CallReverted
from watcher.health.bands import CORRELATED, VOLATILE, Bands
from watcher.health.correlated import Group
from watcher.health.judge import judge, judged, sighting
from watcher.health.status import read
from watcher.model import Sighting, Status

ETHER = Group("ETH", frozenset((A.address, B.address)))


def loop(collateral: int, rate: int) -> Position[Terms, Quote, Holding]:
    """So many whole A at 90 % against 900 B that cost `rate` per cent a year, 50 per cent when fully used."""
    toy = position(
        {A: 100_000, B: 100_000}, {A: 9_000}, {A: collateral * ONE}, {B: 900 * ONE}, rates={B: rate * PERCENT}
    )
    return replace(toy, adapter=replace(TOY, panels=lambda terms, quote: (panel(B, 50),)))


def choose(correlated: bool) -> Bands:
    return CORRELATED if correlated else VOLATILE


def test_the_same_health_is_danger_between_strangers_and_only_watched_in_a_group() -> None:
    at = loop(1_035, 1)
    assert judge(at, (), choose).status is Status.DANGER
    found = judge(at, [ETHER], choose)
    assert (found.status, found.bands, found.group) == (Status.WATCH, CORRELATED, ETHER)


def test_the_worse_of_level_and_clock_is_the_status() -> None:
    # health 1.10, safe by level; at 130 % a year the 10 % last 26 days
    found = judge(loop(1_100, 130), [ETHER], choose)
    assert found.runway is not None
    assert found.runway.present is not None
    assert 26 <= found.runway.present / 86_400 < 27
    assert (found.status, found.clears) == (Status.WARN, Status.WARN)
    # health 1.005, critical by level, and more than two years by the clock
    assert judge(loop(1_005, 0), [ETHER], choose).status is Status.CRITICAL


def test_at_full_utilisation_is_only_shown() -> None:
    found = judge(loop(1_060, 1), [ETHER], choose)
    assert found.runway is not None
    assert found.runway.present is not None
    assert found.runway.full is not None
    assert found.runway.full < found.runway.present / 49
    assert found.status is Status.SAFE


def test_what_is_not_correlated_has_no_clock() -> None:
    found = judge(loop(1_600, 400), (), choose)
    assert (found.status, found.runway) == (Status.SAFE, None)


def test_a_sighting_is_the_judgement_of_the_reading_and_unknown_without_one() -> None:
    toy = loop(1_035, 1)
    reading = read(KEY, BLOCK, toy)
    judgement = judge(toy, [ETHER], choose)
    assert reading.valuation is not None
    assert judged(reading, judgement).status is Status.WATCH
    assert sighting(reading, judgement, 7, confirmed=False) == Sighting(
        KEY, BLOCK, 7, Status.WATCH, Status.WARN, reading.valuation.health, False
    )
    blind = read(KEY, BLOCK, CallReverted("pool.getUserEMode"))
    assert sighting(blind, None, 7, confirmed=True) == Sighting(
        KEY, BLOCK, 7, Status.UNKNOWN, None, None, True, "pool.getUserEMode reverted"
    )
