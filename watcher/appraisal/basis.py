"""What simulated prices stand on: the factors with their past, and how every asset follows them. What is not known is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from watcher.appraisal.asset import Asset, Chained, Lead, common
from watcher.appraisal.pasts import HELD, HINT, LEAST, Column, Grid, columns, usable
from watcher.config.chain import Chain
from watcher.prices.past import HOUR
from watcher.risk.drive import Driven, Feed, Prices, loadings, prices
from watcher.risk.exposure import Floats
from watcher.risk.scenario import Market, Model, market, steps
from watcher.risk.volatility import SEEDED, decay_of
from watcher.store.open import Store
from watcher.units import YEAR

HALF_LIFE: Final = 48.0  # hours
DECAY: Final = decay_of(HALF_LIFE)
BLOCK: Final = 24.0  # hours: the mean length of a run of rows that is drawn whole
OLD: Final = 6 * HOUR  # a past that ends longer ago says nothing of today's volatility


@dataclass(frozen=True, slots=True)
class Factor:
    """One past that tokens follow. `volatility` is the present one, per √year; `beta` is what it does when the first factor moves by
    one, by least squares over the window. `last` is the time of its last tick."""

    name: str
    sources: tuple[str, ...]
    rejected: int
    last: int
    volatility: float
    beta: float


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """`lost` says why an asset is not among the `driven`. `market` is None where nothing but pegs moves.

    `grid` is the window, `rows` how many hours of it are used. `notes` say what is doubtful, `beyond` which part of whose price is not
    in any path, a line each. `columns` are the pasts of the factors.
    """

    factors: tuple[Factor, ...]
    market: Market | None
    driven: Mapping[Asset, Driven]
    lost: Mapping[Asset, str]
    grid: Grid
    rows: int
    notes: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()

    @property
    def old(self) -> bool:
        """Whether a past ends so long before the block that today's volatility is not in it."""
        return any(self.grid.end - factor.last > OLD for factor in self.factors)

    def covariance(self, tokens: Sequence[Driven], hours: float) -> Floats:
        """Of the tokens' log returns over so many hours, at the present volatilities; lost pegs are not in it."""
        own = np.diag([token.residual**2 * hours * HOUR / YEAR for token in tokens])
        if self.market is None:
            return own
        loads = loadings(tokens, len(self.factors))
        deviation = np.sqrt(self.market.variance)
        return np.asarray(hours * loads @ (self.market.correlation * np.outer(deviation, deviation)) @ loads.T + own)

    def betas(self, tokens: Sequence[Driven]) -> Floats:
        """Of every token to the first factor."""
        return np.asarray(loadings(tokens, len(self.factors)) @ np.array([one.beta for one in self.factors]))

    def paths(self, model: Model, tokens: Sequence[Driven], seed: int, scenarios: int, hours: int) -> Iterator[Prices]:
        """The tokens' prices after every hour. The same seed gives the same paths; what tokens do of their own is drawn apart."""
        common, own = (Generator(PCG64(one)) for one in SeedSequence(seed).spawn(2))
        if self.market is None:
            drawn: Iterator[Floats] = (np.zeros((scenarios, 0)) for _ in range(hours))
        else:
            drawn = steps(model, self.market, common, scenarios, hours)
        return prices(tuple(tokens), drawn, own, scenarios, HOUR)


def basis(leads: Sequence[Lead], found: Mapping[Chained, Column], grid: Grid, proxies: Sequence[Chained]) -> Basis:
    """Each lead follows the first of its pasts that is long enough; one whose own past is young follows the first of `proxies` that is
    there, with its own beta and residual; one without either is lost, and said to be. A proxy that is followed is the first factor."""
    made = _Making(grid)
    proxy = next((found[one] for one in proxies if one in found and found[one].returns >= LEAST), None)
    for lead in leads:
        if lead.pasts:
            made.choose(lead, tuple(usable(lead, found)), proxy)
    made.columns.sort(key=lambda one: one.pairs not in proxies)
    return made.closed(leads)


