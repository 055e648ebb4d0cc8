"""Positions on paper as an appraisal has them, and prices that move as a test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from eth_typing import HexStr

from tests.adapters import comet_paper
from tests.adapters.situations import NOW, OWNERS, key, morpho_terms
from tests.health import toy
from watcher.adapter import Position
from watcher.adapters import adapter
from watcher.adapters.compound_v3 import ADAPTER as COMET
from watcher.adapters.morpho_blue.facts import Holding as MorphoHolding
from watcher.adapters.morpho_blue.facts import Quote as MorphoQuote
from watcher.appraisal.appraise import assets
from watcher.appraisal.asked import Asked
from watcher.appraisal.asset import Asset
from watcher.appraisal.basis import Basis, Factor
from watcher.appraisal.held import Held, held
from watcher.appraisal.pasts import Grid
from watcher.config.chain import Chain, Group
from watcher.cycle import Row
from watcher.formula.morpho import Pot, Totals
from watcher.model import BlockRef, Market, Reading, Status, Token, Unit
from watcher.oracle.dollar import Rate
from watcher.oracle.feed import Pulse
from watcher.prices.past import HOUR
from watcher.risk.drive import Depeg, Driven, Feed
from watcher.risk.owner import Pool
from watcher.risk.scenario import Market as Past
from watcher.risk.scenario import Model
from watcher.units import RAY, WAD, YEAR

AnyPosition = Position[Any, Any, Any]
A, B, C = toy.A, toy.B, toy.C
HASH = HexStr("0x" + "11" * 32)
ETHER = Unit("ETH", 8)


def chain(*groups: Group, id: int = 1, name: str = "paper") -> Chain:
    return Chain(name, id, (), Decimal(12), 0, 60, None, groups=groups)


def row(position: AnyPosition, *, name: str = "paper/toy/one", chain: int = 1) -> Row:
    seen = position.value()
    block = BlockRef(seen.at.number, seen.at.timestamp, chain, HASH)
    reading = Reading(seen.key, block, Status.OWING, seen)
    return Row(Market(chain, "toy", name, A.address), position, reading, True, ())


def holds(
    position: AnyPosition, on: Chain | None = None, rate: Rate | None = None, name: str = "paper/toy/one"
) -> Held:
    """As the account's reader would have it; its values are cents where nothing else is said."""
    on = on or chain()
    given = Rate(Fraction(1, 10 ** position.value().unit.decimals)) if rate is None else rate
    found = held(row(position, name=name, chain=on.id), on, given, (), None)
    assert found is not None
    return found


def loan(held: int = 100_000, owed: int = 100_000, *, price: int = 200_000, rate: int = 0) -> AnyPosition:
    """A against B, at a threshold of 80 %: by default ten A at 2,000 dollars, and ten thousand B at one."""
    return toy.position(
        {A: price, B: 100},
        {A: 8_000},
        {A: held},
        {B: owed * 1_000},
        rates={B: RAY * rate // 100},
    )


def ground(
    positions: Sequence[Held],
    volatility: Mapping[str, float],
    depegs: Mapping[str, Depeg] | None = None,
    lost: Mapping[str, str] | None = None,
) -> Basis:
    """Every symbol of `volatility` (per √year) is a factor of its own; what is in neither mapping stands still."""
    symbols = list(volatility)
    random = np.random.default_rng(11)
    rows = random.standard_normal((2_000, len(symbols)))
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    variance = np.array([volatility[symbol] ** 2 for symbol in symbols]) * HOUR / YEAR
    past = Past(rows, variance, 0.985, 24.0, HOUR) if symbols else None
    factors = tuple(Factor(symbol, ("paper",), 0, NOW.timestamp, volatility[symbol], 1.0) for symbol in symbols)
    driven, missing = {}, {}
    for asset in assets(positions):
        symbol = asset.token.symbol
        if symbol in (lost or {}):
            missing[asset] = (lost or {})[symbol]
        else:
            follows = ((symbols.index(symbol), 1.0),) if symbol in symbols else ()
            driven[asset] = Driven(asset.name, follows, 0.0, (depegs or {}).get(symbol), asset.feed or Feed.MARKET)
    return Basis(factors, past, driven, missing, Grid(0, NOW.timestamp), 2_000)


def wanted(*hours: int, scenarios: int = 2_000, seed: int = 1, model: Model = Model.GBM) -> Asked:
    return Asked(model, scenarios, seed, 0.005, tuple(hour * HOUR for hour in hours))


def pool(collateral: Sequence[float], debt: Sequence[float], threshold: Sequence[float]) -> Pool:
    still = np.zeros(len(collateral))
    held, owed, lines = (np.array(side, dtype=np.float64) for side in (collateral, debt, threshold))
    return Pool("pool", held, owed, lines, still, still)


def token(number: int, symbol: str) -> Token:
    return replace(toy.token(number), symbol=symbol)


def asset(token: Token, chain: int = 1, feed: Feed | None = None) -> Asset:
    return Asset(chain, token, feed)


def in_ether() -> AnyPosition:
    """A Comet whose feeds answer in ETH: 10 of its first collateral at 2,500 against 10,000 of base at 1."""
    terms = replace(comet_paper.TERMS, unit=ETHER)
    quote = replace(comet_paper.stored(NOW, age=0), at=NOW)
    held = comet_paper.holding(OWNERS[0], -10_000 * 10**6, {0: 10 * WAD})
    return Position(COMET, terms, quote, held)


def on_morpho(owed: int = 10_000) -> AnyPosition:
    """Ten of a collateral of 18 decimals at 2,500 loan tokens each, at 86 %."""
    terms = morpho_terms((6, 18), WAD * 86 // 100)
    totals = Totals(Pot(10**15, 10**21), Pot(10**14, 10**20))
    quote = MorphoQuote(totals, 0, NOW.timestamp, 2_500 * 10**24, None, Pulse(None, False), at=NOW)
    holding = MorphoHolding(key(terms.market, OWNERS[0]), 0, owed * 10**12, 10 * WAD)
    return Position(adapter("morpho_blue"), terms, quote, holding)
