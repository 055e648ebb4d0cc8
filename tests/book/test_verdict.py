"""No position of a random book is judged otherwise than by its exact value: on a line, one wad unit above and below it, or anywhere."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.book.markets import LINES, RELEASES, TIGHT, World, aave_world, morpho_world
from watcher.adapters import adapter
from watcher.book.screen import Bounds, Screen
from watcher.book.verdict import Lines, verdict
from watcher.errors import WatcherError
from watcher.formula.aave.version import Version
from watcher.model import Valuation
from watcher.units import WAD

SEEDS = st.integers(0, 2**63)
OFTEN = settings(deadline=None)


def exactly(world: World) -> list[Valuation | None]:
    """What `value` says of every position, None where it is unknown."""
    found: list[Valuation | None] = []
    for holding in world.holdings.values():
        try:
            found.append(adapter(world.market.protocol).value(world.terms, world.quote, holding))
        except WatcherError:
            found.append(None)
    return found


def assert_judged(world: World, random: Random) -> None:
    book = world.book()
    of = np.array([random.randrange(2) for _ in range(len(book))], np.intp)
    sets = (LINES, TIGHT)
    judged = verdict(book, world.quote, Lines(sets, of))
    assert not (judged.screen.open & judged.screen.unknown).any()
    for row, exact in enumerate(exactly(world)):
        assert bool(judged.unknown[row]) == (exact is None)
        if exact is None:
            assert (judged.level[row], judged.liquidatable[row]) == (-1, False)
            continue
        below = 0 if exact.health is None else sum(exact.health < line for line in sets[of[row]])
        got = judged.owes[row], judged.liquidatable[row], judged.level[row]
        assert got == (exact.health is not None, exact.liquidatable, below)
        assert_bounded(judged.screen, row, exact)


def assert_bounded(seen: Screen, row: int, exact: Valuation) -> None:
    if seen.open[row]:
        return
    grain = 10 ** (exact.line.unit.decimals - exact.unit.decimals)
    assert_within(seen.weighted, row, Fraction(exact.line.weighted, grain))
    assert_within(seen.debt, row, Fraction(exact.debt))
    if exact.health is not None:
        assert_within(seen.health, row, Fraction(exact.health, WAD))


def assert_within(bounds: Bounds, row: int, exact: Fraction) -> None:
    low, high = float(bounds.low[row]), float(bounds.high[row])
    assert Fraction(low) <= exact <= Fraction(high)


@pytest.mark.parametrize("release", RELEASES)
@OFTEN
@given(seed=SEEDS)
def test_an_aave_position_is_judged_as_by_its_exact_value(release: Version, seed: int) -> None:
    random = Random(seed)
    assert_judged(aave_world(release, random, 8), random)


@OFTEN
@given(seed=SEEDS)
def test_a_morpho_position_is_judged_as_by_its_exact_value(seed: int) -> None:
    random = Random(seed)
    assert_judged(morpho_world(random, 12), random)
