from __future__ import annotations

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.letters import NOW, change, recovery, retraction, unknown
from tests.health.test_fold import histories
from watcher.alerts.plan import LAST_RETRY, Letter, patience, plan
from watcher.health.fold import fold
from watcher.model import Sighting, Status, Transition


def waiting(*changes: Transition, tried: Collection[str] = (), later: Collection[str] = ()) -> list[Letter]:
    """Each letter due when its transition is, or after a failed try in a minute."""
    return [Letter(one, int(one.id in tried), NOW + 60 if one.id in later else (one.due or 0)) for one in changes]


def told(letters: list[Letter], seen: Collection[str] = (), now: int = NOW) -> tuple[list[str], list[str]]:
    made = plan(letters, seen, now)
    return [letter.transition.id for letter in made.send], sorted(made.drop)


def test_what_is_due_goes_in_the_order_of_its_causes() -> None:
    assert told(waiting(change("a"), change("b"), change("c"))) == (["a", "b", "c"], [])


def test_an_unknown_waits_for_its_time_and_holds_nothing_up() -> None:
    letters = waiting(unknown("u"), change("b"))
    assert told(letters) == (["b"], [])
    assert plan(letters, (), NOW).wake == NOW + 300
    assert told(letters, now=NOW + 300) == (["u", "b"], [])


def test_an_unknown_that_recovers_before_its_time_is_told_by_nobody() -> None:
    assert told(waiting(unknown("u"), recovery("r", "u"))) == ([], ["r", "u"])


def test_a_recovery_is_told_where_the_unknown_was() -> None:
    assert told(waiting(recovery("r", "u")), seen={"u"}) == (["r"], [])
    assert told(waiting(unknown("u"), recovery("r", "u"), tried={"u"}, later={"u"})) == (["r"], ["u"])


def test_a_recovery_into_something_worse_is_told_instead_of_the_unknown() -> None:
    assert told(waiting(unknown("u"), recovery("r", "u", news=True))) == (["r"], ["u"])


def test_f19_a_retraction_is_told_where_what_it_takes_back_may_have_been_seen() -> None:
    assert told(waiting(change("a"), retraction("x", "a"))) == ([], ["a", "x"])
    assert told(waiting(retraction("x", "a")), seen={"a"}) == (["x"], [])
    assert told(waiting(change("a"), retraction("x", "a"), tried={"a"})) == (["x"], ["a"])


def test_f19_a_recovery_that_a_reorg_took_back_leaves_the_unknown_to_be_told() -> None:
    letters = waiting(unknown("u"), recovery("r", "u"), retraction("x", "r"))
    assert told(letters, now=NOW + 300) == (["u"], ["r", "x"])


def test_f50_a_letter_that_failed_holds_up_those_behind_it() -> None:
    letters = waiting(change("a"), change("b"), tried={"a"}, later={"a"})
    assert told(letters) == ([], [])
    assert plan(letters, (), NOW).wake == NOW + 60
    assert told(letters, now=NOW + 60) == (["a", "b"], [])


def test_tries_come_at_growing_intervals_up_to_a_quarter_of_an_hour() -> None:
    assert [patience(tries) for tries in (1, 2, 3, 4, 5, 6, 7, 8, 100)] == [15, 30, 60, 120, 240, 480, 900, 900, 900]
    assert LAST_RETRY == 900


@given(history=histories(), rounds=st.lists(st.integers(0, 40), max_size=6))
def test_f52_whatever_happens_every_worsening_is_told_once_and_a_recovery_never_alone(
    history: list[Sighting], rounds: list[int]
) -> None:
    """The transitions of a history, told at some points in between, each delivery succeeding."""
    _, changes = fold(history)
    stored = {one.id: one for one in changes}  # the earlier due is the later made
    said: list[str] = []
    gone: set[str] = set()
    for until in (*sorted(min(1 + each, len(history)) for each in rounds), len(history)):
        now = history[until - 1].read_at
        known = [one for one in stored.values() if one.read_at <= now and one.due is not None]
        letters = [Letter(one, 0, one.due or 0) for one in known if one.id not in gone]
        made = plan(letters, set(said), now)
        said += [letter.transition.id for letter in made.send]
        gone |= {*made.drop, *said}
    assert len(said) == len(set(said))
    for one in stored.values():
        if one.due is None:
            assert one.id not in said
        elif one.recovers is None and one.after is not Status.UNKNOWN:
            assert one.id in said
        elif one.recovers is not None:
            assert (one.id in said) == (one.news or one.recovers in said)


def test_f60_what_was_put_off_before_the_clock_went_back_an_hour_is_told_now() -> None:
    letters = [Letter(change("a"), 0, NOW + 3_600), Letter(change("b"), 2, NOW + 3_660), Letter(change("c"), 0, NOW)]
    assert told(letters) == (["a", "b", "c"], [])
