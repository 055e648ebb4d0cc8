"""An owner's positions, and what prices stand on, to one report. Pure: the same input gives the same digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from watcher.appraisal.asked import BESIDE, Asked
from watcher.appraisal.asset import Asset
from watcher.appraisal.basis import Basis
from watcher.appraisal.closing import Closer
from watcher.appraisal.depth import Depth
from watcher.appraisal.held import Held
from watcher.appraisal.margins import Standing, spread, standing
from watcher.appraisal.prospect import Horizon, horizon
from watcher.appraisal.structure import Structure, side_by_side
from watcher.errors import WatcherError
from watcher.prices.past import HOUR
from watcher.risk.drive import Driven, Prices
from watcher.risk.exposure import Floats
from watcher.risk.forecast import Judgement
from watcher.risk.outcome import Fan, Outcome
from watcher.risk.owner import Pool, follow

FANS: Final = 48  # looks at health over the longest horizon, for a picture
ALWAYS: Final = (
    "rates that change with utilisation (rates stay as they are)",
    "oracle price caps",
    "a stablecoin above its peg, and lost pegs of what is neither a stablecoin nor staked ETH",
    "a liquidation of part of a position by a pre-liquidation contract",
)

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Appraisal:
    """`standings` are of every position; `held` are those that prices could be simulated for, in the order of each horizon's positions,
    and `lost` says why the others could not; of `unread` ones not even where they stand is known. `losses` are the owner's, per scenario,
    by the horizon's seconds.

    `excluded` is what no figure contains, a line each; `notes` what is doubtful. `judged` is the
    backtest of each factor, where it was asked for.
    """

    asked: Asked
    basis: Basis
    standings: tuple[Standing, ...]
    held: tuple[Held, ...]
    horizons: tuple[Horizon, ...]
    structures: tuple[Structure, ...]
    fans: tuple[Fan, ...]
    losses: Mapping[int, Floats]
    lost: tuple[str, ...]
    excluded: tuple[str, ...]
    notes: tuple[str, ...]
    unread: int = 0
    judged: Mapping[str, Judgement | str] = field(default_factory=dict)

    @property
    def unknown(self) -> bool:
        """Whether something that owes could not be simulated."""
        return self.unread > 0 or sum(one.held.owes for one in self.standings) > len(self.held)


def appraise(
    held: Sequence[Held],
    basis: Basis,
    asked: Asked,
    block_time: Mapping[int, float],
    depth: Depth | None = None,
    step: Step = lambda _: None,
) -> Appraisal:
    """`block_time` is in seconds, by chain. `step` hears of every simulated hour."""
    standings, unread = _standings(held, basis)
    reasons = {one: unread.get(one) or _unable(one, basis) for one in held}
    positions = tuple(one for one, why in reasons.items() if why is None)
    assets = tuple(dict.fromkeys(asset for one in positions for asset in one.assets))
    pools = tuple(one.pool(assets, asked.deviation) for one in positions)
    tokens = tuple(basis.driven[asset] for asset in assets)
    closer = Closer(positions, assets, block_time, depth)
    ends = list(_ends(pools, tokens, basis, asked, closer, step)) if pools else []
    rules = [(pool, one) for pool, one in zip(pools, standings_of(positions, standings), strict=True)]
    beside, apart = _beside(rules, tokens, basis, asked)
    return Appraisal(
        asked,
        basis,
        standings,
        positions,
        tuple(horizon(end, positions, pools, assets, basis) for end in ends),
        beside,
        ends[-1].fan if ends else (),
        {end.steps * HOUR: _losses(end, positions) for end in ends},
        (
            *(f"{one.name}: {why}" for one, why in reasons.items() if why is not None),
            *dict.fromkeys(basis.lost.values()),
        ),
        (*ALWAYS, *basis.beyond, *_blind(depth)),
        (*basis.notes, *closer.notes, *apart, *sorted(depth.beyond if depth is not None else ())),
        len(unread),
    )


def _standings(held: Sequence[Held], basis: Basis) -> tuple[tuple[Standing, ...], dict[Held, str]]:
    """Where each stands, and why some cannot be told: those that an absurd answer of an oracle spoils, alone."""
    found, unread = [], {}
    for one in held:
        try:
            found.append(spread(standing(one), basis))
        except WatcherError as error:
            unread[one] = f"{error}; no figure of it is shown"
    return tuple(found), unread


def _unable(one: Held, basis: Basis) -> str | None:
    """Why no price path says anything about it."""
    if not one.owes:
        return "nothing is owed: there is no liquidation, and no figure of one"
    if one.valuation.line.weighted == 0:
        return "there is only debt and nothing to protect it: chances and distances are not shown"
    if one.lost is not None:
        return f"{one.lost}; chances, VaR and ES are not shown"
    missing = dict.fromkeys(asset.token.symbol for asset in one.assets if asset in basis.lost)
    return f"no usable past of {', '.join(missing)}; chances, VaR and ES are not shown" if missing else None


def _ends(
    pools: tuple[Pool, ...], tokens: Sequence[Driven], basis: Basis, asked: Asked, closer: Closer, step: Step
) -> Iterator[Outcome]:
    last = asked.marks[-1]
    fans = frozenset({*asked.marks, *(max(1, last * place // FANS) for place in range(1, FANS + 1))})
    path = _told(basis.paths(asked.model, tokens, asked.seed, asked.scenarios, last), step)
    return follow(pools, path, asked.scenarios, HOUR, closer, frozenset(asked.marks), fans)


def _told(path: Iterator[Prices], step: Step) -> Iterator[Prices]:
    for now in path:
        yield now
        step("hour")


def standings_of(positions: Sequence[Held], standings: Sequence[Standing]) -> list[Standing]:
    return [next(one for one in standings if one.held is held) for held in positions]


def _beside(
    rules: Sequence[tuple[Pool, Standing]], tokens: Sequence[Driven], basis: Basis, asked: Asked
) -> tuple[tuple[Structure, ...], tuple[str, ...]]:
    """Of positions that are worth dollars and have a liquidation at their line, and which are not; nothing where there are none."""
    known = [(pool, one.at_line) for pool, one in rules if one.held.each is not None and one.at_line is not None]
    without = [one.held.name for _, one in rules if one.held.each is None or one.at_line is None]
    notes = tuple(
        f"{name} is not among the structures: no price in dollars, or no liquidation at its line" for name in without
    )
    if not known:
        return (), notes
    hours = BESIDE // HOUR
    found = side_by_side(
        [pool for pool, _ in known],
        [rule for _, rule in known],
        lambda: basis.paths(asked.model, tokens, asked.seed, asked.scenarios, hours),
        asked.scenarios,
        HOUR,
    )
    return found, notes


def _losses(end: Outcome, held: Sequence[Held]) -> Floats:
    priced = [place for place, one in enumerate(held) if one.each is not None]
    return np.asarray((end.lost + end.slippage)[:, priced].sum(axis=1))


def _blind(depth: Depth | None) -> tuple[str, ...]:
    return () if depth is not None else ("slippage of what liquidators sell (--depth FILE tells it)",)


def assets(held: Sequence[Held]) -> tuple[Asset, ...]:
    """Everything whose past is wanted."""
    return tuple(dict.fromkeys(asset for one in held if one.owes for asset in one.assets))
