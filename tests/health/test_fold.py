from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.health.heads import SECONDS, head, seen, series, wad
from tests.health.toy import KEY
from watcher.health.bands import CORRELATED, LADDER, reaches
from watcher.health.fold import BLIND_SECONDS, fold, resumed, retractions, step
from watcher.model import Sighting, Status, Transition
from watcher.units import WAD, Wad


def told(text: str) -> list[str]:
    """The transitions of a series, as `3 watch>warn`: the head's number, before and after. The first reading's is left out."""
    _, changes = fold(series(text))
    return [f"{c.block.number} {c.before}>{c.after}" for c in changes[1:]]


def test_worse_is_at_once() -> None:
    assert told("1.60 1.49 1.20 1.05 1.01 0.99") == [
        "2 safe>watch",
        "3 watch>warn",
        "4 warn>danger",
        "5 danger>critical",
        "6 critical>liquidatable",
    ]
    assert told("1.60 0.50") == ["2 safe>liquidatable"]


def test_better_needs_the_raised_threshold_on_three_heads() -> None:
    assert told("1.49 1.60 1.60 1.60") == ["4 watch>safe"]
    assert told("1.49 1.60 1.60 1.59 1.60 1.60") == []
    assert told("1.49 1.59 1.59 1.59 1.59") == []
    assert told("0.99 1.005 1.005 1.005 1.006 1.006 1.006") == ["7 liquidatable>critical"]


def test_it_rises_as_far_as_all_three_heads_allow() -> None:
    assert told("1.01 1.70 1.31 1.70") == ["4 critical>watch"]
    assert told("1.01 1.70 1.31 1.70 1.70 1.70 1.70") == ["4 critical>watch", "7 watch>safe"]


def test_f52_an_oscillation_around_a_threshold_is_one_alert() -> None:
    assert told("1.60 " + "1.49 1.51 " * 50) == ["2 safe>watch"]
    assert told("1.60 " + "0.999 1.001 " * 50) == ["2 safe>liquidatable"]


