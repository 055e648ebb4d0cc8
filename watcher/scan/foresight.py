"""Who of a market is struck in which simulated future. Parts of the scenarios come one after the other: all × all is never kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from watcher.appraisal.asset import Asset
from watcher.appraisal.basis import Basis
from watcher.prices.past import HOUR
from watcher.risk.crowd import Singles, pair_chances, struck
from watcher.risk.drive import Driven
from watcher.risk.exposure import Flags, Floats
from watcher.risk.scenario import Model
from watcher.scan.stakes import Rows, Strand
from watcher.units import YEAR

Tell: TypeAlias = Callable[[int, int], None]  # done, of so many
PART: Final = 500  # scenarios that are followed together
APART: Final = 64  # bits between the seeds of two parts, so that no two runs share one


@dataclass(frozen=True, slots=True)
class Draw:
    """What is drawn: steps are hours."""

    model: Model
    seed: int
    scenarios: int
    hours: int

    def parts(self) -> Iterator[tuple[slice, int]]:
        """Which scenarios are drawn together, and from which seed: of the first part it is the seed itself."""
        for number, start in enumerate(range(0, self.scenarios, PART)):
            yield slice(start, min(start + PART, self.scenarios)), self.seed + (number << APART)


@dataclass(frozen=True, slots=True, eq=False)
class Winds:
    """How strands follow what is simulated: places in `tokens`, and past its end for what does not move."""

    tokens: tuple[Driven, ...]
    seen: NDArray[np.intp]
    traded: NDArray[np.intp]
    money: int
    rates: Floats

    @classmethod
    def of(cls, strands: Sequence[Strand], money: Asset | None, basis: Basis) -> Winds:
        """`KeyError` for an asset that nothing drives."""
        wanted = (one for strand in strands for one in (strand.seen, strand.traded, money))
        assets = list(dict.fromkeys(one for one in wanted if one is not None))
        place: dict[Asset | None, int] = {one: number for number, one in enumerate(assets)}
        place[None] = len(assets)
        return cls(
            tuple(basis.driven[one] for one in assets),
            np.array([place[money if strand.seen is None else strand.seen] for strand in strands], np.intp),
            np.array([place[strand.traded] for strand in strands], np.intp),
            place[money],
            np.array([strand.rate for strand in strands]),
        )

    def paths(self, basis: Basis, draw: Draw, seed: int, scenarios: int) -> tuple[Singles, Singles]:
        """Cumulated log moves of every strand's value, with its interest: hours × strands × scenarios as the oracle sees it, in whatever
        all of them are counted in (a line is reached in any), and strands × scenarios at the end as it trades, in the market's money."""
        path = np.empty((draw.hours, len(self.rates), scenarios), np.float32)
        still = np.zeros((scenarios, 1))
        end = path[:0].sum(axis=0)
        for hour, now in enumerate(basis.paths(draw.model, self.tokens, seed, scenarios, draw.hours), 1):
            grown = self.rates * (hour * HOUR / YEAR)
            oracle = np.hstack([now.oracle, still])
            path[hour - 1] = (oracle[:, self.seen] + grown).T
            if hour == draw.hours:
                traded = np.hstack([now.traded, still])
                end = np.asarray((traded[:, self.traded] - traded[:, [self.money]] + grown).T, np.float32)
        return path, end


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Accounts of one collateral and one debt, together by what these are: all that differs between them is how far the line is."""

    members: tuple[Rows, ...]
    strands: tuple[tuple[int, int], ...]  # collateral, debt
    others: Rows

    @classmethod
    def of(cls, weighted: Floats) -> Pairs:
        held, owed = weighted > 0, weighted < 0
        single = (held.sum(axis=1) == 1) & (owed.sum(axis=1) == 1)
        rows = np.flatnonzero(single)
        key = held[rows].argmax(axis=1) * weighted.shape[1] + owed[rows].argmax(axis=1)
        kinds, of = np.unique(key, return_inverse=True)
        return cls(
            tuple(rows[of == number] for number in range(len(kinds))),
            tuple(divmod(kind, weighted.shape[1]) for kind in kinds.tolist()),
            np.flatnonzero(~single),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Foreseen:
    """`chances` by account; `sums` are scenarios × amounts: those of all accounts that are struck there. `ends` are the factors of the
    strands' traded values at the horizon, strands × scenarios. `paired` is how many accounts were looked up, not walked.
    """

    chances: Floats
    sums: Floats
    ends: Singles
    paired: int


def foresee(
    weighted: Floats, amounts: Floats, past_line: Flags, winds: Winds, basis: Basis, draw: Draw, tell: Tell
) -> Foreseen:
    """Accounts × strands as `Stakes` has them, and `amounts` (accounts × any number) to be summed over whoever is struck: whose margin is
    below zero at the end of any hour, at the oracle's prices and with interest. Whoever is `past_line` now is struck in every future.

    Accounts of one pair are told by the lowest point of its path (`risk.crowd.pair_chances`), the others are walked where a bound lets
    them be struck at all.
    """
    rows = np.flatnonzero(~past_line)
    pairs = Pairs.of(weighted[rows])
    walked = rows[pairs.others]
    walked = walked[np.argsort(_cushions(weighted[walked]), kind="stable")]
    paired = [
        _Paired.of(weighted, amounts, rows[some], *two) for some, two in zip(pairs.members, pairs.strands, strict=True)
    ]
    struck_in = np.where(past_line, float(draw.scenarios), 0.0)
    sums = np.tile(amounts[past_line].sum(axis=0), (draw.scenarios, 1))
    ends = np.empty((weighted.shape[1], draw.scenarios), np.float32)
    for some, seed in draw.parts():
        tell(some.start, draw.scenarios)
        path, ends[:, some] = winds.paths(basis, draw, seed, some.stop - some.start)
        for pair in paired:
            struck_in[pair.rows] += pair.fall(path, sums[some])
        if walked.size:
            _walk(walked, weighted, amounts, path, struck_in, sums[some])
    tell(draw.scenarios, draw.scenarios)
    return Foreseen(struck_in / draw.scenarios, sums, np.exp(ends), len(rows) - len(walked))


def _walk(walked: Rows, weighted: Floats, amounts: Floats, path: Singles, struck_in: Floats, sums: Floats) -> None:
    net = weighted[walked].astype(np.float32)
    for rows, flags in struck(net, list(np.exp(path))):
        struck_in[walked[rows]] += flags.sum(axis=1)
        sums += (amounts[walked[rows]].T @ flags).T


def _cushions(weighted: Floats) -> Floats:
    """ln health of every account, without one where nothing is weighted."""
    held, owed = np.maximum(weighted, 0).sum(axis=1), -np.minimum(weighted, 0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(held / owed))


@dataclass(frozen=True, slots=True, eq=False)
class _Paired:
    """The accounts of one pair by rising cushion (ln health), and what their amounts come to up to each."""

    rows: Rows
    cushions: Floats
    reached: Floats
    held: int
    owed: int

    @classmethod
    def of(cls, weighted: Floats, amounts: Floats, rows: Rows, held: int, owed: int) -> _Paired:
        cushions = np.log(weighted[rows, held] / -weighted[rows, owed])
        order = np.argsort(cushions, kind="stable")
        reached = np.cumsum(np.vstack([np.zeros(amounts.shape[1]), amounts[rows[order]]]), axis=0)
        return cls(rows[order], cushions[order], reached, held, owed)

    def fall(self, path: Singles, sums: Floats) -> Floats:
        """In how many scenarios each account is struck; their amounts are added to `sums`."""
        lowest = (path[:, self.held] - path[:, self.owed]).min(axis=0).astype(np.float64)
        sums += self.reached[np.searchsorted(self.cushions, -lowest, side="left")]
        return np.asarray(pair_chances(self.cushions, lowest) * lowest.size)
