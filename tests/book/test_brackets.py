"""What the brackets call certain is so by `value`: nobody is liquidatable at any step up to `clear`, and everybody is at `met`."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from eth_typing import ChecksumAddress
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.book.markets import RELEASES, World, aave_world, morpho_world
from watcher.adapters import adapter
from watcher.book.book import Book
from watcher.book.brackets import brackets
from watcher.errors import WatcherError
from watcher.formula.aave.version import Version
from watcher.health.fall import STEPS, fallen, farthest
from watcher.model import Side

SEEDS = st.integers(0, 2**63)
OFTEN = settings(deadline=None)
WHERE = 6  # steps up to `clear` that are tried


def own(book: Book[Any, Any, Any], holding: Any) -> frozenset[ChecksumAddress]:
    """The prices of a position's collateral."""
    shares = book.adapter.linear.shares(book.terms, holding) if book.adapter.linear else ()
    columns = [book.columns[share.column] for share in shares or () if share.amount]
    return frozenset(one.priced for one in columns if one.side is Side.COLLATERAL and one.priced is not None)


def liquidatable(world: World, holding: Any, answers: dict[ChecksumAddress, int], steps: int) -> bool:
    of = adapter(world.market.protocol)
    quote = of.reprice(world.terms, world.quote, fallen(answers, steps))
    return of.value(world.terms, quote, holding).liquidatable


def assert_certain(world: World, random: Random, together: bool) -> int:
    """How many positions had a line between the two."""
    book, of = world.book(), adapter(world.market.protocol)
    known = {p.token.address: p.answer for p in of.prices(world.terms, world.quote) if p.answer is not None}
    chosen = frozenset(random.sample(sorted(known), random.randint(0, len(known)))) if together else None
    last = min(random.choice((STEPS // 2, STEPS)), farthest(known) if known else 0)
    found = brackets(book, world.quote, chosen, last, STEPS)
    between = 0
    for row, holding in enumerate(world.holdings.values()):
        if found.open[row] or found.unknown[row]:
            continue
        answers = {asset: known[asset] for asset in (own(book, holding) if chosen is None else chosen)}
        clear, met = int(found.clear[row]), int(found.met[row])
        assert -1 <= clear < met <= last + 1
        for step in {clear, *(random.randrange(clear + 1) for _ in range(WHERE))} if clear >= 0 else ():
            assert not liquidatable(world, holding, answers, step)
        assert met > last or liquidatable(world, holding, answers, met)
        between += clear > -1 and met <= last
    return between


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("together", [True, False], ids=["some assets", "each its own"])
@given(seed=SEEDS)
@OFTEN
def test_what_is_certain_of_an_aave_market_is_so(release: Version, together: bool, seed: int) -> None:
    random = Random(seed)
    assert_certain(aave_world(release, random, 12), random, together)


@pytest.mark.parametrize("together", [True, False], ids=["some assets", "each its own"])
@given(seed=SEEDS)
@OFTEN
def test_what_is_certain_of_a_morpho_market_is_so(together: bool, seed: int) -> None:
    random = Random(seed)
    assert_certain(morpho_world(random, 12), random, together)


def test_most_lines_are_bracketed() -> None:
    """A bracket that says nothing would be certain too."""
    random = Random(3)
    found = [assert_certain(aave_world(Version.V3_6, random, 60), random, False) for _ in range(5)]
    assert sum(found) > 50


def test_an_unknown_position_is_told_to_be_so() -> None:
    random = Random(5)
    worlds = [aave_world(Version.V3_6, random, 20) for _ in range(20)]
    for world in worlds:
        found = brackets(world.book(), world.quote, None, STEPS, STEPS)
        for row, holding in enumerate(world.holdings.values()):
            if found.unknown[row]:
                with pytest.raises(WatcherError):
                    adapter("aave_v3").value(world.terms, world.quote, holding)
