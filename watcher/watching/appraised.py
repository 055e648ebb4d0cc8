"""From the rows of one block and the stored past of prices to what is stored of each position's risk. Nothing is decided by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.metadata import version
from typing import Any, Final

from watcher.appraisal.appraise import Appraisal, appraise, assets
from watcher.appraisal.asked import asked
from watcher.appraisal.asset import leads
from watcher.appraisal.basis import grounded
from watcher.appraisal.held import Held, held
from watcher.appraisal.margins import Standing, standing
from watcher.appraisal.pasts import Grid
from watcher.appraisal.prospect import Prospect
from watcher.config import Chain
from watcher.config.risk import DAY, HOUR, Risk
from watcher.cycle import Row, priced
from watcher.errors import WatcherError
from watcher.health.measure import Measure, measure, sums
from watcher.model import PositionKey, Valuation
from watcher.oracle.dollar import Rate
from watcher.oracle.sight import Sight
from watcher.store.appraisals import HORIZONS, REACTION, Appraised, Chance, Figures, Loss
from watcher.store.open import Store
from watcher.units import WAD

OWN: Final = Rate(None, reason="stored figures are in the market's own unit")
NO_DEBT: Final = "nothing is owed: there is no liquidation, and no chance of one"


@dataclass(frozen=True, slots=True)
class Ground:
    """What figures stand on: the chains whose tokens are one factor, what [risk] says, and where prices are stored.

    `alive` is called for every simulated hour and may raise to end it.
    """

    chains: tuple[Chain, ...]
    risk: Risk
    store: Store
    alive: Callable[[], None]


def appraised(rows: Sequence[Row], chain: Chain, sight: Sight | None, on: Ground) -> tuple[Appraised, ...]:
    """Every row that has a value. What cannot be simulated has its margin, and the reason for what is missing; without `sight` every
    oracle is taken to follow what its token trades at. Raises `StoreError`.
    """
    bare = [_bare(row, row.reading.valuation) for row in rows if row.reading.valuation is not None]
    able, unable = _able(rows, chain, sight)
    done = _simulated(able, rows[0].reading.block.timestamp, chain, on) if able else None
    return tuple(_with(one, done, unable.get(one.key)) for one in bare)


def figures(valuation: Valuation) -> Figures:
    """The margin in floats, out of exact fractions. Health is the contract's own."""
    of = sums(valuation)

    def ratio(wanted: Measure) -> float | None:
        value = measure(valuation, wanted).value
        return None if value is None else float(value)

    return Figures(
        equity=float(of.equity),
        maintenance=float(of.maintenance),
        initial=float(of.initial),
        health=None if valuation.health is None else float(Fraction(valuation.health, WAD)),
        equity_over_mm=ratio(Measure.EQUITY_OVER_MM),
        mm_over_equity=ratio(Measure.MM_OVER_EQUITY),
        margin_utilisation=ratio(Measure.MARGIN_UTILISATION),
        borrow_utilisation=ratio(Measure.BORROW_UTILISATION),
        leverage=ratio(Measure.LEVERAGE),
        ltv=ratio(Measure.LTV),
        threshold=float(of.weighted / of.collateral) if of.collateral else None,
    )


def _bare(row: Row, valuation: Valuation) -> Appraised:
    return Appraised(row.reading.key, row.reading.block, figures(valuation))


def _able(rows: Sequence[Row], chain: Chain, sight: Sight | None) -> tuple[list[Held], Mapping[PositionKey, str]]:
    """Positions that owe and can be put on price paths, and why others cannot: an oracle that answers absurdly spoils its own alone."""
    able, unable = [], {}
    for row in rows:
        try:
            one = held(row, chain, OWN, priced(row), sight)
            if one is None or not one.owes:
                unable[row.reading.key] = NO_DEBT
                continue
            standing(one)
        except WatcherError as error:
            unable[row.reading.key] = str(error)
        else:
            able.append(one)
    return able, unable


def _simulated(able: Sequence[Held], now: int, chain: Chain, on: Ground) -> Appraisal:
    """All of a chain's positions on the same paths."""
    end = now // HOUR * HOUR
    wanted = leads(assets(able), on.chains, on.risk.tokens)
    found = grounded(on.store, wanted, on.chains, Grid(end - on.risk.window, end))
    block_time = {chain.id: float(chain.block_time)}
    return appraise(able, found, asked(on.risk), block_time, step=lambda _: on.alive())


