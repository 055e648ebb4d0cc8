"""Random books: markets with everything that a position can meet, many of them forced onto a line of health, to the last unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.adapters.situations import ASSETS, NOW, aave_terms, aave_v2_terms, address, morpho_terms
from watcher.adapter import Which
from watcher.adapters import adapter
from watcher.adapters.aave_v3 import facts as aave
from watcher.adapters.morpho_blue import facts as morpho
from watcher.book.book import Book
from watcher.errors import WatcherError
from watcher.formula.aave.version import Version
from watcher.formula.morpho import Pot, Totals
from watcher.model import Market, PositionKey, Token
from watcher.oracle.feed import NOBODY, Pulse
from watcher.units import RAY, WAD, Raw, Ray, Wad

RELEASES = (Version.V3_0, Version.V3_2, Version.V3_3, Version.V3_4, Version.V3_6, Version.V3_7, Version.V2)
LINES = tuple(Wad(WAD * step // 100) for step in (150, 125, 110, 103))
TIGHT = tuple(Wad(WAD * step // 100) for step in (105, 103, 102, 101))
AIMS = tuple(line + off for line in (WAD, *LINES, *TIGHT) for off in (-1, 0, 1))


@dataclass(frozen=True, slots=True)
class World:
    market: Market
    terms: Any
    quote: Any
    holdings: dict[PositionKey, Any]

    def book(self) -> Book[Any, Any, Any]:
        return Book(self.market, adapter(self.market.protocol), self.terms, self.holdings)


def owner(number: int) -> bytes:
    return number.to_bytes(20, "big")


def some(random: Random, most: int) -> int:
    """Of any magnitude: 0, dust, or up to `most`."""
    return random.choice((0, random.randrange(1, 4), random.randrange(most + 1), int(most ** random.random())))


# Aave V3


def aave_world(release: Version, random: Random, size: int) -> World:
    """Six reserves (one with base threshold 0, one without decimals), e-modes with and without their own price (not in V2), prices missing
    at times."""
    terms = _aave_terms(release, random)
    decimals = [reserve.rules.decimals for reserve in terms.reserves]
    scale = random.choice((1, 10**10)) if release is Version.V2 else 1  # in dollars of 8 decimals, or in ether of 18
    prices: list[int | None] = [random.randrange(10**6, 10**13) * scale for _ in terms.assets]
    prices[2] = 10**8 * scale  # one raw unit of two decimals: coarse
    if random.random() < 0.3:
        prices[random.randrange(len(prices))] = None
    if random.random() < 0.05:
        prices[random.randrange(len(prices))] = 2 ** random.randrange(90, 250)
    states = tuple(_state(random, number) for number in decimals)
    stored = aave.Quote(None, states, tuple(prices), (), True, True)
    quote = adapter(terms.market.protocol).accrue(terms, stored, NOW, random.choice((Which.ALL, Which.NONE)))
    holdings: dict[PositionKey, aave.Holding] = {}
    for number in range(size):
        key = PositionKey(terms.market.name, owner(number))
        drawn = _account(random, terms, key)
        for one in _aimed(random, terms, quote, drawn) if random.random() < 0.7 else (drawn,):
            key = PositionKey(terms.market.name, owner(len(holdings)))
            holdings[key] = replace(one, key=key)
    return World(terms.market, terms, quote, holdings)


def _aave_terms(release: Version, random: Random) -> aave.Terms:
    base = aave_v2_terms() if release is Version.V2 else aave_terms(release, own_source=release <= Version.V3_1)
    pattern = base.reserves[0]
    more = ((Token(address(0x14), "NIL", 18), 0), (Token(address(0x15), "ONE", 0), 5_000))
    reserves = base.reserves
    for token, threshold in more:
        place = len(reserves)
        rules = replace(
            pattern.rules,
            decimals=token.decimals,
            threshold=threshold,
            ltv=threshold,
            accounted=pattern.rules.accounted and (token.symbol != "ONE" or random.random() < 0.5),
        )
        extra = replace(
            pattern, id=place, token=token, deposit=address(0x30 + place), debt=address(0x40 + place), rules=rules
        )
        reserves = (*reserves, extra)
    if random.random() < 0.3:  # before 3.7 a dropped reserve leaves a hole
        reserves = (*reserves[:5], replace(reserves[5], id=9))
    categories = () if release is Version.V2 else _modes(base.categories[0])
    assets = (*(reserve.token for reserve in reserves), *base.assets[len(ASSETS) :])
    return replace(base, reserves=reserves, categories=categories, assets=assets, sources=(NOBODY,) * len(assets))


def _modes(pattern: aave.Category) -> tuple[aave.Category, ...]:
    members = 0b01_0011
    category = replace(pattern, collateral=members, borrowable=members)
    return category, replace(category, id=2, threshold=9_777, collateral=0b1101, price_source=None)


def _state(random: Random, decimals: int) -> aave.State:
    supplied = 10 ** (decimals + 7)
    index, debt_index = (Ray(random.choice((RAY, random.randrange(RAY, 3 * RAY)))) for _ in range(2))
    return aave.State(
        index=index,
        rate=Ray(random.randrange(RAY // 10)),
        debt_index=debt_index,
        debt_rate=Ray(random.randrange(RAY // 5)),
        updated=NOW.timestamp - random.randrange(100_000),
        deposits=supplied,
        debts=supplied // 2,
        treasury=0,
        unbacked=Raw(0),
        deficit=Raw(0),
        isolated=0,
        free=Raw(supplied // 2),
        stable_principal=Raw(0),
        stable_rate=Ray(0),
        stable_updated=0,
        income=index,
        owed=debt_index,
    )


def _account(random: Random, terms: aave.Terms, key: PositionKey) -> aave.Holding:
    """Flags and balances that need not agree: disabled collateral, flags of nothing, e-modes that these terms do not know."""
    balances, flags = [], 0
    for reserve in random.sample(terms.reserves, random.randint(0, 4)):
        most = 10 ** (reserve.rules.decimals + random.choice((1, 5, 10, 26)))
        deposit = random.choice((0, some(random, most)))
        debt = random.choice((0, 0, some(random, most)))
        stable = terms.version <= Version.V3_1 and random.random() < 0.05
        flags |= random.choice((bool(deposit), True, False)) << 2 * reserve.id + 1
        flags |= (bool(debt) or random.random() < 0.1) << 2 * reserve.id
        if deposit or debt or stable:
            principal = some(random, most) if stable else 0
            balances.append(aave.Balance(reserve.id, deposit, debt, principal, RAY // 20, NOW.timestamp - 100))
    mode = random.choice((0, 0, 1, 2, 2, 7 if random.random() < 0.1 else 0)) if terms.categories else 0
    return aave.Holding(key, flags, mode, tuple(sorted(balances, key=lambda balance: balance.id)))


def _aimed(random: Random, terms: aave.Terms, quote: aave.Quote, holding: aave.Holding) -> Iterator[aave.Holding]:
    """The account with a debt that puts it on a line: the largest that keeps it there, and one unit more."""
    owed = random.choice(terms.reserves)

    def owing(debt: int) -> aave.Holding:
        rest = tuple(balance for balance in holding.balances if balance.id != owed.id)
        old = holding.balance(owed.id)
        balances = (*rest, replace(old, debt=debt, principal=0))
        flags = holding.flags | 1 << 2 * owed.id
        return replace(holding, flags=flags, balances=tuple(sorted(balances, key=lambda balance: balance.id)))

    def health(debt: int) -> int | None:
        return adapter(terms.market.protocol).value(terms, quote, owing(debt)).health

    debt = turning(health, random.choice(AIMS))
    yield owing(debt)
    yield owing(debt + 1)


def turning(health: Callable[[int], int | None], aim: int) -> int:
    """The largest debt with a health of at least `aim`; 0 where nothing can be told."""

    def holds(debt: int) -> bool:
        found = health(debt)
        return found is None or found >= aim

    try:
        low, high = 0, 1
        while holds(high):
            low, high = high, high * 2
            if high > 2**130:
                return low
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if holds(middle) else (low, middle)
    except WatcherError:
        return 0
    return low


# Morpho Blue


def morpho_world(random: Random, size: int) -> World:
    """One market of any decimals, its oracle silent, absurd or silent about interest at times."""
    decimals = random.choice(((18, 18), (6, 18), (18, 8), (6, 8), (2, 18)))
    terms = morpho_terms(decimals, random.choice((0, WAD * 385 // 1000, WAD * 86 // 100, WAD * 945 // 1000)))
    terms = replace(terms, model=random.choice((morpho.Model.NONE, morpho.Model.OTHER)))
    loan, collateral = (10**number for number in decimals)
    price: int | None = random.randrange(1, 10**7) * 10**33 * loan // collateral + random.randrange(10**6)
    price = random.choice((price,) * 8 + (None, 2 ** random.randrange(1, 256)))
    assets = random.choice((0, 10**9 * loan, random.randrange(10**15 * loan)))
    shares = min(assets * random.randrange(10**5, 10**6) + random.randrange(10**6), 2**128 - 1)
    pot = Pot(assets, shares)
    rate = random.choice((10**9, 10**9, 10**9, None))
    quote = morpho.Quote(
        Totals(supply=Pot(2 * pot.assets, 2 * pot.shares), borrow=pot),
        0,
        NOW.timestamp,
        price,
        None,
        Pulse(None, False),
        rate=rate,
        rate_at=NOW.timestamp,
        at=NOW,
    )
    holdings: dict[PositionKey, morpho.Holding] = {}
    for _ in range(size):
        amount = some(random, collateral * 10 ** random.choice((1, 6, 15)))
        lent = random.choice((0, 0, 10**12))
        drawn = morpho.Holding(
            PositionKey(terms.market.name, b""), lent, some(random, loan * 10 ** random.choice((9, 18))), amount
        )
        aimed = _morpho_aimed(random, terms, quote, drawn) if random.random() < 0.7 else (drawn,)
        for one in aimed:
            key = PositionKey(terms.market.name, owner(len(holdings)))
            holdings[key] = replace(one, key=key)
    return World(terms.market, terms, quote, holdings)


def _morpho_aimed(
    random: Random, terms: morpho.Terms, quote: morpho.Quote, holding: morpho.Holding
) -> Iterator[morpho.Holding]:
    def health(shares: int) -> int | None:
        return adapter("morpho_blue").value(terms, quote, replace(holding, borrow_shares=shares)).health

    shares = turning(health, random.choice(AIMS))
    yield replace(holding, borrow_shares=shares)
    yield replace(holding, borrow_shares=shares + 1)
