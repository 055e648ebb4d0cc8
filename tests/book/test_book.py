"""A book that followed its market is the book that one would make afresh."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.book.markets import LINES, RELEASES, World, aave_world, morpho_world
from watcher.adapters import adapter
from watcher.book.book import Book
from watcher.book.canon import differences
from watcher.book.screen import screen
from watcher.book.verdict import Lines, verdict
from watcher.formula.aave.version import Version
from watcher.model import PositionKey

SEEDS = st.integers(0, 2**63)


def of(holding: Any, key: PositionKey) -> Any:
    return replace(holding, key=key)


def empty(world: World) -> Book[Any, Any, Any]:
    return Book(world.market, adapter(world.market.protocol), world.terms, {})


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_positions_that_came_changed_and_left_leave_the_columns_of_those_that_are_there(seed: int) -> None:
    random = Random(seed)
    world = random.choice((lambda: aave_world(Version.V3_6, random, 10), lambda: morpho_world(random, 10)))()
    book, now = empty(world), dict[PositionKey, Any]()
    for _ in range(12):
        names = [key for key in world.holdings if random.random() < 0.4]
        moved = {key: of(world.holdings[random.choice(list(world.holdings))], key) for key in names}
        book.put(moved)
        now |= moved
        gone = [key for key in now if random.random() < 0.2]
        book.drop(gone)
        for key in gone:
            del now[key]
    fresh = Book(world.market, book.adapter, world.terms, now)
    assert differences(book, fresh) == ()
    assert dict(book.holdings()) == now
    assert [book.row(key) for key in book.keys] == list(range(len(now)))
    one, other = (verdict(each, world.quote, Lines((LINES,))) for each in (book, fresh))
    for key in now:
        mine, theirs = book.row(key), fresh.row(key)
        assert (one.level[mine], one.liquidatable[mine]) == (other.level[theirs], other.liquidatable[theirs])


def test_a_thousand_updates_of_one_position_are_swept_out() -> None:
    world = aave_world(Version.V3_6, Random(5), 6)
    book = world.book()
    for number in range(3_000):
        book.put({key: holding for key, holding in world.holdings.items() if number % 2 or key != book.keys[0]})
    sizes = [table.used for table in (book.held, book.owed, book.read)]
    assert max(sizes) < 5_000
    assert differences(book, world.book()) == ()


@pytest.mark.parametrize("release", RELEASES)
def test_other_terms_make_every_column_again(release: Version) -> None:
    one, other = aave_world(release, Random(1), 8), aave_world(release, Random(2), 8)
    moved = one.book().retermed(other.terms)
    assert differences(moved, Book(one.market, moved.adapter, other.terms, one.holdings)) == ()


def test_a_difference_is_named() -> None:
    world = morpho_world(Random(3), 6)
    book = world.book()
    key = book.keys[0]
    book.put({key: of(next(reversed(list(world.holdings.values()))), key)})
    assert "holding" in differences(book, world.book())


def test_a_position_that_is_not_there_is_a_key_error() -> None:
    book = morpho_world(Random(4), 3).book()
    with pytest.raises(KeyError):
        book.drop([PositionKey("elsewhere", b"")])
    with pytest.raises(KeyError):
        book.row(PositionKey("elsewhere", b""))


def test_an_empty_market_is_screened_to_nothing() -> None:
    world = aave_world(Version.V3_0, Random(6), 1)
    judged = verdict(empty(world), world.quote, Lines((LINES,)))
    assert (len(judged.level), judged.exact) == (0, {})
    assert not np.size(screen(empty(world), world.quote).health.low)
