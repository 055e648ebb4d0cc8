"""Limits on other figures than health: the judgement, the words of the alert, and chances that hold for a while."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from eth_typing import HexStr

from tests.health.test_judge import loop
from tests.health.toy import BLOCK, KEY, A
from watcher.cycle import Row
from watcher.health.bands import CORRELATED, VOLATILE
from watcher.health.fold import step
from watcher.health.judge import Judgement, judged, sighting
from watcher.health.limits import Limits
from watcher.health.measure import Measure
from watcher.health.status import read
from watcher.model import Doubt, DoubtKind, Market, Status
from watcher.watching.policy import Foretold, Policy, Told, owner
from watcher.watching.told import crossed, told

TOY = Market(1, "toy", KEY.market, A.address)
LOOP = loop(1_600, 100)  # C 1,600 at 90 % against D 900 at 100 % a year: health 1.6, LTV 0.5625, E / MM = 700 / 160
DAY = Limits(Measure.CHANCE_1D, ((Status.CRITICAL, Fraction(1, 20)),))


def row(later: int = 0) -> Row:
    """So many seconds later, nothing having changed."""
    block = replace(BLOCK, timestamp=BLOCK.timestamp + later)
    return Row(TOY, LOOP, read(KEY, block, LOOP), False, ())


def policy(*limits: Limits, foretold: Foretold | None = None) -> Policy:
    """By health alone the position is safe."""
    said = {} if foretold is None else {KEY: foretold}
    return Policy((), (), VOLATILE, CORRELATED, limits, said, every=3_600)


def verdict(of: Policy, later: int = 0) -> Judgement:
    found = of.judge(row(later=later))
    assert isinstance(found, Judgement)
    return found


def chances(at: int, **by: str) -> Foretold:
    told = {Measure(name): Told(at, Fraction(one), Fraction("0.0024")) for name, one in by.items()}
    return Foretold(at, told, "too few prices of WETH are stored")


def test_a_figure_makes_the_status_of_a_position_that_health_calls_safe() -> None:
    assert verdict(policy()).status is Status.SAFE
    limit = Limits(Measure.LTV, ((Status.WARN, Fraction("0.5")),))
    found = verdict(policy(limit))
    assert (found.status, found.clears) == (Status.WARN, Status.WARN)
    mine = replace(limit, wallet=owner(KEY), steps=((Status.WARN, Fraction("0.6")),))
    assert verdict(policy(limit, mine)).status is Status.SAFE


def test_the_alert_says_which_figure_made_it_and_offers_no_fix_of_a_health_that_is_fine() -> None:
    of = policy(Limits(Measure.LTV, ((Status.WARN, Fraction("0.5")),)))
    seen, judgement = row(), verdict(of)
    standing, _ = step(None, sighting(seen.reading, verdict(policy()), 1, confirmed=True))
    later = replace(seen.reading, block=replace(seen.reading.block, hash=HexStr("0x02")))
    _, (change,) = step(standing, sighting(later, judgement, 2, confirmed=True))
    said = told(change, seen, judgement, None, of)
    assert (said.before, said.after) == (Status.SAFE, Status.WARN)
    assert said.cause == "ltv is 56.25 %, warn above 50.00 %"
    assert said.fixes == ()


def test_each_kind_of_figure_is_told_in_its_own_unit() -> None:
    over = verdict(policy(Limits(Measure.EQUITY_OVER_MM, ((Status.DANGER, Fraction("4.5")),))))
    assert crossed(over) == "equity_over_mm is 4.3750, danger below 4.5000"
    lasting = verdict(policy(Limits(Measure.RUNWAY_FULL, ((Status.WATCH, Fraction(1000 * 86_400)),))))
    assert lasting.runway is not None
    assert lasting.runway.full is not None
    assert crossed(lasting) == f"runway_full is {lasting.runway.full // 86_400} d, watch below 1000 d"
    assert crossed(verdict(policy())) == ""


def test_a_chance_holds_for_twice_the_time_between_appraisals_and_is_not_told_after() -> None:
    of = policy(DAY, foretold=chances(row().reading.block.timestamp, chance_1d="0.06"))
    assert (verdict(of).status, verdict(of, 7_200).status) == (Status.CRITICAL, Status.CRITICAL)
    assert crossed(verdict(of)) == "chance_1d is 6.00 % ± 0.24 %, critical above 5.00 %"
    late = verdict(of, 7_201)
    assert (late.status, late.crossed) == (Status.SAFE, None)
    assert [one.reason for one in late.untold] == ["the last appraisal that told it is 7201 s old"]
    assert late.clears is Status.CRITICAL  # what it last held down is not safe by silence
    small = policy(DAY, foretold=chances(row().reading.block.timestamp, chance_1d="0.01"))
    assert verdict(small, 7_201).clears is Status.SAFE


def test_where_no_chance_is_known_the_reading_says_why() -> None:
    assert [one.reason for one in verdict(policy(DAY)).untold] == ["no appraisal of it is known"]
    bare = policy(DAY, foretold=chances(row().reading.block.timestamp, chance_7d="0.5"))
    doubt = Doubt(DoubtKind.UNTOLD, "chance_1d is not told: too few prices of WETH are stored")
    assert judged(row().reading, verdict(bare)).doubts[-1] == doubt
    began = row().reading.block.timestamp
    newer = replace(bare.foretold[KEY], chances={Measure.CHANCE_1D: Told(began - 7_200, Fraction("0.9"), None)})
    lost = verdict(policy(DAY, foretold=newer), 1)  # the newest appraisal could not tell what one before it did
    assert [(one.reason, one.last) for one in lost.untold] == [("too few prices of WETH are stored", Fraction("0.9"))]


def test_only_a_limit_on_a_chance_needs_foresight() -> None:
    assert policy(DAY).foresees
    assert not policy(Limits(Measure.LTV, ((Status.WARN, Fraction("0.5")),))).foresees
