"""Appraisals put together by hand: what is drawn is told apart from what was simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from eth_typing import HexStr

from tests.adapters.situations import address
from watcher.appraisal.appraise import Appraisal
from watcher.appraisal.asked import asked
from watcher.appraisal.asset import Asset
from watcher.appraisal.basis import Basis
from watcher.appraisal.estimate import Estimate, loss
from watcher.appraisal.held import Held
from watcher.appraisal.margins import Standing
from watcher.appraisal.pasts import Grid
from watcher.appraisal.prospect import Horizon, Together
from watcher.config.risk import DAY, Risk
from watcher.cycle import Row
from watcher.model import (
    BlockRef,
    Leg,
    Line,
    Market,
    PositionKey,
    Reading,
    Runway,
    Side,
    Status,
    Token,
    Unit,
    Valuation,
)
from watcher.risk.exposure import Floats
from watcher.risk.margin import margin
from watcher.risk.outcome import Chance, Fan, Joint
from watcher.units import WAD, Raw, Ray, Wad

USD = Unit("USD", 8)
TOKENS = {symbol: Token(address(0x20 + place), symbol, 18) for place, symbol in enumerate(("ETH", "USDC", "WBTC"))}
BLOCK = BlockRef(9, 1_763_000_000, 1, HexStr("0x" + "9" * 64))
Rows = Sequence[tuple[str, float, float, float]]  # symbol, collateral, debt in dollars, threshold
PAIR: Rows = (("ETH", 10_000, 0, 0.8), ("USDC", 0, 5_000, 0.0))


def held(name: str, rows: Rows = PAIR, owner: int = 1) -> Held:
    legs = tuple(leg for row in rows for leg in _legs(*row))
    weighted = sum(one.value * one.threshold for one in legs)
    owed = sum(one.value for one in legs if one.side is Side.DEBT)
    market = Market(1, "toy", name, address(1))
    key = PositionKey(name, bytes.fromhex(address(owner)[2:]))
    line = Line(weighted, owed * 10_000, USD)
    health = Wad(weighted * WAD // line.owed) if owed else None
    seen = Valuation(key, BLOCK, USD, 10_000, legs, 0, owed, 0, 0, 0, line, health, False, None)
    row = Row(market, None, Reading(key, BLOCK, Status.SAFE, seen), True, ())  # type: ignore[arg-type]  # no position behind it
    return Held(row, seen, tuple((Asset(1, one.token), one) for one in legs), 1e-8, None)


def _legs(symbol: str, collateral: float, debt: float, threshold: float) -> list[Leg]:
    sides = ((Side.COLLATERAL, collateral, threshold), (Side.DEBT, debt, 0.0))
    return [
        Leg(TOKENS[symbol], side, Raw(1), round(worth * 10**8), round(weight * 10_000), 0, Ray(0))
        for side, worth, weight in sides
        if worth
    ]


def standing(of: Held) -> Standing:
    seen = of.exposure()
    return Standing(of, seen, margin(seen), None, (), None, Runway(None, None), None)


def horizon(seconds: int, losses: Floats, struck: float) -> Horizon:
    none = Chance(0.0, 0.0)
    whole = Together(loss(losses), Estimate(0.0, 0.0), (), (), 0.0, 0.0)
    return Horizon(seconds, (), Joint(Chance(struck, 0.004), none, ()), whole)


def fans(*quantiles: Sequence[Sequence[float]], steps: Sequence[int] = (24, 720)) -> tuple[Fan, ...]:
    """For each step, and in it for each pool, five figures."""
    return tuple(Fan(step, np.array(pools)) for step, pools in zip(steps, quantiles, strict=True))


def appraisal(
    positions: Sequence[Held],
    losses: Mapping[int, Floats] | None = None,
    fanned: tuple[Fan, ...] = (),
    *,
    simulated: Sequence[Held] | None = None,
    lost: tuple[str, ...] = (),
    struck: float = 0.123,
) -> Appraisal:
    """`simulated` are all positions where nothing else is said; losses are by the horizon's seconds."""
    found = {} if losses is None else losses
    return Appraisal(
        asked=asked(Risk()),
        basis=Basis((), None, {}, {}, Grid(0, 0), 0),
        standings=tuple(map(standing, positions)),
        held=tuple(positions if simulated is None else simulated),
        horizons=tuple(horizon(seconds, values, struck) for seconds, values in found.items()),
        structures=(),
        fans=fanned,
        losses=found,
        lost=lost,
        excluded=("oracle price caps",),
        notes=(),
    )


NORMAL = np.random.default_rng(3).normal(0, 1_000, 5_000)
TWO = {DAY: NORMAL, 7 * DAY: 2.5 * NORMAL}
