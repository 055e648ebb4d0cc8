"""A market of many accounts on paper: 50 reserves of Aave V3.6, three positions each, worth 10 to 10 million dollars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.adapters.situations import NOW, aave_terms, address
from watcher.adapter import Which
from watcher.adapters import adapter
from watcher.adapters.aave_v3.facts import Balance, Holding, Quote, State, Terms
from watcher.book.book import Book
from watcher.formula.aave.version import Version
from watcher.model import PositionKey, Token
from watcher.oracle.feed import Feed, Pulse
from watcher.units import BPS, RAY, Raw, Ray

RESERVES = 50


@dataclass(frozen=True, slots=True)
class Crowd:
    terms: Terms
    quote: Quote
    holdings: dict[PositionKey, Holding]

    def book(self) -> Book[Any, Any, Any]:
        return Book(self.terms.market, adapter("aave_v3"), self.terms, self.holdings)


def crowd(accounts: int, seed: int = 1) -> Crowd:
    random = Random(seed)
    terms = _terms()
    prices = tuple(random.randrange(10**7, 10**13) for _ in terms.assets)
    states = tuple(_state(random) for _ in terms.reserves)
    pulses = tuple(Pulse(NOW.timestamp - 60, False) for _ in terms.feeds)
    quote = adapter("aave_v3").accrue(terms, Quote(None, states, prices, pulses, True, True), NOW, Which.ALL)
    holdings = {}
    for number in range(accounts):
        key = PositionKey(terms.market.name, number.to_bytes(20, "big"))
        holdings[key] = _account(random, terms, quote, key)
    return Crowd(terms, quote, holdings)


def _terms() -> Terms:
    base = aave_terms(Version.V3_6)
    tokens = tuple(
        Token(address(0x1000 + place), f"T{place}", (18, 8, 6, 18, 18)[place % 5]) for place in range(RESERVES)
    )
    feeds = tuple(
        Feed(address(0x9000 + place), "feed", (), address(0x9000 + place), False) for place in range(RESERVES)
    )
    rules = base.reserves[0].rules
    reserves = tuple(
        replace(
            base.reserves[0],
            id=place,
            token=token,
            rules=replace(rules, decimals=token.decimals, threshold=7_000 + 37 * place % 2_000, ltv=6_500),
        )
        for place, token in enumerate(tokens)
    )
    sources = tuple(feed.source for feed in feeds)
    return replace(base, reserves=reserves, assets=tokens, sources=sources, feeds=feeds, categories=())


def _state(random: Random) -> State:
    index, debt_index = (Ray(RAY + random.randrange(RAY)) for _ in range(2))
    return State(
        index=index,
        rate=Ray(RAY // 50),
        debt_index=debt_index,
        debt_rate=Ray(RAY // 25),
        updated=NOW.timestamp - 1_000,
        deposits=10**25,
        debts=10**24,
        treasury=0,
        unbacked=Raw(0),
        deficit=Raw(0),
        isolated=0,
        free=Raw(10**24),
        stable_principal=Raw(0),
        stable_rate=Ray(0),
        stable_updated=0,
        income=index,
        owed=debt_index,
    )


def _account(random: Random, terms: Terms, quote: Quote, key: PositionKey) -> Holding:
    """Two collaterals and a debt, at a health of 0.99 and more."""
    one, other, owed = random.sample(range(RESERVES), 3)
    worth = 10 ** random.uniform(9, 15)
    share = random.random()
    amounts = {
        id: int(
            part * 10 ** terms.reserves[id].rules.decimals / (quote.prices[id] or 1) * RAY / quote.states[id].income
        )
        for id, part in ((one, worth * share), (other, worth * (1 - share)))
    }
    weighted = worth * (
        share * terms.reserves[one].rules.threshold + (1 - share) * terms.reserves[other].rules.threshold
    )
    debt = weighted / BPS / (0.99 + random.expovariate(2))
    scaled = int(
        debt * 10 ** terms.reserves[owed].rules.decimals / (quote.prices[owed] or 1) * RAY / quote.states[owed].owed
    )
    balances = (*(Balance(id, amount, 0) for id, amount in amounts.items()), Balance(owed, 0, scaled))
    flags = sum(2 << 2 * id for id in amounts) | 1 << 2 * owed
    return Holding(key, flags, 0, tuple(sorted(balances, key=lambda balance: balance.id)))
