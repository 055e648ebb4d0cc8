"""What a curve says of random markets is what each account's own valuation says at that fall, and what `fall` says of its line."""

from __future__ import annotations

from random import Random

import pytest

from tests.book.markets import World, aave_world, morpho_world
from watcher.adapter import Position
from watcher.adapters import adapter
from watcher.errors import WatcherError
from watcher.formula.aave.version import Version
from watcher.health.fall import fall
from watcher.scan.curve import Bonuses, Drawing
from watcher.scan.threshold import thresholds

LAST = 600_000


def worlds() -> list[World]:
    random = Random(11)
    aave = [aave_world(release, random, 20) for release in (Version.V3_0, Version.V3_3, Version.V3_6) for _ in range(3)]
    return [*aave, *(morpho_world(random, 20) for _ in range(4))]


@pytest.mark.parametrize("number", range(13))
def test_each_threshold_is_the_fall_of_the_position(number: int) -> None:
    world = worlds()[number]
    book, of = world.book(), adapter(world.market.protocol)
    placed, lost = thresholds(book, world.quote, None, LAST)
    found = {one.key: one.steps for one in placed}
    unknown = {one.key for one in lost}
    for key, holding in world.holdings.items():
        position = Position(of, world.terms, world.quote, holding)
        try:
            position.value()
        except WatcherError:
            assert key in unknown
            continue
        try:
            wanted = fall(position)
        except WatcherError:  # an absurd answer stops its way of looking, not the floats'
            continue
        if key not in unknown:
            expected = wanted.steps if wanted.steps is not None and wanted.steps <= LAST else None
            assert found.get(key) == expected


@pytest.mark.parametrize("number", range(13))
def test_the_sums_are_those_of_the_accounts_that_have_crossed(number: int) -> None:
    world = worlds()[number]
    book, of = world.book(), adapter(world.market.protocol)
    try:
        curve = Drawing(book, world.quote, (), None, LAST // 2, LAST).curve()
    except WatcherError:
        pytest.fail("a curve is drawn whatever single accounts hold")
    assert [point.steps for point in curve.points] == [0, LAST // 2, LAST]
    counts = [point.all.accounts for point in curve.points]
    assert counts == sorted(counts)
    present = [one for one in curve.thresholds if one.steps == 0]
    values = [of.value(world.terms, world.quote, book.holding(one.row)) for one in present]
    assert (curve.points[0].all.accounts, curve.points[0].all.debt) == (len(values), sum(one.debt for one in values))
    assert all(one.liquidatable for one in values)


def test_bad_debt_is_what_all_collateral_leaves_unpaid_with_its_bonus() -> None:
    world = aave_world(Version.V3_6, Random(2), 40)
    book, bonuses = world.book(), Bonuses.of(world.book())
    for _, held in book.holdings():
        try:
            seen = book.adapter.value(world.terms, world.quote, held)
        except WatcherError:
            continue
        left = bonuses.uncovered(seen, 0)
        assert 0 <= left <= seen.debt
        if seen.debt > seen.collateral:
            assert left >= seen.debt - seen.collateral
