"""One look at a market: who is shown, with everything that is said of them, and the proof beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from eth_typing import ChecksumAddress

from watcher.book.verdict import Lines, verdict
from watcher.config import Chain
from watcher.connection import Connection
from watcher.errors import WatcherError
from watcher.following.followed import Followed
from watcher.following.proof import Audit, audited, chosen, covered
from watcher.health.correlated import Group
from watcher.health.fall import Fall
from watcher.model import BlockRef, Market, Moment, PositionKey, Valuation
from watcher.scan.close import Close, close
from watcher.scan.last_move import Move, last_move
from watcher.scan.opening import Opening
from watcher.scan.risk import Account, Choose, Risk, distance, risk
from watcher.survey.coverage import Coverage
from watcher.survey.spans import Span
from watcher.units import WAD, Wad


class Sort(StrEnum):
    HEALTH = "health"
    DEBT = "debt"
    DISTANCE = "distance"


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. `least` is a debt in the market's unit; `prices` are answers put in the place of the oracle's.

    With `liquidatable` only those are shown that the contract would liquidate, now or at the next block's time.
    """

    limit: Wad
    groups: tuple[Group, ...]
    choose: Choose
    sort: Sort = Sort.HEALTH
    top: int | None = None
    least: int = 0
    prices: Mapping[ChecksumAddress, int] | None = None
    liquidatable: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One account as it is shown. `fall` is None where it cannot be told, `close` where nobody asked."""

    account: Account
    fall: Fall | None
    move: Move
    close: Close | None


@dataclass(frozen=True, slots=True)
class View:
    """`matched` is how many accounts there are to show, of which `lines` are the first. Where coverage is not exact, `unread` are the
    blocks whose logs must be asked for again.
    """

    chain: Chain
    market: Market
    block: BlockRef
    next: Moment
    order: Order
    risk: Risk
    matched: int
    lines: tuple[Line, ...]
    coverage: Coverage
    unread: tuple[Span, ...]
    audit: Audit

    @property
    def sound(self) -> bool:
        """Nobody is missing or unknown, and the contract says the same."""
        return self.coverage.exact and self.audit.clean and not self.risk.unknown


async def look(line: Connection, opening: Opening, order: Order) -> View:
    """The book as it stands. Raises what the terms cannot tell."""
    one = opening.followed
    quote, after = under(one, one.accrued(), order), following(line.chain, one.block)
    seen = risk(one.book, quote, order.limit, order.groups, order.choose)
    accounts: Sequence[Account] = [each for each in seen.accounts if each.valuation.debt >= order.least]
    later: Any = None
    if order.liquidatable:
        later = _later(one, after, order)
        accounts = _liquidatable(one, accounts, later)
    falls = {each.key: distance(each) for each in accounts} if order.sort is Sort.DISTANCE else {}
    shown = _sorted(accounts, order.sort, falls)[: order.top]
    lines = tuple(
        Line(
            each,
            falls[each.key] if each.key in falls else distance(each),
            last_move(opening, each.key),
            close(each.position, later) if order.liquidatable else None,
        )
        for each in shown
    )
    proof = covered(one)
    audit = await audited(line, one, chosen(one.book.keys, one.block, [each.key for each in shown]))
    return View(
        chain=line.chain,
        market=one.market,
        block=one.block,
        next=after,
        order=order,
        risk=seen,
        matched=len(accounts),
        lines=lines,
        coverage=proof,
        unread=() if proof.exact else opening.unread,
        audit=audit,
    )


def following(chain: Chain, block: BlockRef) -> Moment:
    """The next block, if it comes when blocks of this chain do on average; a second later at least."""
    return Moment(block.number + 1, block.timestamp + max(1, -int(-chain.block_time // 1)))


def under(one: Followed, quote: Any, order: Order) -> Any:
    """The quote with the prices that were asked for in the place of the oracle's."""
    return one.of.reprice(one.terms, quote, order.prices) if order.prices else quote


def _later(one: Followed, at: Moment, order: Order) -> Any | WatcherError:
    try:
        return under(one, one.at(at), order)
    except WatcherError as error:  # a time that the terms cannot tell
        return error


def _liquidatable(one: Followed, accounts: Iterable[Account], later: Any | WatcherError) -> list[Account]:
    """Those past the contract's line or an early one now, and those that will be past the contract's by interest alone."""
    soon: set[PositionKey] = set()
    if not isinstance(later, WatcherError):
        rows = np.flatnonzero(verdict(one.book, later, Lines(((Wad(WAD),),))).liquidatable)
        soon = {one.book.keys[row] for row in rows.tolist()}
    return [each for each in accounts if _open(each.valuation) or each.key in soon]


def _open(seen: Valuation) -> bool:
    return seen.liquidatable or any(early.open for early in seen.early)


def _sorted(accounts: Iterable[Account], sort: Sort, falls: Mapping[PositionKey, Fall | None]) -> list[Account]:
    """Most pressing first; `accounts` come by health. A distance that is not known comes before every other."""
    match sort:
        case Sort.HEALTH:
            return list(accounts)
        case Sort.DEBT:
            return sorted(accounts, key=lambda each: -each.valuation.debt)
        case Sort.DISTANCE:
            return sorted(accounts, key=lambda each: _far(falls[each.key]))


def _far(found: Fall | None) -> tuple[int, int]:
    if found is None:
        return 0, 0
    return (2, 0) if found.steps is None else (1, found.steps)
