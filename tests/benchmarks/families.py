"""Every linear family: how many accounts a second are valued in integers, and how many are screened with proof."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

from tests.adapters import comet_paper, compound_paper, venus_isolated_paper, venus_paper
from tests.adapters.situations import ASSETS, NOW, aave_v2_terms, address, morpho_terms
from tests.benchmarks.row import Row, best, faster
from watcher.adapter import Adapter, Which
from watcher.adapters import adapter, names
from watcher.adapters.aave_v3 import facts as aave
from watcher.adapters.morpho_blue import facts as morpho
from watcher.book.book import Book
from watcher.book.verdict import Lines, verdict
from watcher.formula.morpho import Pot, Totals
from watcher.health.bands import VOLATILE
from watcher.model import PositionKey
from watcher.oracle.feed import Pulse
from watcher.units import RAY, WAD, Raw, Ray

ACCOUNTS, PIECE, ROUNDS, BOUND = 20_000, 1_000, 3, 25
PROBE = 10**15  # raw units of something, to see what they are worth
LINES = Lines(((VOLATILE.watch, VOLATILE.warn, VOLATILE.danger, VOLATILE.critical),))
Make = Callable[[PositionKey, Mapping[int, int], int], Any]  # collateral by place, and a debt


@dataclass(frozen=True, slots=True)
class Pool:
    """A family's market on paper and how to make a holding in it; `places` are its collaterals."""

    terms: Any
    quote: Any
    make: Make
    places: tuple[int, ...]


def rows() -> list[Row]:
    """CPU time, the two ways in turn. Aave V3 has a larger market of its own (`screen`)."""
    return [_measured(name, adapter(name), pool) for name, pool in pools().items()]


def pools() -> dict[str, Pool]:
    """One for every linear family but Aave V3; `KeyError` for a family that has none here yet."""
    made: dict[str, Callable[[], Pool]] = {
        "aave_v2": _aave_v2,
        "compound_v2": partial(
            _compound, "compound_v2", compound_paper.TERMS, compound_paper.quoted(NOW), compound_paper
        ),
        "compound_v3": _comet,
        "morpho_blue": _morpho,
        "venus": partial(_compound, "venus", venus_paper.TERMS, venus_paper.stored(NOW), venus_paper),
        "venus_isolated": partial(
            _compound,
            "venus_isolated",
            venus_isolated_paper.TERMS,
            venus_isolated_paper.stored(NOW),
            venus_isolated_paper,
        ),
    }
    return {name: made[name]() for name in names() if adapter(name).linear is not None and name != "aave_v3"}


def _measured(name: str, of: Adapter[Any, Any, Any], pool: Pool) -> Row:
    holdings = crowd(of, pool)
    book = Book(pool.terms.market, of, pool.terms, holdings)
    verdict(book, pool.quote, LINES)
    gc.collect()
    gc.freeze()
    every, exact, screened = list(holdings.values()), 0.0, []
    for start in range(0, ACCOUNTS, PIECE):
        exact += best(ROUNDS, partial(_valued, of, pool, every[start : start + PIECE]))
        screened.append(best(2, lambda: verdict(book, pool.quote, LINES)))
    gc.unfreeze()
    each = 1e6 / ACCOUNTS
    decided = len(verdict(book, pool.quote, LINES).exact)
    return faster(
        f"{name}: screened, {decided} in integers", "µs per account", min(screened) * each, exact * each, BOUND
    )


def crowd(of: Adapter[Any, Any, Any], pool: Pool, seed: int = 1) -> dict[PositionKey, Any]:
    """Up to two collaterals worth 10 to 10 million and a debt, at a health of 0.99 and more."""
    random = Random(seed)
    nobody = PositionKey(pool.terms.market.name, bytes(20))

    def seen(held: Mapping[int, int], debt: int) -> Any:
        return of.value(pool.terms, pool.quote, pool.make(nobody, held, debt))

    worth = {place: seen({place: PROBE}, 0).collateral / PROBE for place in pool.places}
    weight = {place: seen({place: PROBE}, 0).line.weighted / PROBE for place in pool.places}
    owed = seen({}, PROBE).line.owed / PROBE
    unit = 10 ** seen({pool.places[0]: PROBE}, 0).unit.decimals
    found = {}
    for number in range(ACCOUNTS):
        key = PositionKey(pool.terms.market.name, number.to_bytes(20, "big"))
        size = unit * 10 ** random.uniform(1, 7)
        chosen = random.sample(pool.places, min(2, len(pool.places)))
        held = {place: int(size / len(chosen) / worth[place]) for place in chosen}
        protected = sum(amount * weight[place] for place, amount in held.items())
        found[key] = pool.make(key, held, int(protected / owed / (0.99 + random.expovariate(2))))
    return found


def _valued(of: Adapter[Any, Any, Any], pool: Pool, holdings: list[Any]) -> None:
    value, terms, quote = of.value, pool.terms, pool.quote
    for holding in holdings:
        value(terms, quote, holding)


def _compound(name: str, terms: Any, stored: Any, paper: Any) -> Pool:
    def make(key: PositionKey, held: Mapping[int, int], debt: int) -> Any:
        made = paper.holding(address(1), dict(held), {2: debt} if debt else {})
        return replace(made, key=key)

    return Pool(terms, adapter(name).accrue(terms, stored, NOW, Which.ALL), make, (0, 1))


def _comet() -> Pool:
    terms = comet_paper.TERMS

    def make(key: PositionKey, held: Mapping[int, int], debt: int) -> Any:
        return replace(comet_paper.holding(address(1), -debt, dict(held)), key=key)

    quote = adapter("compound_v3").accrue(terms, comet_paper.stored(NOW), NOW, Which.ALL)
    return Pool(terms, quote, make, (0, 1, 2))


def _aave_v2() -> Pool:
    terms = aave_v2_terms()
    state = aave.State(
        index=Ray(RAY),
        rate=Ray(RAY // 50),
        debt_index=Ray(RAY),
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
        income=Ray(RAY),
        owed=Ray(RAY),
    )
    prices = tuple(price for *_, price in ASSETS)
    stored = aave.Quote(None, (state,) * len(terms.reserves), prices, (), True, True)

    def make(key: PositionKey, held: Mapping[int, int], debt: int) -> Any:
        balances = [aave.Balance(place, amount, 0) for place, amount in held.items()]
        balances += [aave.Balance(2, 0, debt)] if debt else []
        flags = sum(2 << 2 * place for place in held) | (1 << 4 if debt else 0)
        return aave.Holding(key, flags, 0, tuple(sorted(balances, key=lambda one: one.id)))

    return Pool(terms, adapter("aave_v2").accrue(terms, stored, NOW, Which.ALL), make, (0, 1))


def _morpho() -> Pool:
    terms = replace(morpho_terms((6, 18), WAD * 86 // 100), model=morpho.Model.OTHER)
    pot = Pot(10**15, 10**21)
    totals = Totals(supply=Pot(2 * pot.assets, 2 * pot.shares), borrow=pot)
    quote = morpho.Quote(
        totals, 0, NOW.timestamp, 2_500 * 10**24, None, Pulse(None, False), rate=10**9, rate_at=NOW.timestamp, at=NOW
    )

    def make(key: PositionKey, held: Mapping[int, int], debt: int) -> Any:
        return morpho.Holding(key, 0, debt, held.get(0, 0))

    return Pool(terms, quote, make, (0,))
