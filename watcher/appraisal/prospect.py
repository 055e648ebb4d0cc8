"""What may come of one position, and of all of an owner's together, by one horizon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from watcher.appraisal.asset import Asset
from watcher.appraisal.basis import Basis
from watcher.appraisal.estimate import ES_LEVEL, Estimate, Loss, loss, mean
from watcher.appraisal.held import Held
from watcher.prices.past import HOUR
from watcher.risk.drive import Feed
from watcher.risk.first_passage import FEWEST_LOOKS, below, touched_at
from watcher.risk.outcome import NEVER, Chance, Joint, Outcome, chance, joint
from watcher.risk.owner import Pool
from watcher.risk.tail import shortfall_parts
from watcher.units import YEAR


@dataclass(frozen=True, slots=True)
class Prospect:
    """One position by one horizon. `liquidated` is by the contract's own rule; `parts` are what each adds to the chance to reach the
    line, and `sooner` and `later` that chance for an oracle that lags by its deviation. `closed` is the closed form of a pair.

    `cost` is what liquidations take above what they repay, with the `slippage` of what is sold then, over all scenarios; `given` over
    those with one, None where there was none.
    """

    name: str
    liquidated: Chance
    parts: dict[str, Estimate]
    sooner: Chance
    later: Chance
    closed: float | None
    cost: Estimate
    given: Estimate | None
    slippage: Estimate
    loss: Loss


@dataclass(frozen=True, slots=True)
class Together:
    """All positions with a price in dollars, by one horizon.

    `by_position` adds up to the Expected Shortfall, and so do `by_asset`, `slippage` and `forgiven` together: what the sale of the
    seized loses, and the lenders' part, which is below nothing.
    """

    loss: Loss
    cost: Estimate
    by_asset: tuple[tuple[str, float], ...]
    by_position: tuple[tuple[str, float], ...]
    slippage: float
    forgiven: float


@dataclass(frozen=True, slots=True)
class Horizon:
    """`seconds` from the block on. `together` is None where no position is worth dollars."""

    seconds: int
    positions: tuple[Prospect, ...]
    joint: Joint
    together: Together | None


def horizon(
    end: Outcome, held: Sequence[Held], pools: Sequence[Pool], assets: Sequence[Asset], basis: Basis
) -> Horizon:
    """Out of what came of every scenario."""
    found = tuple(prospect(end, place, held[place], pools[place], assets, basis) for place in range(len(held)))
    return Horizon(end.steps * HOUR, found, joint(end), together(end, held, assets))


def prospect(end: Outcome, place: int, held: Held, pool: Pool, assets: Sequence[Asset], basis: Basis) -> Prospect:
    struck = end.first[:, place] != NEVER
    costs = np.asarray(end.cost[:, place] + end.slippage[:, place])
    cost, slippage = mean(costs), mean(end.slippage[:, place])
    if cost is None or slippage is None:
        raise ValueError("fewer than two scenarios: nothing can be estimated")
    breaks = any(
        basis.driven[asset].depeg is not None and basis.driven[asset].feed is Feed.MARKET for asset in held.assets
    )
    lost = np.asarray(end.lost[:, place] + end.slippage[:, place])
    return Prospect(
        held.name,
        chance(struck),
        parts(end, place, ("price", "carry", *(("depeg",) if breaks else ()))),
        chance(end.reached["sooner"][:, place]),
        chance(end.reached["later"][:, place]),
        closed_form(pool, assets, basis, end.steps),
        cost,
        mean(costs[struck]),
        slippage,
        loss(lost),
    )


def parts(end: Outcome, place: int, names: Sequence[str]) -> dict[str, Estimate]:
    """What each adds to those before it: below nothing where it keeps a position from the line (interest that is earned)."""
    found: dict[str, Estimate] = {}
    before = np.zeros(len(end.first))
    for name in names:
        now = end.reached[name][:, place].astype(np.float64)
        added = mean(now - before)
        if added is not None:
            found[name] = added
        before = now
    return found


def together(end: Outcome, held: Sequence[Held], assets: Sequence[Asset]) -> Together | None:
    """`by_asset` is by symbol and feed alike: one token is one row."""
    priced = [place for place, one in enumerate(held) if one.each is not None]
    if not priced:
        return None
    lost = (end.lost + end.slippage)[:, priced]
    losses = np.asarray(lost.sum(axis=1))
    cost = mean(np.asarray((end.cost + end.slippage)[:, priced].sum(axis=1)))
    if cost is None:
        raise ValueError("fewer than two scenarios: nothing can be estimated")
    names = list(dict.fromkeys(asset.name for asset in assets))
    symbol = labels([asset for one in reversed(held) for asset, _ in one.legs])  # what a market counts in is no leg
    tokens = end.by_token[:, priced].sum(axis=1)
    columns = [
        tokens[:, [place for place, asset in enumerate(assets) if asset.name == name]].sum(axis=1) for name in names
    ]
    beside = [end.slippage[:, priced].sum(axis=1), -end.forgiven[:, priced].sum(axis=1)]
    by_source = shortfall_parts(np.column_stack([*columns, *beside]), losses, ES_LEVEL)
    of = shortfall_parts(lost, losses, ES_LEVEL)
    return Together(
        loss(losses),
        cost,
        tuple((symbol[name], float(part)) for name, part in zip(names, by_source, strict=False) if name in symbol),
        tuple((held[place].name, float(part)) for place, part in zip(priced, of, strict=True)),
        float(by_source[-2]),
        float(by_source[-1]),
    )


def labels(assets: Sequence[Asset]) -> dict[str, str]:
    """A symbol for each asset's name, with the start of the address where several tokens call themselves so."""
    tokens = {asset.name: asset.token for asset in assets}
    taken = Counter(token.symbol for token in tokens.values())
    return {
        name: token.symbol if taken[token.symbol] == 1 else f"{token.symbol} {token.address[:8]}…"
        for name, token in tokens.items()
    }


def closed_form(pool: Pool, assets: Sequence[Asset], basis: Basis, hours: int) -> float | None:
    """The chance that one collateral against one debt touches the line, by hourly looks at a geometric Brownian ratio.

    A single look is the terminal chance; from 20 on Broadie, Glasserman and Kou's correction holds; None between, and for anything but
    a pair.
    """
    held, owed = np.flatnonzero(pool.collateral * pool.threshold), np.flatnonzero(pool.debt)
    if held.size != 1 or owed.size != 1 or held[0] == owed[0] or 1 < hours < FEWEST_LOOKS:
        return None
    i, j = int(held[0]), int(owed[0])
    covariance = basis.covariance([basis.driven[assets[place]] for place in (i, j)], 1) * YEAR / HOUR
    volatility = float(np.sqrt(max(0.0, covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])))
    drift = -(covariance[0, 0] - covariance[1, 1]) / 2 + pool.earned[i] - pool.paid[j]
    cushion = float(np.log(pool.threshold[i] * pool.collateral[i] / pool.debt[j]))
    years = hours * HOUR / YEAR
    if hours == 1:
        return 1.0 if cushion <= 0 else float(below(cushion, volatility, years, float(drift)))
    return float(touched_at(cushion, volatility, years, float(drift), hours))
