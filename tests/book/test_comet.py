"""No position of a random Comet is judged otherwise than by its exact value, feeds that Comet may not come to read included."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters import comet_paper as paper
from tests.adapters.situations import NOW
from tests.book.markets import AIMS, World, owner, some, turning
from tests.book.test_verdict import assert_bounded, assert_judged, exactly
from watcher.adapter import Which
from watcher.adapters.compound_v3 import ADAPTER
from watcher.adapters.compound_v3.facts import Holding, Quote, Terms
from watcher.book.revalue import movers, revalue
from watcher.book.screen import screen
from watcher.formula.comet import INDEX_SCALE
from watcher.model import PositionKey
from watcher.units import WAD

SEEDS = st.integers(0, 2**63)
OFTEN = settings(deadline=None)


def comet_world(random: Random, size: int) -> World:
    """Four collaterals of any decimals and factors (one may count for nothing), lenders, debts on a line; prices missing at times."""
    terms = _terms(random)
    prices: list[int | None] = [random.randrange(1, 10**13) for _ in paper.PRICES]
    if random.random() < 0.3:
        prices[random.randrange(len(prices))] = None
    if random.random() < 0.05:
        prices[random.randrange(len(prices))] = 2 ** random.randrange(90, 250)
    stored = paper.stored(NOW, age=random.randrange(10**6), prices=tuple(prices), paused=random.choice((0, 8)))
    totals = replace(stored.totals, borrow_index=random.randrange(INDEX_SCALE, 4 * INDEX_SCALE))
    which = random.choice((Which.ALL, Which.NONE))
    quote = ADAPTER.accrue(terms, replace(stored, totals=totals), NOW, which)
    holdings: dict[PositionKey, Holding] = {}
    for _ in range(size):
        drawn = _account(random, terms)
        for one in _aimed(random, terms, quote, drawn) if random.random() < 0.7 else (drawn,):
            key = PositionKey(terms.market.name, owner(len(holdings)))
            holdings[key] = replace(one, key=key)
    return World(terms.market, terms, quote, holdings)


def _terms(random: Random) -> Terms:
    first, *others = paper.TERMS.assets
    dead = random.random() < 0.3  # a delisted collateral protects nothing
    first = replace(first, liquidate=0 if dead else random.randrange(1, WAD // 10**14) * 10**14)
    return replace(paper.TERMS, assets=(first, *others), base_scale=10 ** random.choice((6, 6, 18)))


def _account(random: Random, terms: Terms) -> Holding:
    places = random.sample(range(4), random.randint(0, 4))
    held = {place: some(random, terms.assets[place].scale * 10 ** random.choice((1, 5, 15))) for place in places}
    principal = random.choice((0, 1, -1)) * some(random, terms.base_scale * 10 ** random.choice((3, 9, 15)))
    return paper.holding(paper.at(1), principal, held)


def _aimed(random: Random, terms: Terms, quote: Quote, holding: Holding) -> tuple[Holding, Holding]:
    """The account with a debt that puts it on a line: the largest that keeps it there, and one unit of principal more."""

    def health(principal: int) -> int | None:
        return ADAPTER.value(terms, quote, replace(holding, principal=-principal)).health

    owed = turning(health, random.choice(AIMS))
    return replace(holding, principal=-owed), replace(holding, principal=-owed - 1)


@OFTEN
@given(seed=SEEDS)
def test_no_position_is_misjudged(seed: int) -> None:
    random = Random(seed)
    assert_judged(comet_world(random, 12), random)


@OFTEN
@given(seed=SEEDS)
def test_the_bounds_hold_the_exact_integers(seed: int) -> None:
    world = comet_world(Random(seed), 12)
    seen = screen(world.book(), world.quote)
    for row, exact in enumerate(exactly(world)):
        if exact is not None and not seen.open[row]:
            assert_bounded(seen, row, exact)


@OFTEN
@given(seed=SEEDS)
def test_the_bounds_hold_under_other_prices(seed: int) -> None:
    world, random = comet_world(Random(seed), 8), Random(seed)
    book = world.book()
    assets = random.sample(movers(book).assets, min(2, len(movers(book).assets)))
    prices = {asset: random.randrange(1, 10**14) for asset in assets}
    seen = revalue(book, world.quote, prices)
    moved = replace(world, quote=ADAPTER.reprice(world.terms, world.quote, prices))
    for row, exact in enumerate(exactly(moved)):
        assert bool(seen.unknown[row]) <= (exact is None)
        if exact is not None:
            assert_bounded(seen, row, exact)
