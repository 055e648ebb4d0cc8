"""What is shown of one position: its row of the cycle with everything computed from it once, before any output is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Panel, Position, Price
from watcher.cli.account.changes import Changes, panels
from watcher.cli.account.future import NOTHING_ASKED, Future, future
from watcher.cycle import Row
from watcher.errors import WatcherError
from watcher.health.correlated import Group
from watcher.health.judge import Judgement, judged
from watcher.health.outlook import Outlook, outlook
from watcher.model import Status
from watcher.oracle.ceiling import Ceiling, ceilings
from watcher.oracle.sight import Sight
from watcher.portfolio.part import Part, part
from watcher.wallet import Wallet
from watcher.watching.policy import Policy


@dataclass(frozen=True, slots=True)
class Sheet:
    """`judgement` is None exactly where the position is unknown; `outlook` there too, or where it cannot be told, for the reason `unseen`.

    `prices` and `panels` are those of the assets it holds or owes. `mode` is its e-mode, 0 for none, None where the protocol has none;
    `pair` says what a market of its own id is about.
    """

    owner: ChecksumAddress
    row: Row
    judgement: Judgement | None
    outlook: Outlook | None
    prices: tuple[Price, ...]
    panels: tuple[Panel, ...]
    mode: int | None
    pair: str | None
    unseen: str | None = None
    future: Future = NOTHING_ASKED
    part: Part | None = None  # in the whole wallet
    ceilings: tuple[Ceiling, ...] = ()  # the caps in its prices, with what it would be under each

    def under(self, changes: Changes) -> Sheet:
        """The same sheet with the answer to the what-if options."""
        if self.row.reading.valuation is None:
            return self
        return replace(self, future=future(self.row.position, changes))


def sheets(wallet: Wallet, policy: Policy) -> tuple[Sheet, ...]:
    """Every position that holds or owes something, and every one that is unknown; by market, in the order of the holders."""
    rows, order = [row for cycle in wallet.markets for row in cycle.rows], wallet.beside.holders.addresses
    shown = [sheet(row, policy) for row in rows if row.reading.valuation is None or row.reading.valuation.legs]
    shown = [explained(one, wallet.beside.sight) for one in shown]
    found = [replace(one, part=part(one.row, one.outlook, one.unseen, one.prices, wallet.beside)) for one in shown]
    return tuple(sorted(found, key=lambda one: (one.row.market.name, order.index(one.owner))))


def explained(shown: Sheet, sight: Sight | None) -> Sheet:
    """The sheet with what stands behind its prices: their doubts, and what it would be under the caps in them."""
    if sight is None or shown.row.reading.valuation is None:
        return shown
    doubted = tuple(replace(price, doubts=sight.doubts(price)) for price in shown.prices)
    return replace(shown, prices=doubted, ceilings=ceilings(shown.row.position, shown.prices, sight))


def under(shown: Iterable[Sheet], changes: Changes) -> tuple[Sheet, ...]:
    """Every sheet with the answer to the what-if options."""
    return tuple(one.under(changes) for one in shown)


def valued(shown: Iterable[Sheet]) -> list[Position[Any, Any, Any]]:
    """The positions that a change can be about: those that are not unknown."""
    return [one.row.position for one in shown if one.row.reading.valuation is not None]


def sheet(row: Row, policy: Policy) -> Sheet:
    row, judgement = weighed(row, policy)
    owner, position, valuation = to_checksum_address(row.reading.key.key[:20]), row.position, row.reading.valuation
    of, terms, quote = position.adapter, position.terms, position.quote
    prices = of.prices(terms, quote)
    mode = None if of.mode is None else of.mode(position.holding)
    pair = f"{prices[0].token.symbol}/{prices[0].unit.symbol}" if row.market.id and prices else None
    if valuation is None:
        return Sheet(owner, row, None, None, prices, (), mode, pair)
    held = {leg.token.address for leg in valuation.legs}
    seen, unseen = ahead(position, policy.groups)
    moving = held | {line.price.token.address for line in (seen.prices if seen else ())}
    return Sheet(
        owner,
        row,
        judgement,
        seen,
        tuple(price for price in prices if price.token.address in moving),
        tuple(panel for panel in panels(position) if panel.token.address in held),
        mode,
        pair,
        unseen,
    )


def weighed(row: Row, policy: Policy) -> tuple[Row, Judgement | None]:
    """The row under its bands. Where they, or its clock, cannot be told, the position is unknown, as it would be to `watcher run`."""
    verdict = policy.judge(row)
    if isinstance(verdict, Judgement):
        return replace(row, reading=judged(row.reading, verdict)), verdict
    if verdict is not None:
        row = replace(row, reading=replace(row.reading, status=Status.UNKNOWN, valuation=None, reason=str(verdict)))
    return row, None


def ahead(position: Position[Any, Any, Any], groups: Sequence[Group]) -> tuple[Outlook | None, str | None]:
    """The outlook, or why it cannot be told: an oracle that answers absurdly may spoil the search, and no other position with it."""
    try:
        return outlook(position, groups), None
    except WatcherError as error:
        return None, str(error)
