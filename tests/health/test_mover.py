from __future__ import annotations

from dataclasses import replace

from tests.adapters.situations import ASSETS, MODE_SOURCE, NOW, OWNERS, POOL, aave_terms, key
from tests.health.toy import ONE, A, B, C, position
from watcher.adapter import Position, Which
from watcher.adapters.aave_v3 import ADAPTER
from watcher.adapters.aave_v3.facts import Balance, Holding, Quote, State
from watcher.formula.aave.version import Version
from watcher.health.liquidation_price import liquidation_prices
from watcher.health.mover import movers
from watcher.model import Side
from watcher.units import RAY, Raw, Ray

IDLE = State(
    Ray(RAY), Ray(0), Ray(RAY), Ray(0), NOW.timestamp, 0, 0, 0, Raw(0), Raw(0), 0, Raw(0), Raw(0), Ray(0), 0, Ray(RAY), Ray(RAY)
)  # fmt: skip


def test_only_prices_that_are_held_or_owed_move_a_position() -> None:
    toy = position({A: 100, B: 100, C: 100}, {A: 8_000}, {A: ONE}, {B: 100})
    assert [(m.price.token, m.on(Side.COLLATERAL), m.on(Side.DEBT)) for m in movers(toy)] == [
        (A, True, False),
        (B, False, True),
    ]


def test_the_slope_tells_which_way_is_dangerous() -> None:
    toy = position({A: 100, B: 100}, {A: 8_000, B: 5_000}, {A: 10 * ONE, B: ONE}, {A: ONE, B: ONE})
    a, b = movers(toy)
    assert a.slope > 0 > b.slope


def test_dust_that_half_the_price_does_not_move_is_found() -> None:
    toy = position({A: 100, B: 100}, {A: 8_000}, {A: ONE}, {B: 1})
    assert [mover.price.token for mover in movers(toy)] == [A, B]


def test_a_missing_price_moves_nothing() -> None:
    toy = position({A: 100, B: 100, C: 0}, {A: 8_000}, {A: ONE}, {B: 100})
    assert C not in [mover.price.token for mover in movers(toy)]


def test_in_an_e_mode_with_its_own_source_that_price_counts_and_the_assets_own_does_not() -> None:
    terms = aave_terms(Version.V3_0, own_source=True)
    quote = Quote(None, (IDLE,) * 4, (*(price for *_, price in ASSETS), 2_000 * 10**8), (), True, True)
    # 10 WETH in the e-mode at 93.5 % against 10,000 USDC at 0.9999
    holding = Holding(key(POOL, OWNERS[0]), 0b010010, 1, (Balance(0, 10**19, 0), Balance(2, 0, 10**10)))
    found = Position(ADAPTER, terms, ADAPTER.accrue(terms, quote, NOW, Which.ALL), holding)
    prices = {price.price.token.address: price.answer for price in liquidation_prices(found)}
    assert prices.keys() == {MODE_SOURCE, ASSETS[2][0].address}
    # 10 · p · 0.935 < 9,999.00 below p = 1,069.41176470..
    assert prices[MODE_SOURCE] == 106_941_176_470
    outside = replace(found, holding=replace(holding, mode=0))
    assert {price.price.token for price in liquidation_prices(outside)} == {ASSETS[0][0], ASSETS[2][0]}
