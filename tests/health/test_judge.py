from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from tests.health.test_runway import PERCENT, panel
from tests.health.toy import BLOCK, KEY, ONE, TOY, A, B, Holding, Quote, Terms, position
from watcher.adapter import Position
from watcher.errors import CallReverted
from watcher.health.bands import CORRELATED, VOLATILE, Bands
from watcher.health.correlated import Group
from watcher.health.judge import judge, judged, sighting
from watcher.health.limits import Crossed, Limits
from watcher.health.measure import End, Figure, Measure
from watcher.health.status import read
from watcher.model import Doubt, DoubtKind, Sighting, Status

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


def limit(measure: Measure, status: Status, number: str) -> Limits:
    return Limits(measure, ((status, Fraction(number)),))


def test_a_figure_beyond_its_limit_makes_the_status_and_is_named() -> None:
    at = loop(1_600, 0)  # C 1,600, D 900, and the same share may be borrowed as protects: IM / E = 160 / 700
    used = Figure(Measure.MARGIN_UTILISATION, Fraction(160, 700))
    assert judge(at, (), choose, [limit(used.measure, Status.DANGER, "0.3")]).status is Status.SAFE
    found = judge(at, (), choose, [limit(used.measure, Status.DANGER, "0.2"), limit(Measure.LTV, Status.WATCH, "0.5")])
    assert (found.status, found.clears) == (Status.DANGER, Status.DANGER)
    assert found.crossed == Crossed(used, Status.DANGER, Fraction("0.2"))


def test_a_worse_health_needs_no_figure_and_a_figure_makes_nothing_better() -> None:
    low = loop(1_035, 0)
    found = judge(
        low, (), choose, [limit(Measure.LTV, Status.WATCH, "0.5"), limit(Measure.LEVERAGE, Status.WARN, "99")]
    )
    assert (found.status, found.crossed) == (Status.DANGER, None)


def test_a_figure_that_has_not_come_back_far_enough_holds_the_status() -> None:
    at = loop(1_600, 0)  # LTV 0.5625
    found = judge(at, (), choose, [limit(Measure.LTV, Status.WARN, "0.6")])
    assert (found.status, found.clears) == (Status.SAFE, Status.WARN)  # 0.48 is to be reached


def test_a_runway_may_have_a_limit_where_prices_part() -> None:
    # health 1.6 at 400 % a year: a month or so
    found = judge(loop(1_600, 400), (), choose, [limit(Measure.RUNWAY, Status.WARN, str(60 * 86_400))])
    assert found.runway is not None
    assert found.crossed is not None
    assert (found.status, found.crossed.figure.value) == (Status.WARN, found.runway.present)


def test_a_chance_that_nobody_foretold_is_said_and_is_not_safe_by_silence() -> None:
    at, wanted = loop(1_600, 0), [limit(Measure.CHANCE_1D, Status.WARN, "0.05")]
    silent = judge(at, (), choose, wanted)
    assert silent.untold == (Figure(Measure.CHANCE_1D, None, End.UNTOLD, "no chance was foretold"),)
    old = {Measure.CHANCE_1D: Figure(Measure.CHANCE_1D, None, End.UNTOLD, "the last one is 3 h old")}
    reading = judged(read(KEY, BLOCK, at), judge(at, (), choose, wanted, old))
    assert reading.status is Status.SAFE
    assert reading.doubts[-1] == Doubt(DoubtKind.UNTOLD, "chance_1d is not told: the last one is 3 h old")
    likely = {Measure.CHANCE_1D: Figure(Measure.CHANCE_1D, Fraction("0.06"))}
    assert judge(at, (), choose, wanted, likely).status is Status.WARN


def test_who_owes_nothing_is_held_to_no_limit() -> None:
    idle = position({A: 100_000}, {A: 9_000}, {A: ONE}, {})
    found = judge(
        idle,
        (),
        choose,
        [limit(Measure.MARGIN_UTILISATION, Status.WARN, "0.01"), limit(Measure.CHANCE_1D, Status.WARN, "0.05")],
    )
    assert (found.status, found.untold) == (Status.NO_DEBT, ())
