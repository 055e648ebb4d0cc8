"""What is known about one Morpho market: its terms, its quote, a holding in it. The contract is one per chain, a market is a 32-byte id."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from eth_typing import ChecksumAddress

from watcher.formula.morpho import Totals
from watcher.formula.pre_liquidation import Rules
from watcher.model import Market, Moment, PositionKey, Token
from watcher.oracle.feed import Feed, Pulse


@dataclass(frozen=True, slots=True)
class Params:
    """`MarketParams`, immutable: their hash is the market's id. `lltv` is a wad."""

    loan: ChecksumAddress
    collateral: ChecksumAddress
    oracle: ChecksumAddress
    irm: ChecksumAddress
    lltv: int

    def row(self) -> tuple[ChecksumAddress, ChecksumAddress, ChecksumAddress, ChecksumAddress, int]:
        """In the order of the ABI."""
        return (self.loan, self.collateral, self.oracle, self.irm, self.lltv)


class Model(StrEnum):
    """Which interest rate model the market has, by how it answers and not by its address."""

    NONE = "none"  # no model, no interest
    ADAPTIVE = "adaptive"
    FIXED = "fixed"  # one rate for the market, set once
    OTHER = "other"  # its rate can be read, not foretold


@dataclass(frozen=True, slots=True)
class Source:
    """One part of the oracle's price that could be read, and what it does in it: "base feed", "quote vault"."""

    role: str
    feed: Feed


@dataclass(frozen=True, slots=True)
class PreLiquidation:
    """A contract of the factory that whoever authorises it lets act before Morpho's line, by its own oracle; nothing in it changes."""

    address: ChecksumAddress
    rules: Rules
    oracle: ChecksumAddress


@dataclass(frozen=True, slots=True)
class Answer:
    """An oracle's price, or why it has none."""

    price: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Terms:
    """`collateral` is None in an idle market, which has neither collateral nor oracle. `sources` is empty for an unknown oracle.

    `early` are the pre-liquidation contracts of the market's annex that exist.
    """

    market: Market
    params: Params
    loan: Token
    collateral: Token | None
    model: Model
    sources: tuple[Source, ...]
    fee_recipient: ChecksumAddress
    early: tuple[PreLiquidation, ...] = ()

    @property
    def recipient(self) -> PositionKey:
        """The position that protocol fees are minted to."""
        return PositionKey(self.market.name, bytes.fromhex(self.fee_recipient[2:]))


@dataclass(frozen=True, slots=True)
class Stored:
    """What accrual changes, as the chain stores it: a later moment is accrued from here, in one step as the contract does."""

    totals: Totals
    last_update: int  # seconds
    at_target: int
    minted: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What Morpho, the model and the oracle store for everyone. Totals leave out interest since `last_update`.

    `fee` is the protocol's share of interest as a wad. `price` is the oracle's answer; `no_price` says why there is none.
    `at_target` is the adaptive curve's stored rate (wad per second). A fixed model's `rate` (wad per second) holds for ever; under another
    model it was answered for the timestamp `rate_at` and holds for no other. `minted` are fee shares that accrual added to the totals and
    the fee recipient has not been given in its stored position yet. `pulse` is the oldest answer among the oracle's feeds. `stored` is set
    on an accrued quote. `early` are the answers of the pre-liquidation contracts' own oracles, one for each of the terms'.
    """

    totals: Totals
    fee: int
    last_update: int  # seconds
    price: int | None
    no_price: str | None
    pulse: Pulse
    at_target: int = 0
    rate: int | None = None
    rate_at: int | None = None
    minted: int = 0
    at: Moment | None = None
    stored: Stored | None = None
    early: tuple[Answer, ...] = ()

    def unaccrued(self) -> Quote:
        """As it stood before accrual; prices stay as they are here."""
        if self.stored is None:
            return self
        before = self.stored
        return replace(
            self,
            totals=before.totals,
            last_update=before.last_update,
            at_target=before.at_target,
            minted=before.minted,
            stored=None,
        )

    def committed(self) -> Quote:
        """After a transaction that accrued: what was computed is now what is stored."""
        return replace(self, stored=None)

    @property
    def moment(self) -> Moment:
        """When this quote holds. A quote straight from the chain has none: accrue it first."""
        if self.at is None:
            raise ValueError("this quote has not been accrued to a moment")
        return self.at


@dataclass(frozen=True, slots=True)
class Holding:
    """`Morpho.position` of one account. Collateral is in raw units. `authorised` are the terms' early contracts that may act for it."""

    key: PositionKey
    supply_shares: int
    borrow_shares: int
    collateral: int
    authorised: tuple[ChecksumAddress, ...] = ()
