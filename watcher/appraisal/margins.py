"""Where a position stands without any scenario: margin, its distances to the line, and what moves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from watcher.adapter import Position
from watcher.appraisal.asset import Asset
from watcher.appraisal.basis import Basis
from watcher.appraisal.closing import Typical, typical
from watcher.appraisal.held import Held
from watcher.errors import AnswerError
from watcher.health.fall import STEPS, fall, fallen
from watcher.health.mover import movers
from watcher.health.runway import runway
from watcher.model import Runway, Side
from watcher.risk.distance import Distance, Sensitivities, basket_shock, breaking_factor, distance, sensitivities
from watcher.risk.exposure import Exposure, Floats
from watcher.risk.margin import Margin, breakeven_slippage, margin, toxic_ltv

DAY: Final = 24  # hours
CRISIS: Final = 1.2  # betas other than 0 and 1 are that much larger in a crash


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """One position. `fall` is of all collateral, a fraction; `breaking` the factor on each asset's price that reaches the line, by its
    place in `exposure.assets`. `basket` and `crisis` are the move of the first factor that does, all tokens following by their betas.
    `distance` is over one day. None where the figure has no meaning, or its basis is missing.

    `at_line` is the liquidation there; the toxic zone begins at the loan-to-value `toxic`, where one makes the position worse, and
    `slippage` is what the liquidator may lose in the sale and still gain nothing.
    """

    held: Held
    exposure: Exposure
    margin: Margin
    fall: float | None
    breaking: tuple[float | None, ...]
    sensitivities: Sensitivities | None
    runway: Runway
    at_line: Typical | None
    betas: Floats | None = None
    basket: float | None = None
    crisis: float | None = None
    distance: Distance | None = None

    @property
    def toxic(self) -> float | None:
        return None if self.at_line is None else toxic_ltv(self.at_line.bonus)

    @property
    def slippage(self) -> float | None:
        return None if self.at_line is None else breakeven_slippage(self.at_line.kept)


@dataclass(frozen=True, slots=True)
class Owner:
    """Sums in US dollars over an owner's positions, whose pools do not help each other: there is no health of all of them.

    `leverage` is None where equity is not above zero. `missing` names the positions that no dollars are known for.
    """

    equity: float
    maintenance: float
    initial: float
    collateral: float
    debt: float
    missing: tuple[str, ...]

    @property
    def leverage(self) -> float | None:
        return self.collateral / self.equity if self.equity > 0 else None


def owner(standings: Sequence[Standing]) -> Owner:
    """All of them together."""
    known = [one for one in standings if one.held.each is not None]
    return Owner(
        sum(one.margin.equity for one in known),
        sum(one.margin.maintenance for one in known),
        sum(one.margin.initial for one in known),
        sum(float(one.exposure.collateral.sum()) for one in known),
        sum(one.exposure.owed for one in known),
        tuple(f"{one.held.name}: {one.held.unpriced}" for one in standings if one.held.each is None),
    )


def standing(held: Held) -> Standing:
    """From the position's own integers where the contract decides (the fall, the liquidation at the line), else in floats.

    `WatcherError` where an oracle's answer is so absurd that the contract's arithmetic cannot hold it.
    """
    seen, position = held.exposure(), held.row.position
    steps = fall(position).steps if held.owes else None
    try:
        panels = position.adapter.panels(position.terms, position.quote)
    except AnswerError:
        panels = ()  # a rate model that does not answer: the clock at full utilisation says that none is known
    return Standing(
        held,
        seen,
        margin(seen),
        None if steps is None else steps / STEPS,
        tuple(breaking_factor(seen, place) if held.owes else None for place in range(len(seen.assets))),
        sensitivities(seen),
        runway(held.valuation, panels),
        None if steps is None else at_line(position, steps),
    )


def at_line(position: Position[Any, Any, Any], steps: int) -> Typical | None:
    """The liquidation of the position where all its collateral has fallen so many millionths, to its line."""
    answers = {mover.price.token.address: mover.answer for mover in movers(position) if mover.on(Side.COLLATERAL)}
    quote = (
        position.adapter.reprice(position.terms, position.quote, fallen(answers, steps)) if steps else position.quote
    )
    return typical(replace(position, quote=quote))


def spread(one: Standing, basis: Basis) -> Standing:
    """The same with what hangs on how prices move; as it is where an asset is lost."""
    assets: Sequence[Asset] = tuple(dict.fromkeys(asset for asset, _ in one.held.legs))
    if not one.held.owes or any(asset not in basis.driven for asset in assets):
        return one
    tokens = [basis.driven[asset] for asset in assets]
    betas = basis.betas(tokens)
    harder = np.where(np.isclose(betas, 1) | (betas == 0), betas, betas * CRISIS)
    return replace(
        one,
        betas=betas,
        basket=basket_shock(one.exposure, betas),
        crisis=basket_shock(one.exposure, harder),
        distance=distance(one.exposure, basis.covariance(tokens, DAY)),
    )