@given(st.lists(st.integers(WAD * 149 // 100, WAD * 159 // 100), max_size=60))
def test_f52_nothing_between_a_threshold_and_what_clears_it_is_told_twice(healths: list[int]) -> None:
    _, changes = fold([seen(at, Wad(health)) for at, health in enumerate([WAD * 2, *healths])])
    assert len(changes) <= 2


def test_a_loop_at_1_03_is_no_alarm_by_itself() -> None:
    _, changes = fold(series("1.0305 1.031 1.0300 1.0304 1.0301", bands=CORRELATED))
    assert [(c.after, c.due) for c in changes] == [(Status.WATCH, None)]


def test_the_first_reading_is_told_where_it_is_a_reason_to_look() -> None:
    for text, loud in [("-", False), ("2.00", False), ("1.30", False), ("1.20", True), ("0.90", True)]:
        _, (first,) = fold(series(text))
        assert first.before is None
        assert (first.due is not None) is loud


def test_borrowing_is_at_once_and_repaying_everything_counts_when_it_lasts() -> None:
    assert told("- 2.00 - - -") == ["2 no_debt>safe", "5 safe>no_debt"]
    assert told("1.01 - - -") == ["4 critical>no_debt"]


def test_unknown_is_stored_at_once_and_told_after_five_minutes() -> None:
    _, (_, blind) = fold(series("2.00 ?"))
    assert (blind.before, blind.after, blind.health_before, blind.health) == (
        Status.SAFE,
        Status.UNKNOWN,
        wad("2"),
        None,
    )
    assert blind.due == blind.read_at + BLIND_SECONDS == blind.read_at + 300
    assert blind.cause == "the oracle reverts"


def test_unknown_is_told_with_its_third_cycle_where_that_is_sooner() -> None:
    _, (_, blind, sooner) = fold(series("2.00 ? ? ? ? ?"))
    assert sooner.id == blind.id
    assert sooner.due == head(4).timestamp == blind.read_at + 2 * SECONDS


def test_a_third_cycle_after_the_five_minutes_makes_nothing_later() -> None:
    hourly = [seen(number, "?") for number in (1, 301, 601)]
    _, changes = fold(hourly)
    assert len(changes) == 1


def test_recovery_answers_the_unknown_and_returns_to_where_it_stood() -> None:
    _, (_, blind, back) = fold(series("1.20 ? 2.00"))
    assert (back.before, back.after, back.recovers, back.news) == (Status.UNKNOWN, Status.WARN, blind.id, False)
    assert back.health_before == wad("1.2")
    assert told("1.20 ? 2.00 2.00 2.00 2.00")[-1] == "6 warn>safe"


def test_a_recovery_into_something_worse_is_news_even_where_the_unknown_was_not_told() -> None:
    _, (_, blind, worse) = fold(series("1.20 ? 0.90"))
    assert (worse.after, worse.recovers, worse.news) == (Status.LIQUIDATABLE, blind.id, True)
    _, (blind, known) = fold(series("? 1.20"))
    assert (known.before, known.after, known.recovers, known.news) == (Status.UNKNOWN, Status.WARN, blind.id, True)
    _, (_, fine) = fold(series("? 2.00"))
    assert fine.news is False


def test_f14_unknown_heads_interrupt_a_rise() -> None:
    assert told("1.40 1.70 1.70 ? 1.70 1.70 1.70")[-1] == "5 unknown>watch"
    assert told("1.40 1.70 1.70 ? 1.70 1.70 1.70 1.70")[-1] == "8 watch>safe"


def test_a_fall_is_unconfirmed_by_its_own_reading_and_a_rise_by_any_of_its_three() -> None:
    _, (_, fall) = fold([seen(1, "2.0"), seen(2, "1.2", confirmed=False)])
    assert not fall.confirmed
    rising = [seen(2, "2.0"), seen(3, "2.0", confirmed=False), seen(4, "2.0")]
    _, (_, rise) = fold([seen(1, "1.4"), *rising])
    assert (rise.after, rise.confirmed) == (Status.SAFE, False)
    _, changes = fold(
        [seen(1, "1.4"), seen(2, "2.0", confirmed=False), seen(3, "1.4"), *(seen(n, "2") for n in (4, 5, 6))]
    )
    assert changes[-1].confirmed


def test_f48_the_same_block_twice_changes_nothing_and_counts_once() -> None:
    standing, changes = fold([seen(1, "1.4"), seen(1, "1.4"), *[seen(2, "2.0")] * 5, *[seen(3, "2.0")] * 5])
    assert len(changes) == 1
    assert standing is not None
    assert standing.status is Status.WATCH
    _, changes = step(standing, seen(4, "2.0"))
    assert [c.after for c in changes] == [Status.SAFE]


def test_a_gap_makes_no_transition_and_the_next_reading_is_compared_with_where_it_stood() -> None:
    _, changes = fold([*series("1.40 1.40"), *series("1.40 1.20", start=5_000)])
    assert [(c.block.number, c.after) for c in changes] == [(1, Status.WATCH), (5_001, Status.WARN)]


LEVELS = "- 2.0 1.61 1.6 1.55 1.49 1.31 1.24 1.13 1.1 1.05 1.02 1.004 0.9 0.1"
healths = st.sampled_from([*LEVELS.split(), *"???????"])


@st.composite
def histories(draw: st.DrawFn) -> list[Sighting]:
    found, number = [], 0
    for word in draw(st.lists(healths, min_size=1, max_size=40)):
        number += draw(st.sampled_from((1, 1, 1, 2, 40)))
        found.append(seen(number, None if word == "-" else word, confirmed=draw(st.booleans())))
    return found


def key_facts(changes: tuple[Transition, ...]) -> dict[str, Transition]:
    """What a store keeps: the last of each id, where the earlier `due` wins."""
    return {change.id: change for change in changes}


@given(history=histories(), data=st.data())
@settings(max_examples=300)
def test_f42_taken_up_again_at_any_point_it_makes_the_same_transitions(
    history: list[Sighting], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(history)))
    _, before = fold(history[:cut])
    _, whole = fold(history)
    stored = key_facts(before)
    last = list(stored.values())[-1]
    since = [one for one in history[:cut] if one.block.number > last.block.number]
    for kept in (since, since[-3:]):
        _, after = fold(history[cut:], resumed(last, kept))
        assert stored | key_facts(after) == key_facts(whole)


@given(history=histories(), fork=histories(), data=st.data())
@settings(max_examples=200)
def test_f19_after_a_reorg_the_canonical_readings_alone_say_what_stands(
    history: list[Sighting], fork: list[Sighting], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(history)))
    kept, orphans = history[:cut], {one.block.hash for one in history[cut:]}
    _, stored = fold(history)
    standing, replayed = fold(kept)
    gone = [change for change in key_facts(stored).values() if change.block.hash in orphans]
    assert [c.id for c in key_facts(stored).values() if c not in gone] == list(key_facts(replayed))
    taken_back = retractions(gone, standing, head(1_000, "b"), 5_000_000)
    assert [c.retracts for c in taken_back] == [c.id for c in reversed(gone)]
    assert {c.after for c in taken_back} <= {Status.UNKNOWN if standing is None else standing.status}
    assert len({c.id for c in (*taken_back, *stored)}) == len(taken_back) + len(key_facts(stored))


def test_f19_the_same_change_on_another_branch_is_another_transition() -> None:
    _, (_, here) = fold([seen(1, "2.0"), seen(2, "1.2")])
    _, (_, there) = fold([seen(1, "2.0"), seen(2, "1.2", fork="b")])
    assert here.id != there.id
    (back,) = retractions([here], fold([seen(1, "2.0")])[0], head(2, "b"), 7)
    assert (back.key, back.before, back.after, back.health, back.retracts) == (
        KEY,
        Status.WARN,
        Status.SAFE,
        wad("2"),
        here.id,
    )
    assert retractions([back], None, head(3, "b"), 8) == ()


def test_f19_a_retracted_recovery_is_news_where_it_leaves_an_unknown() -> None:
    """Its unknown may have been dropped unheard, because it had recovered."""
    _, changes = fold(series("1.40 ? 1.40"))
    left, _ = fold(series("1.40 ?"))
    (back,) = retractions(changes[-1:], left, head(3, "b"), 7)
    assert (back.after, back.news) == (Status.UNKNOWN, True)
    (gone,) = retractions(changes[:1], None, head(3, "b"), 7)
    assert (gone.after, gone.news) == (Status.UNKNOWN, False)


@given(history=histories())
@settings(max_examples=300)
def test_every_worsening_is_exactly_one_transition_and_unknown_never_reads_as_better(history: list[Sighting]) -> None:
    standing = None
    for one in history:
        before, (standing, changes) = standing, step(standing, one)
        assert len(changes) <= 1
        assert (standing.status is Status.UNKNOWN) == (one.status is Status.UNKNOWN)
        if one.status is not Status.UNKNOWN:
            assert reaches(standing.status, one.status), "shown better than it is"
            if before is not None and before.status in LADDER and not reaches(before.status, one.status):
                assert [c.after for c in changes] == [one.status]


@given(history=histories())
def test_transitions_hang_together(history: list[Sighting]) -> None:
    _, changes = fold(history)
    for earlier, later in pairwise(key_facts(changes).values()):
        assert later.before is earlier.after
        assert later.before is not later.after
        assert (later.recovers == earlier.id) is (earlier.after is Status.UNKNOWN)
