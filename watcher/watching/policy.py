"""What a reading means to those who watch it: whose bands apply, which tokens move together, and the status that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.config import Chain
from watcher.config.watch import Watch
from watcher.cycle import Row
from watcher.errors import WatcherError
from watcher.health.bands import Bands
from watcher.health.correlated import Group
from watcher.health.judge import Judgement, judge
from watcher.health.rules import Rule, bands_for
from watcher.model import PositionKey


@dataclass(frozen=True, slots=True)
class Policy:
    """The bands of one chain's positions. `volatile` and `correlated` hold where no rule is about a position."""

    groups: tuple[Group, ...]
    rules: tuple[Rule, ...]
    volatile: Bands
    correlated: Bands

    @classmethod
    def of(cls, watch: Watch, chain: Chain, resolved: Mapping[str, ChecksumAddress]) -> Policy:
        groups = tuple(Group(group.name, frozenset(group.tokens)) for group in chain.groups)
        return cls(groups, watch.rules(resolved), watch.volatile, watch.correlated)

    def judge(self, row: Row) -> Judgement | WatcherError | None:
        """None where there is no valuation; the error where its bands or its clock cannot be told."""
        if row.reading.valuation is None:
            return None
        of = row.position.adapter
        mode = 0 if of.mode is None else of.mode(row.position.holding)
        wallet, market = owner(row.reading.key), row.reading.key.market

        def bands(together: bool) -> Bands:
            return bands_for(self.rules, wallet, market, mode, self.correlated if together else self.volatile)

        try:
            return judge(row.position, self.groups, bands)
        except WatcherError as error:
            return error


def owner(key: PositionKey) -> ChecksumAddress:
    """Whose position it is."""
    return to_checksum_address(key.key[:20])
