"""What a reading means to those who watch it: whose bands apply, which tokens move together, and the status that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.config import Chain
from watcher.config.risk import HOUR
from watcher.config.watch import Watch
from watcher.cycle import Row
from watcher.errors import WatcherError
from watcher.health.bands import Bands
from watcher.health.correlated import Group
from watcher.health.judge import Judgement, judge
from watcher.health.limits import Limits, limits_for
from watcher.health.measure import CHANCES, End, Figure, Measure
from watcher.health.rules import Rule, bands_for
from watcher.model import PositionKey

HOLDS: Final = 2  # times as long as appraisals are apart is a chance taken for the present one


@dataclass(frozen=True, slots=True)
class Told:
    """A chance with its standard error (None: it was not simulated), and the time of the block that it was told at."""

    at: int
    chance: Fraction
    error: Fraction | None


@dataclass(frozen=True, slots=True)
class Foretold:
    """Of a position the chances that were last told, and why the newest appraisal, at the block's time `at`, tells no others."""

    at: int
    chances: Mapping[Measure, Told]
    missing: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The bands of one chain's positions. `volatile` and `correlated` hold where no rule is about a position.

    `limits` are on other figures than health. `foretold` has the newest chances, which hold for `HOLDS` · `every` seconds.
    """

    groups: tuple[Group, ...]
    rules: tuple[Rule, ...]
    volatile: Bands
    correlated: Bands
    limits: tuple[Limits, ...] = ()
    foretold: Mapping[PositionKey, Foretold] = field(default_factory=dict)
    every: int = HOUR

    @classmethod
    def of(cls, watch: Watch, chain: Chain, resolved: Mapping[str, ChecksumAddress]) -> Policy:
        groups = tuple(Group(group.name, frozenset(group.tokens)) for group in chain.groups)
        limits = watch.measured(resolved)
        return cls(groups, watch.rules(resolved), watch.volatile, watch.correlated, limits, every=watch.risk.every)

    @property
    def patience(self) -> int:
        """For how many seconds a chance is taken for the present one."""
        return HOLDS * self.every

    @property
    def foresees(self) -> bool:
        """Whether anybody is told by a chance."""
        return any(one.measure in CHANCES for one in self.limits)

    def judge(self, row: Row) -> Judgement | WatcherError | None:
        """None where there is no valuation; the error where its bands or its clock cannot be told."""
        if row.reading.valuation is None:
            return None
        of = row.position.adapter
        mode = 0 if of.mode is None else of.mode(row.position.holding)
        wallet, market = owner(row.reading.key), row.reading.key.market

        def bands(together: bool) -> Bands:
            return bands_for(self.rules, wallet, market, mode, self.correlated if together else self.volatile)

        limits = limits_for(self.limits, wallet, market)
        chances = {one.measure: self._chance(row, one.measure) for one in limits if one.measure in CHANCES}
        try:
            return judge(row.position, self.groups, bands, limits, chances)
        except WatcherError as error:
            return error

    def _chance(self, row: Row, wanted: Measure) -> Figure:
        """What was foretold, as long as it holds; else why nobody can tell."""
        said = self.foretold.get(row.reading.key)
        if said is None:
            return Figure(wanted, None, End.UNTOLD, "no appraisal of it is known")
        if wanted not in said.chances:
            return Figure(wanted, None, End.UNTOLD, said.missing)
        told = said.chances[wanted]
        age = row.reading.block.timestamp - told.at
        if age <= self.patience:
            return Figure(wanted, told.chance, error=told.error)
        why = said.missing if said.at > told.at else f"the last appraisal that told it is {age} s old"
        return Figure(wanted, None, End.UNTOLD, why, told.chance)


def owner(key: PositionKey) -> ChecksumAddress:
    """Whose position it is."""
    return to_checksum_address(key.key[:20])
