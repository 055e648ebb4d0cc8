"""Random Venus pools with everything that a position can meet, many of its positions forced onto a line of health."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from tests.adapters import venus_paper as paper
from tests.adapters.situations import NOW
from tests.book.markets import AIMS, World, owner, some, turning
from watcher.adapter import Which
from watcher.adapters.venus import ADAPTER
from watcher.adapters.venus.facts import Entry, Holding, Minted, Quote, Terms
from watcher.formula.compound.pool import Pool
from watcher.model import PositionKey
from watcher.units import WAD


def venus_world(random: Random, size: int) -> World:
    """Exchange rates and indices anywhere, thresholds of 0, prices missing or absurd at times, forced debts, VAI, inactive pools."""
    listed = tuple(
        replace(
            one,
            core=replace(one.core, threshold=random.choice((one.core.threshold, 0, WAD, random.randrange(WAD)))),
            forced=random.random() < 0.1,
        )
        for one in paper.TERMS.assets
    )
    pools = tuple(replace(one, active=random.random() < 0.8) for one in paper.TERMS.categories)
    terms = replace(paper.TERMS, assets=listed, categories=pools)
    quote = ADAPTER.accrue(terms, _quote(random), NOW, random.choice((Which.ALL, Which.NONE)))
    holdings: dict[PositionKey, Holding] = {}
    for _ in range(size):
        drawn = _account(random, terms)
        for one in _aimed(random, terms, quote, drawn) if random.random() < 0.7 else (drawn,):
            key = PositionKey(terms.market.name, owner(len(holdings)))
            holdings[key] = replace(one, key=key)
    return World(terms.market, terms, quote, holdings)


def _quote(random: Random) -> Quote:
    size = len(paper.LISTED)
    prices: list[int | None] = [paper.price(place, random.randrange(1, 10**8)) for place in range(size)]
    if random.random() < 0.3:
        prices[random.randrange(size)] = None
    if random.random() < 0.1:
        prices[random.randrange(size)] = 2 ** random.randrange(1, 250)
    return replace(
        paper.stored(NOW),
        pools=tuple(_pool(random, place) for place in range(size)),
        rates=tuple(random.randrange(10**10) for _ in range(size)),
        prices=tuple(prices),
        bounds=tuple((price, price) if price else None for price in prices),
    )


def _pool(random: Random, place: int) -> Pool:
    most = 10 ** (paper.LISTED[place][0].decimals + 8)
    cash, borrows = (some(random, most) for _ in range(2))
    reserves, supply = some(random, most // 10), some(random, 10**17)
    index = random.choice((WAD, random.randrange(WAD, 3 * WAD)))
    return Pool(
        cash + reserves, borrows, reserves, supply, index, NOW.number - random.choice((0, random.randrange(900)))
    )


def _account(random: Random, terms: Terms) -> Holding:
    """Entered or not, in any pool, at times one that the terms do not know, at times owing VAI."""
    entries = []
    for place in sorted(random.sample(range(len(terms.assets)), random.randint(0, 4))):
        entered = random.random() < 0.85
        tokens = some(random, int(10 ** random.choice((9, 14, 26))))
        most = 10 ** (terms.assets[place].token.decimals + random.choice((1, 6, 20)))
        debt = random.choice((0, some(random, most))) * entered
        since = random.randrange(WAD // 2, WAD + 1) if debt else 0
        if tokens or debt:
            entries.append(Entry(place, tokens, debt, since, entered, bool(debt) and random.random() < 0.05))
    vai = None
    if random.random() < 0.1:
        amount = 1 + some(random, 10**24)
        vai = Minted(amount, amount // 3, WAD, random.random() < 0.2)
    mode = 7 if random.random() < 0.05 else random.choice((0, 0, 1, 2))
    return Holding(PositionKey(terms.market.name, b""), mode, tuple(entries), vai)


def _aimed(random: Random, terms: Terms, quote: Quote, holding: Holding) -> Iterator[Holding]:
    """The account with a debt that puts it on a line: the largest principal that keeps it there, and one unit more."""
    place, since = random.randrange(len(terms.assets)), random.randrange(WAD // 2, WAD + 1)
    old = holding.entry(place)

    def owing(debt: int) -> Holding:
        own = replace(old, principal=debt, index=since if debt else 0, entered=True)
        rest = [one for one in holding.entries if one.place != place]
        kept = [*rest, own] if own.tokens or own.principal else rest
        return replace(holding, entries=tuple(sorted(kept, key=lambda one: one.place)))

    def health(debt: int) -> int | None:
        return ADAPTER.value(terms, quote, owing(debt)).health

    debt = turning(health, random.choice(AIMS))
    yield owing(debt)
    yield owing(debt + 1)
