"""Random isolated pools with everything that a position can meet, many of its positions forced onto a line of health."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from tests.adapters import venus_isolated_paper as paper
from tests.adapters.situations import NOW
from tests.book.markets import AIMS, World, owner, some, turning
from watcher.adapter import Which
from watcher.adapters.venus_isolated import ADAPTER
from watcher.adapters.venus_isolated.facts import Balance, Holding, Quote, State, Terms
from watcher.formula.compound.pool import Pool
from watcher.model import PositionKey
from watcher.units import WAD


def venus_isolated_world(random: Random, size: int) -> World:
    """Exchange rates and indices anywhere, thresholds of 0, prices missing or absurd at times, debts that are forced to be repaid."""
    listed = tuple(
        replace(
            one,
            threshold=random.choice((one.threshold, one.threshold, 0, WAD, random.randrange(WAD))),
            forced=random.random() < 0.1,
        )
        for one in paper.VTOKENS
    )
    terms = replace(paper.TERMS, vtokens=listed)
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
        prices[random.randrange(size)] = random.choice((None, 0))
    if random.random() < 0.1:
        prices[random.randrange(size)] = 2 ** random.randrange(1, 250)
    return Quote(tuple(_state(random, place) for place in range(size)), tuple(prices), (None,) * size, (None,) * size)


def _state(random: Random, place: int) -> State:
    most = 10 ** (paper.LISTED[place][0].decimals + 8)
    cash, borrows, bad = (some(random, most) for _ in range(3))
    reserves = some(random, most // 10)
    supply = some(random, 10**17)
    index = random.choice((WAD, random.randrange(WAD, 3 * WAD)))
    stamp = paper.VTOKENS[place].tick(NOW) - random.choice((0, random.randrange(900)))
    return State(Pool(cash + reserves, borrows, reserves, supply, index, stamp), bad, random.randrange(10**10))


def _account(random: Random, terms: Terms) -> Holding:
    """Entered with or without anything in it, held without having entered, and what is not listed any more."""
    balances = []
    for vtoken in random.sample(terms.vtokens, random.randint(0, 4)):
        entered = random.random() < 0.85
        tokens = some(random, 10 ** random.choice((9, 14, 26)))
        debt = random.choice((0, some(random, 10 ** (vtoken.token.decimals + random.choice((1, 6, 20)))))) * entered
        since = random.randrange(WAD // 2, WAD + 1) if debt else 0
        balances.append(Balance(vtoken.address, tokens, debt, since, entered))
    if random.random() < 0.1:
        balances.append(Balance(paper.at(0xA7F), 10**9, 0, 0, True))
    return Holding(PositionKey(terms.market.name, b""), tuple(balances))


def _aimed(random: Random, terms: Terms, quote: Quote, holding: Holding) -> Iterator[Holding]:
    """The account with a debt that puts it on a line: the largest principal that keeps it there, and one unit more."""
    owed = random.choice(terms.vtokens).address
    old, since = holding.balance(owed), random.randrange(WAD // 2, WAD + 1)

    def owing(debt: int) -> Holding:
        rest = tuple(one for one in holding.balances if one.vtoken != owed)
        return replace(holding, balances=(*rest, Balance(owed, old.tokens, debt, since if debt else 0, True)))

    def health(debt: int) -> int | None:
        return ADAPTER.value(terms, quote, owing(debt)).health

    debt = turning(health, random.choice(AIMS))
    yield owing(debt)
    yield owing(debt + 1)
