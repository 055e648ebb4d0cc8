"""What is known about one Comet: its terms, its quote, a holding in it. A Comet lends one base token against a list of collaterals."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eth_typing import ChecksumAddress

from watcher.formula.comet import Curve, Totals
from watcher.model import Market, Moment, PositionKey, Token, Unit
from watcher.oracle.feed import Feed, Pulse

SUPPLY, TRANSFER, WITHDRAW, ABSORB, BUY = range(5)  # bits of pauseFlags


@dataclass(frozen=True, slots=True)
class Asset:
    """One collateral. `place` is its bit in an account's list; factors are wads, `cap` raw units."""

    place: int
    token: Token
    feed: Feed
    scale: int
    borrow: int  # how far it lets its owner borrow
    liquidate: int  # how far it protects from liquidation
    liquidation: int  # what of its value its owner is credited when it is absorbed
    cap: int


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything here is in the implementation's code: it changes when the proxy is pointed to another.

    `implementation` is None for a Comet that no EIP-1967 proxy stands before. `unit` is what prices count in, eight decimals.
    """

    market: Market
    implementation: ChecksumAddress | None
    unit: Unit
    base: Token
    base_feed: Feed
    base_scale: int
    assets: tuple[Asset, ...]
    supply: Curve
    borrow: Curve
    store_front: int  # the share of the penalty that buyers of collateral get, a wad
    minimum: int  # raw base: the least that may be owed after a borrow
    target: int  # raw base: reserves from which absorbed collateral is not sold any more
    governor: ChecksumAddress


@dataclass(frozen=True, slots=True)
class Stored:
    """What accrual changes, as the chain stores it: a later moment is accrued from here, in one step as the contract does."""

    totals: Totals
    updated: int  # seconds


@dataclass(frozen=True, slots=True)
class Quote:
    """What Comet and its feeds store for everyone. Indices leave out interest since `updated`.

    `prices` are the feeds' answers in the order of the assets, and base's last; None where there is no usable one.
    `collateral` is what all accounts hold of each asset, `cash` the base in the contract. `stored` is set on an accrued quote.
    """

    totals: Totals
    updated: int  # seconds
    paused: int  # pauseFlags
    prices: tuple[int | None, ...]
    pulses: tuple[Pulse, ...]
    collateral: tuple[int, ...]
    cash: int
    at: Moment | None = None
    stored: Stored | None = None

    def unaccrued(self) -> Quote:
        """As it stood before accrual; prices stay as they are here."""
        if self.stored is None:
            return self
        return replace(self, totals=self.stored.totals, updated=self.stored.updated, stored=None)

    def stops(self, action: int) -> bool:
        """Whether this action is paused."""
        return bool(self.paused >> action & 1)

    @property
    def moment(self) -> Moment:
        """When this quote holds. A quote straight from the chain has none: accrue it first."""
        if self.at is None:
            raise ValueError("this quote has not been accrued to a moment")
        return self.at


@dataclass(frozen=True, slots=True)
class Holding:
    """One account: `principal` of base, below zero owed; `entered` the bits of `assetsIn` and, from 16 on, of `_reserved`.

    `balances` are raw collateral by place, in order, of assets that are entered and that the terms know.
    """

    key: PositionKey
    principal: int
    entered: int
    balances: tuple[tuple[int, int], ...]
