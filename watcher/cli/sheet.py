"""What is shown of one position: its row of the cycle with everything computed from it once, before any output is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Panel, Price
from watcher.cli.changes import Changes, panels
from watcher.cli.future import NOTHING_ASKED, Future, future
from watcher.cycle import Row
from watcher.health.correlated import Group
from watcher.health.outlook import Outlook, outlook
from watcher.wallet import Wallet


@dataclass(frozen=True, slots=True)
class Sheet:
    """`outlook` is None where the position is unknown; `prices` and `panels` are those of the assets it holds or owes.

    `mode` is its e-mode, 0 for none, None where the protocol has none; `pair` says what a market of its own id is about.
    """

    owner: ChecksumAddress
    row: Row
    outlook: Outlook | None
    prices: tuple[Price, ...]
    panels: tuple[Panel, ...]
    mode: int | None
    pair: str | None
    future: Future = NOTHING_ASKED

    def under(self, changes: Changes) -> Sheet:
        """The same sheet with the answer to the what-if options."""
        if self.outlook is None:
            return self
        return replace(self, future=future(self.row.position, changes))


def sheets(wallet: Wallet, owners: Sequence[ChecksumAddress]) -> tuple[Sheet, ...]:
    """Every position that holds or owes something, and every one that is unknown; by market, in the order of `owners`."""
    groups = tuple(Group(group.name, frozenset(group.tokens)) for group in wallet.chain.groups)
    rows = [row for cycle in wallet.markets for row in cycle.rows]
    found = [sheet(row, groups) for row in rows if row.reading.valuation is None or row.reading.valuation.legs]
    return tuple(sorted(found, key=lambda one: (one.row.market.name, owners.index(one.owner))))


def sheet(row: Row, groups: Sequence[Group]) -> Sheet:
    owner, position, valuation = to_checksum_address(row.reading.key.key[:20]), row.position, row.reading.valuation
    of, terms, quote = position.adapter, position.terms, position.quote
    prices = of.prices(terms, quote)
    mode = None if of.mode is None else of.mode(position.holding)
    pair = f"{prices[0].token.symbol}/{prices[0].unit.symbol}" if row.market.id and prices else None
    if valuation is None:
        return Sheet(owner, row, None, prices, (), mode, pair)
    held = {leg.token.address for leg in valuation.legs}
    seen = outlook(position, groups)
    moving = held | {line.price.token.address for line in seen.prices}
    return Sheet(
        owner,
        row,
        seen,
        tuple(price for price in prices if price.token.address in moving),
        tuple(panel for panel in panels(position) if panel.token.address in held),
        mode,
        pair,
    )
