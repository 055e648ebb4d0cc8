"""What is wrong for longer is said when it begins and when it is over; what could not be looked at is not over."""

from __future__ import annotations

from watcher.watching.concerns import Concerns, Subject

STALE = Subject("market", "stale")
CAPPED = Subject("market", "capped")


def test_a_concern_is_said_once_while_it_lasts_though_its_words_change() -> None:
    first = Concerns().after({"market"}, {STALE: "27 hours"})
    assert (first.began, first.over) == ({STALE: "27 hours"}, {})
    second = first.concerns.after({"market"}, {STALE: "28 hours"})
    assert (second.began, second.over) == ({}, {})
    third = second.concerns.after({"market"}, {})
    assert (third.began, third.over) == ({}, {STALE: "28 hours"})
    assert third.concerns == Concerns()


def test_what_was_not_looked_at_is_not_over() -> None:
    first = Concerns().after({"market"}, {STALE: "27 hours"})
    blind = first.concerns.after(set(), {})
    assert (blind.began, blind.over) == ({}, {})
    assert blind.concerns.after({"market"}, {}).over == {STALE: "27 hours"}


def test_two_concerns_about_one_thing_come_and_go_by_themselves() -> None:
    first = Concerns().after({"market"}, {STALE: "old"})
    second = first.concerns.after({"market"}, {STALE: "old", CAPPED: "held down"})
    assert second.began == {CAPPED: "held down"}
    third = second.concerns.after({"market"}, {CAPPED: "held down"})
    assert (third.began, third.over) == ({}, {STALE: "old"})


def test_one_that_comes_back_is_said_again() -> None:
    over = Concerns().after({"market"}, {STALE: "old"}).concerns.after({"market"}, {}).concerns
    assert over.after({"market"}, {STALE: "old"}).began == {STALE: "old"}
