"""Other prices, loops and totals: the same answers in columns as position by position."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.situations import ASSETS
from tests.book.markets import LINES, RELEASES, World, aave_world, morpho_world
from tests.book.test_verdict import assert_bounded, exactly
from watcher.book.loops import loops
from watcher.book.quoted import quoted
from watcher.book.revalue import movers, revalue, scenarios, sums
from watcher.book.screen import screen
from watcher.book.totals import totals
from watcher.book.verdict import Lines, verdict
from watcher.errors import WatcherError
from watcher.health.correlated import Group, closed
from watcher.model import Side, Token

SEEDS = st.integers(0, 2**63)
OFTEN = settings(deadline=None)


def any_world(seed: int, size: int = 8) -> World:
    random = Random(seed)
    if random.random() < 0.2:
        return morpho_world(random, size)
    return aave_world(random.choice(RELEASES), random, size)


@OFTEN
@given(seed=SEEDS)
def test_the_bounds_hold_under_any_prices(seed: int) -> None:
    world, random = any_world(seed), Random(seed)
    book = world.book()
    assets = random.sample(movers(book).assets, min(2, len(movers(book).assets)))
    prices = {asset: random.randrange(0, 10**14) for asset in assets}
    seen = revalue(book, world.quote, prices)
    moved = replace(world, quote=book.adapter.reprice(world.terms, world.quote, prices))
    for row, exact in enumerate(exactly(moved)):
        assert bool(seen.unknown[row]) <= (exact is None)
        if exact is not None:
            assert_bounded(seen, row, exact)


@OFTEN
@given(seed=SEEDS)
def test_a_factor_on_a_price_does_what_that_price_does(seed: int) -> None:
    world, random = any_world(seed), Random(seed)
    book = world.book()
    columns, moving = quoted(book, world.quote), movers(book)
    answers = {price.token.address: price.answer for price in book.adapter.prices(world.terms, world.quote)}
    factors = np.array([2.0 ** random.randrange(-3, 4) for _ in moving.assets])
    prices = {
        asset: int(answer * factor)
        for asset, factor in zip(moving.assets, factors.tolist(), strict=True)
        if (answer := answers.get(asset)) is not None and answer % 8 == 0
    }
    factors = np.array(
        [factor if asset in prices else 1.0 for asset, factor in zip(moving.assets, factors, strict=True)]
    )
    (ours,) = scenarios(book, columns.value, [factors])
    theirs = sums(book, quoted(book, book.adapter.reprice(world.terms, world.quote, prices)).value)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-13)


GROUPS = (
    Group("one", frozenset((ASSETS[0][0].address, ASSETS[1][0].address))),
    Group("two", frozenset((ASSETS[1][0].address, ASSETS[2][0].address, ASSETS[3][0].address))),
    Group("elsewhere", frozenset()),
)


@OFTEN
@given(seed=SEEDS)
def test_a_loop_is_what_its_valuation_says(seed: int) -> None:
    world = any_world(seed, 14)
    book = world.book()
    groups: tuple[Group, ...] = GROUPS
    if world.market.protocol == "morpho_blue":
        pair = {column.token.address for column in book.columns}
        groups = (*GROUPS, Group("both", frozenset(pair)))
    found = loops(book, world.quote, screen(book, world.quote), groups)
    for row, exact in enumerate(exactly(world)):
        group = None if exact is None else closed(exact, groups)
        assert found[row] == (-1 if group is None else groups.index(group))


@OFTEN
@given(seed=SEEDS)
def test_totals_are_the_sums_of_the_legs(seed: int) -> None:
    world = any_world(seed)
    book = world.book()
    judged = verdict(book, world.quote, Lines((LINES,)))
    classes = np.array([row % 2 for row in range(len(book))], np.intp)
    found = {(each.token, each.side): each.values for each in totals(book, judged, classes, 2)}
    if judged.unknown.any():
        return
    sums_: dict[tuple[Token, Side], list[int]] = defaultdict(lambda: [0, 0])
    for row, exact in enumerate(exactly(world)):
        assert exact is not None
        for leg in exact.legs:
            if leg.side is not Side.DEPOSIT:
                sums_[leg.token, leg.side][row % 2] += leg.value
    grain = float(np.nanmax(judged.screen.quoted.grain))
    for key, values in sums_.items():
        for ours, theirs in zip(found.get(key, (0.0, 0.0)), values, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-12, abs=grain * len(book) + 1)


def test_a_total_without_a_price_is_none_and_not_nothing() -> None:
    world = aave_world(RELEASES[4], Random(11), 12)
    gone: Any = replace(world.quote, prices=tuple(None for _ in world.quote.prices))
    book = world.book()
    judged = verdict(book, gone, Lines((LINES,)))
    found = totals(book, judged, np.zeros(len(book), np.intp), 1)
    assert found and all(each.values == (None,) for each in found)
    assert judged.unknown[judged.owes].all()


def test_who_is_valued_alone_is_in_the_totals_too() -> None:
    for seed in range(200):
        world = aave_world(RELEASES[0], Random(seed), 6)
        book = world.book()
        judged = verdict(book, world.quote, Lines((LINES,)))
        told = [row for row in np.flatnonzero(book.alone) if not isinstance(judged.exact[int(row)], WatcherError)]
        if told and not judged.unknown.any():
            break
    found = totals(book, judged, np.arange(len(book)), len(book))
    exact: Any = judged.exact[int(told[0])]
    debts = sum(leg.value for leg in exact.legs if leg.side is Side.DEBT)
    assert debts == pytest.approx(
        sum(each.values[told[0]] or 0 for each in found if each.side is Side.DEBT), rel=1e-12, abs=1
    )
