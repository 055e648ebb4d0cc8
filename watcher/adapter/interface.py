"""The interface itself: one value of pure functions for each protocol family."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from eth_typing import ChecksumAddress

from watcher.adapter.action import Acted, Action, Refusal
from watcher.adapter.governance import Governance
from watcher.adapter.linear import Linear
from watcher.adapter.liquidation import Beside, Liquidated, Liquidation, Whole
from watcher.adapter.logs import LogQuery, Moves
from watcher.adapter.view import Makeup, Panel, Price, Reported, Shares
from watcher.adapter.which import Accrued, H, Q, T
from watcher.model import Market, Moment, PositionKey, Side, Valuation
from watcher.query import Query
from watcher.units import Raw


@dataclass(frozen=True, slots=True)
class Adapter(Generic[T, Q, H]):
    """One protocol family. All functions are pure; queries are run by whoever holds a reader.

    `truncates` says that the contract cuts the average threshold to whole steps before it uses it, so that health is not monotone in
    a price: searches in `health` look at it.
    """

    name: str
    terms_type: type[T]
    quote_type: type[Q]
    holding_type: type[H]
    terms: Callable[[Market], Query[T]]
    fresh: Callable[[T], Query[bool]]  # are these (cached) terms still the market's? one round trip
    quote: Callable[[T], Query[Q]]
    accrue: Callable[[T, Q, Moment, Accrued], Q]
    positions: Callable[[T, Sequence[ChecksumAddress]], Query[tuple[PositionKey, ...]]]
    holdings: Callable[[T, Sequence[PositionKey]], Query[dict[PositionKey, H]]]
    moves: Callable[[T], LogQuery[Moves]]
    value: Callable[[T, Q, H], Valuation]
    prices: Callable[[T, Q], tuple[Price, ...]]
    reprice: Callable[[T, Q, Mapping[ChecksumAddress, int]], Q]
    panels: Callable[[T, Q], tuple[Panel, ...]]
    act: Callable[[T, Q, H, Action], Acted[Q, H] | Refusal]
    liquidation: Callable[[T, Q, H, ChecksumAddress, ChecksumAddress], Liquidation | Refusal]
    reported: Callable[[T, Sequence[PositionKey]], Query[dict[PositionKey, Reported]]]
    truncates: Callable[[T], bool]
    discover: Callable[[Market, Sequence[ChecksumAddress]], LogQuery[Market]] | None = (
        None  # markets an owner has entered
    )
    makeup: Callable[[T], Makeup] | None = None
    borrowers: Callable[[Sequence[T]], LogQuery[PositionKey]] | None = (
        None  # whose debt grew, in markets of one contract
    )
    suppliers: Callable[[Sequence[T]], LogQuery[PositionKey]] | None = None  # who was given a deposit in them
    founding: Callable[[T], LogQuery[None]] | None = (
        None  # logs that are certainly there, soon after the market's start
    )
    totals: Callable[[T, Q], Shares] | None = None  # of all positions, as the contracts count them
    shares: Callable[[T, H], Shares] | None = None  # of one position: those of all positions add up to `totals`
    bare: Callable[[H], H] | None = None  # a holding as it is read among thousands; None: as among few
    mode: Callable[[H], int] | None = None  # the e-mode category of a position, 0 for none
    linear: Linear[T, Q, H] | None = None  # None: positions can only be valued one by one
    liquidations: Callable[[T], LogQuery[Liquidated]] | None = None
    beside: Beside[T] | None = None  # None: a liquidation's own log says everything
    worth: Callable[[T, Q, Side, ChecksumAddress, Raw], int] | None = (
        None  # in a valuation's unit, as that side rounds it
    )
    governance: Governance[T] | None = None
    whole: Callable[[T, Q, H], tuple[Whole, ...] | Refusal] | None = (
        None  # every way to liquidate a whole account now; None: pair by pair only
    )
    listed: Callable[[Market], Query[tuple[Market, ...]]] | None = None  # the markets that a registry lists by a call
    annexes: Callable[[Market], LogQuery[tuple[bytes, ChecksumAddress]]] | None = (
        None  # what the factory of a market's annex has made: market id and contract
    )
    early: Callable[[T, Q, H, ChecksumAddress], Liquidation | Refusal] | None = (
        None  # the largest liquidation through one of a valuation's early lines
    )
    money: Callable[[T], ChecksumAddress] | None = None  # the token that values are counted in; None: a currency


@dataclass(frozen=True, slots=True)
class Position(Generic[T, Q, H]):
    """One position with everything needed to value it again under another input: a quote accrued to `at`, its terms, its holding."""

    adapter: Adapter[T, Q, H]
    terms: T
    quote: Q  # accrued to its moment
    holding: H

    def value(self) -> Valuation:
        """The valuation of this very position; raises `MissingPrice` or `AnswerError` where the contract would revert."""
        return self.adapter.value(self.terms, self.quote, self.holding)
