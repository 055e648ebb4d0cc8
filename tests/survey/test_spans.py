"""Ranges of blocks against the sets of numbers that they stand for."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from watcher.survey.spans import Span, blocks, merged, missing, pieces

SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=8
)


def numbers(spans: list[Span] | tuple[Span, ...]) -> set[int]:
    return {number for first, last in spans for number in range(first, last + 1)}


@given(SPANS)
def test_merged_ranges_are_the_same_blocks_and_do_not_touch(spans: list[Span]) -> None:
    found = merged(spans)
    assert numbers(found) == numbers(spans)
    assert blocks(found) == len(numbers(spans))
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(found))


@given(SPANS, st.integers(0, 30), st.integers(0, 30))
def test_what_is_missing_is_what_was_not_read(spans: list[Span], first: int, length: int) -> None:
    wanted = set(range(first, first + length))
    assert numbers(missing(first, first + length - 1, spans)) == wanted - numbers(spans)


@given(SPANS, st.integers(1, 9))
def test_pieces_are_no_larger_than_asked_and_leave_nothing_out(spans: list[Span], most: int) -> None:
    found = list(pieces(spans, most))
    assert numbers(found) == numbers(spans)
    assert all(0 < last - first + 1 <= most for first, last in found)
