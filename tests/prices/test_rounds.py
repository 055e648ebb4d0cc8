"""Looking for a time among rounds, without a chain: any holes, any number of phases."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from eth_typing import ChecksumAddress
from hypothesis import given
from hypothesis import strategies as st

from watcher.errors import AnswerError
from watcher.prices.rounds import Feed, Phase, read, search
from watcher.query import Batch, Query

FEED = ChecksumAddress("0x" + "01" * 20)  # type: ignore[arg-type]


def made(*rounds: int) -> Feed:
    return Feed(FEED, "ETH / USD", 8, FEED, 0, tuple(Phase(number, count) for number, count in enumerate(rounds, 1)))


def answered(query: Query[object], times: Mapping[int, int]) -> object:
    """Run a query against rounds by id; those without a time revert."""
    try:
        reads = next(query)
        while True:
            (batch,) = reads
            assert isinstance(batch, Batch)
            rows = [(one, 7, 0, times[one], one) if times.get(one) is not None else None for (one,) in batch.args]
            reads = query.send((rows,))
    except StopIteration as stop:
        return stop.value


@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=4),
    st.sets(st.integers(0, 1600), max_size=200),
    st.integers(0, 1600),
)
def test_everything_at_or_after_a_time_is_behind_the_place_found(
    rounds: list[int], holes: set[int], wanted: int
) -> None:
    feed = made(*rounds)
    times = {feed.id(place): place + 1 for place in range(feed.total) if place not in holes}
    place = answered(search(feed, wanted), times)
    assert isinstance(place, int)
    assert all(later + 1 >= wanted or later in holes for later in range(place, feed.total))
    assert not any(earlier + 1 >= wanted and earlier not in holes for earlier in range(place))


def test_rounds_are_numbered_by_phase() -> None:
    feed = made(2, 3)
    assert [feed.id(place) - (1 << 64) for place in range(2)] == [1, 2]
    assert [feed.id(place) - (2 << 64) for place in range(2, 5)] == [1, 2, 3]
    with pytest.raises(IndexError):
        feed.id(5)


def test_a_round_without_a_time_is_none() -> None:
    feed = made(3)
    assert answered(read(feed, 0, 3), {feed.id(0): 5, feed.id(1): 0}) == ((5, 7),)


def test_a_feed_that_answers_for_hardly_any_round_is_given_up() -> None:
    with pytest.raises(AnswerError, match="does not answer for its rounds"):
        answered(search(made(10**6), 5), {})
