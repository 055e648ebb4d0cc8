"""The search for the block since which a position could be liquidated, on lives written down as blocks that were open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.chronicle.crossing import Found, crossing


def searched(
    opened: Callable[[int], bool], last: int, floor: int = 0, marks: tuple[int, ...] = ()
) -> tuple[Found, int]:
    """What is found, and how many blocks were looked at."""
    search, looks = crossing(last, floor, marks), 0
    try:
        wanted = next(search)
        while True:
            looks += 1
            assert floor <= wanted < last
            wanted = search.send(opened(wanted))
    except StopIteration as stop:
        found: Found = stop.value
        return found, looks


@given(st.integers(1, 100_000), st.integers(0, 100_000))
def test_a_single_crossing_is_found_exactly_in_few_looks(first: int, more: int) -> None:
    found, looks = searched(lambda block: block >= first, first + more)
    assert found == Found(first, bounded=False)
    assert looks <= 2 * (more + 1).bit_length() + 1


def test_of_two_stretches_it_is_the_last_one() -> None:
    lives = {*range(10, 20), *range(50, 61)}
    assert searched(lives.__contains__, 60)[0] == Found(50, bounded=False)


@pytest.mark.parametrize("floor", [0, 7, 99, 100])
def test_what_was_open_all_along_is_open_at_least_since_the_end_of_the_search(floor: int) -> None:
    assert searched(lambda _: True, 100, floor)[0] == Found(floor, bounded=True)


def test_a_healthy_block_between_two_looks_is_passed_over_as_the_definition_says() -> None:
    # looks at 99, 98, 96, 92, …: the healthy block 97 falls between two of them
    found, _ = searched(lambda block: block != 97 and block >= 93, 100)
    assert found == Found(93, bounded=False)


@given(st.sets(st.integers(0, 299), max_size=20), st.integers(0, 300))
def test_no_block_in_which_the_position_was_changed_is_passed_by(healthy: set[int], first: int) -> None:
    found, _ = searched(lambda block: block >= first and block not in healthy, 300, marks=(*healthy, 300))
    assert found == Found(max((first, *(block + 1 for block in healthy))), bounded=first == 0 and not healthy)
