"""Random comptrollers with everything that a position can meet, many of their positions forced onto a line of health."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from tests.adapters import compound_paper as paper
from tests.adapters.situations import NOW
from tests.book.markets import AIMS, World, owner, some, turning
from watcher.adapter import Which
from watcher.adapters.compound_v2 import ADAPTER
from watcher.adapters.compound_v2.facts import Entry, Holding, Quote, State, Terms
from watcher.formula.compound.exponential import Library
from watcher.formula.compound.pool import Pool
from watcher.model import PositionKey
from watcher.units import WAD


def compound_world(random: Random, size: int) -> World:
    """Either library; exchange rates and indices anywhere, factors of 0, prices missing or absurd at times, deprecated markets."""
    listings = tuple(
        replace(
            paper.listing(place),
            factor=random.choice((paper.listing(place).factor, 0, WAD, random.randrange(WAD))),
            deprecated=random.random() < 0.1,
        )
        for place in range(len(paper.LISTED))
    )
    terms = paper.terms(random.choice(list(Library)), listings)
    quote = ADAPTER.accrue(terms, _quote(random), NOW, random.choice((Which.ALL, Which.NONE)))
    holdings: dict[PositionKey, Holding] = {}
    for _ in range(size):
        drawn = _account(random)
        for one in _aimed(random, terms, quote, drawn) if random.random() < 0.7 else (drawn,):
            key = PositionKey(terms.market.name, owner(len(holdings)))
            holdings[key] = replace(one, key=key)
    return World(terms.market, terms, quote, holdings)


def _quote(random: Random) -> Quote:
    size = len(paper.LISTED)
    prices: list[int | None] = [
        paper.price(place, random.randrange(1, 10**8)) + random.randrange(10**9) for place in range(size)
    ]
    if random.random() < 0.3:
        prices[random.randrange(size)] = None
    if random.random() < 0.1:
        prices[random.randrange(size)] = 2 ** random.randrange(1, 250)
    states = tuple(_state(random, place) for place in range(size))
    return Quote(None, states, tuple(prices), ())


def _state(random: Random, place: int) -> State:
    most = 10 ** (paper.LISTED[place][0].decimals + 8)
    cash, borrows = (some(random, most) for _ in range(2))
    reserves, supply = some(random, most // 10), some(random, 10**17)
    index = random.choice((WAD, random.randrange(WAD, 3 * WAD)))
    since = paper.LISTED[place][3].tick(NOW) - random.choice((0, random.randrange(900)))
    if random.random() < 0.95:
        cash += reserves  # else the exchange rate may have no value
    pool = Pool(cash, borrows, reserves, supply, index, since)
    return State(pool, pool, random.randrange(10**10), random.choice((10**16, 2 * 10**26)))


def _account(random: Random) -> Holding:
    """Entered or not, debts only where entered, at times one that is known by its balance only."""
    entries, entered = [], 0
    for place in sorted(random.sample(range(len(paper.LISTED)), random.randint(0, 4))):
        inside = random.random() < 0.85
        entered |= inside << place
        tokens = some(random, int(10 ** random.choice((9, 14, 26))))
        most = 10 ** (paper.LISTED[place][0].decimals + random.choice((1, 6, 20)))
        debt = random.choice((0, some(random, most))) * inside
        index = random.choice((WAD, random.randrange(WAD // 2, WAD + 1)))
        if tokens or debt:
            known = random.random() < 0.95
            entries.append(Entry(place, tokens, debt, index if debt and known else 0))
    return Holding(PositionKey(paper.MARKET.name, b""), entered, tuple(entries))


def _aimed(random: Random, terms: Terms, quote: Quote, holding: Holding) -> Iterator[Holding]:
    """The account with a debt that puts it on a line: the largest principal that keeps it there, and one unit more."""
    place, since = random.randrange(len(paper.LISTED)), random.randrange(WAD // 2, WAD + 1)
    old = holding.entry(place)

    def owing(debt: int) -> Holding:
        own = replace(old, principal=debt, index=since if debt else 0)
        rest = [one for one in holding.entries if one.id != place]
        kept = [*rest, own] if own.tokens or own.principal else rest
        entries = tuple(sorted(kept, key=lambda one: one.id))
        return replace(holding, entered=holding.entered | 1 << place, entries=entries)

    def health(debt: int) -> int | None:
        return ADAPTER.value(terms, quote, owing(debt)).health

    debt = turning(health, random.choice(AIMS))
    yield owing(debt)
    yield owing(debt + 1)