def _with(one: Appraised, done: Appraisal | None, why: str | None) -> Appraised:
    """The margin with whatever else is known of the position."""
    stands = None if done is None else next((s for s in done.standings if _key(s.held) == one.key), None)
    if done is None or stands is None:
        return replace(one, missing=() if why is None else (why,))
    place = next((place for place, held in enumerate(done.held) if held is stands.held), None)
    found = replace(
        one,
        sigmas=None if stands.distance is None else stands.distance.sigmas,
        details={**_standing(stands), **_basis(done)},
    )
    if place is None:
        lost = tuple(line for line in done.lost if line.startswith(f"{stands.held.name}: "))
        return replace(found, missing=(*lost, *_pasts(stands.held, done)))
    ends = {end.seconds: end.positions[place] for end in done.horizons}
    day = ends[DAY].loss
    return replace(
        found,
        chances=_chances(ends, done.asked.reaction),
        var_1d=Loss(day.var, day.var_error),
        es_1d=Loss(day.es.value, day.es.error),
        model=done.asked.model.value,
        seed=done.asked.seed,
        missing=tuple(f"not included: {line}" for line in done.excluded),
        details={**found.details, "parts": {str(seconds): _parts(each) for seconds, each in ends.items()}},
    )


def _pasts(of: Held, done: Appraisal) -> tuple[str, ...]:
    """Which of its assets have no usable past, and how one is brought."""
    return tuple(dict.fromkeys(done.basis.lost[asset] for asset in of.assets if asset in done.basis.lost))


def _key(of: Held) -> PositionKey:
    return of.row.reading.key


def _chances(ends: Mapping[int, Prospect], reaction: int | None) -> dict[str, Chance]:
    wanted = {**HORIZONS, **({} if reaction is None else {REACTION: reaction})}
    found = {name: (seconds, ends[seconds].liquidated) for name, seconds in wanted.items()}
    return {name: Chance(seconds, chance.value, chance.error) for name, (seconds, chance) in found.items()}


def _parts(of: Prospect) -> dict[str, Any]:
    """What each adds to the chance of reaching the line, with its standard error."""
    return {name: [part.value, part.error] for name, part in of.parts.items()}


def _standing(of: Standing) -> dict[str, Any]:
    """Distances, and for each asset its price now, at the line, and what moves with it; prices are in the oracle's unit."""
    row, seen, felt = of.held.row, of.exposure, of.sensitivities
    prices = {price.token.address: price for price in priced(row)}
    each = []
    for place, asset in enumerate(dict.fromkeys(asset for asset, _ in of.held.legs)):
        price, factor = prices.get(asset.token.address), of.breaking[place]
        now = None if price is None or price.answer is None else price.answer / 10**price.unit.decimals
        slopes = {} if felt is None else {"equity": felt.equity, "margin": felt.margin, "health": felt.health}
        each.append(
            {
                "asset": asset.name,
                "symbol": seen.assets[place],
                "price": now,
                "price_at_line": None if now is None or factor is None else now * factor,
                "factor_at_line": factor,
                **{f"{name}_per_log_price": float(slope[place]) for name, slope in slopes.items()},
            }
        )
    return {
        "unit": of.held.money,
        "collateral_fall": of.fall,
        "basket_move": of.basket,
        "seconds_to_line": of.runway.present,
        "seconds_to_line_full": of.runway.full,
        "assets": each,
    }


def _basis(done: Appraisal) -> dict[str, Any]:
    """What it can be had again from, to the same digits."""
    of, asked = done.basis, done.asked
    return {
        "program": version("lending-watcher"),
        "scenarios": asked.scenarios,
        "deviation": asked.deviation,
        "from": of.grid.start,
        "to": of.grid.end,
        "rows": of.rows,
        "factors": [
            {"name": one.name, "sources": list(one.sources), "rejected": one.rejected, "last": one.last}
            for one in of.factors
        ],
        "notes": list(done.notes),
    }