@dataclass(slots=True)
class _Making:
    grid: Grid
    columns: list[Column] = field(default_factory=list)
    chosen: dict[Asset, Column] = field(default_factory=dict)
    young: dict[Asset, tuple[float, float]] = field(default_factory=dict)  # beta and residual beside what is chosen
    lost: dict[Asset, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)

    def choose(self, lead: Lead, pasts: Sequence[Column], proxy: Column | None) -> None:
        column = next((one for one in pasts if one.returns >= LEAST), None)
        if column is None and proxy is not None and lead.own:
            beside = next((two for one in pasts if (two := _beside(one, proxy)) is not None), None)
            if beside is not None:
                column, self.young[lead.asset] = proxy, beside
        if column is None:
            self.lost[lead.asset] = _short(lead, pasts)
            return
        self.chosen[lead.asset] = column
        if column not in self.columns:
            self.columns.append(column)

    def closed(self, leads: Sequence[Lead]) -> Basis:
        returns = self._returns()
        model = market(returns, HOUR, DECAY, BLOCK) if self.columns else None
        factors = () if model is None else tuple(self._factors(returns, model))
        for one in self.columns:
            if self.grid.end - one.last > OLD:
                self.notes.append(f"{one.name} ends {(self.grid.end - one.last) / HOUR:.1f} h before the block")
        driven = {lead.asset: self._driven(lead) for lead in leads if lead.asset not in self.lost}
        notes, beyond = tuple(self.notes), tuple(self.beyond)
        return Basis(factors, model, driven, self.lost, self.grid, len(returns), notes, beyond, tuple(self.columns))

    def _returns(self) -> Floats:
        """Whole rows of all factors. One that stands still, or ends over a day before another, is left out with all that follow it; so
        is, while there are too few hours in common, the one that has the fewest: the others go on."""
        while self.columns:
            moves = np.diff(np.column_stack([one.logs for one in self.columns]), axis=0)
            rows = moves[np.isfinite(moves).all(axis=1)]
            unfit = self._unfit(rows)
            if unfit is None:
                return np.asarray(rows)
            column, why = unfit
            self.columns.remove(column)
            self.lost |= {asset: why for asset, one in self.chosen.items() if one is column}
        return np.zeros((0, 0))

    def _unfit(self, rows: Floats) -> tuple[Column, str] | None:
        newest = max(one.last for one in self.columns)
        for one in self.columns:
            if (
                newest - one.last > HELD
            ):  # its hours in common with the others end where it does, and so would their volatility
                old = (self.grid.end - one.last) / HOUR
                return (
                    one,
                    f"{one.name} ends {old:.0f} h before the block, others do not: watcher prices sync {one.pairs[0]}",
                )
        if len(rows) < LEAST:
            short = min(reversed(self.columns), key=lambda one: one.returns)
            others = ", ".join(one.name for one in self.columns if one is not short)
            return short, f"{short.name} has {len(rows)} hours in common with {others} of the {LEAST} that are needed"
        for one, moved in zip(self.columns, rows.T, strict=True):
            if moved[:SEEDED].var() == 0 or np.ptp(moved[SEEDED:]) == 0:
                return one, f"the price of {one.name} does not move: there is no volatility to go by"
        return None

    def _factors(self, returns: Floats, model: Market) -> Iterator[Factor]:
        first = returns[:, 0] - returns[:, 0].mean()
        for place, column in enumerate(self.columns):
            moved = returns[:, place] - returns[:, place].mean()
            yearly = float(np.sqrt(model.variance[place] * YEAR / HOUR))
            beta = float(first @ moved / (first @ first))
            yield Factor(column.name, column.sources, column.rejected, column.last, yearly, beta)

    def _driven(self, lead: Lead) -> Driven:
        symbol, feed, column = lead.asset.token.symbol, lead.asset.feed, self.chosen.get(lead.asset)
        if lead.depeg is not None and feed is None:
            self.notes.append(
                f"what the oracle's price of {symbol} follows is not known: it is taken for a market price"
            )
        if lead.depeg is not None and feed is Feed.RATE:
            self.beyond.append(f"a lost peg of {symbol} (its oracle follows a rate and does not see one)")
        beta, residual = self.young.get(lead.asset, (lead.beta, lead.residual))
        if column is not None and lead.asset in self.young:
            self.notes.append(f"{symbol} is young: {beta:.2f} times {column.name}, and {residual:.2f}/√year of its own")
        follows = () if column is None else ((self.columns.index(column), beta),)
        return Driven(lead.asset.name, follows, residual, lead.depeg, feed or Feed.MARKET)


def _beside(own: Column, proxy: Column) -> tuple[float, float] | None:
    """(beta, residual per √year) of one past to another over the hours that both have, by least squares; None where those are too few,
    or one of the two stands still in them."""
    mine, other = np.diff(own.logs), np.diff(proxy.logs)
    both = np.isfinite(mine) & np.isfinite(other)
    if both.sum() < HINT or np.ptp(mine[both]) == 0 or np.ptp(other[both]) == 0:
        return None
    x, y = other[both] - other[both].mean(), mine[both] - mine[both].mean()
    beta = float(x @ y / (x @ x))
    return beta, float((y - beta * x).std() * np.sqrt(YEAR / HOUR))


def _short(lead: Lead, pasts: Sequence[Column]) -> str:
    """What is missing of its past, and how it is brought."""
    best = max((one.returns for one in pasts), default=0)
    pair = lead.pasts[0][0]
    have = f"has {best} hourly returns of the {LEAST} that are needed" if best else "has no stored past"
    return f"{lead.asset.token.symbol} {have}: watcher prices sync {pair} (or --from FILE), or say what it follows in [[risk.tokens]]"


def grounded(store: Store | None, wanted: Sequence[Lead], chains: Sequence[Chain], grid: Grid) -> Basis:
    """What a store knows, or nothing where there is none; a young asset stands on ether."""
    proxies = common("ETH", chains)
    return basis(wanted, {} if store is None else columns(store, wanted, proxies, grid), grid, proxies)
