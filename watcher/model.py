"""What everyone shares: where and when a thing was read, what a position is, what it is worth. Frozen data, no I/O.

Amounts are integers; every field says its unit. Nothing here knows a protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from eth_typing import ChecksumAddress, HexStr

from watcher.units import Raw, Ray, Wad


@dataclass(frozen=True, slots=True)
class Moment:
    """The only clock of pure code: a block's number and its timestamp in seconds."""

    number: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class BlockRef(Moment):
    """One block of one chain. Every read of a cycle is pinned to `hash`."""

    chain: int
    hash: HexStr


@dataclass(frozen=True, slots=True)
class Token:
    """`symbol` is cleaned and bounded text chosen by whoever deployed the token: a label, never an identity."""

    address: ChecksumAddress
    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Market:
    """One margin pool with one set of terms: an Aave pool, one Morpho market id.

    `name` is unique within the configuration ("ethereum/aave-v3/core"); `address` is the contract that holds the positions;
    `id` tells markets apart that share it (a Morpho market id), empty otherwise; `start` is the block to look for logs from.
    """

    chain: int
    protocol: str  # the adapter's name
    name: str
    address: ChecksumAddress
    id: bytes = b""
    start: int | None = None


@dataclass(frozen=True, slots=True)
class PositionKey:
    """`market` is the market's name; `key` is what the protocol calls a position: 20 bytes of an address, or more."""

    market: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Unit:
    """What one integer of a value means: `10 ** -decimals` of `symbol`."""

    symbol: str
    decimals: int


class Side(StrEnum):
    COLLATERAL = "collateral"  # counts towards health
    DEBT = "debt"
    DEPOSIT = "deposit"  # supplied, but does not protect the debt


@dataclass(frozen=True, slots=True)
class Leg:
    """One token on one side of a position.

    `value` is in the valuation's `unit`, rounded as the contract rounds it. `threshold` and `ltv` are the ones that really apply
    (e-mode considered), in the valuation's `scale`; 0 for debt and deposits. `rate` is the protocol's own yearly interest on
    this leg, simple, as a ray: earned on collateral and deposits, paid on debt; the yield inside a token's price is not in it.
    """

    token: Token
    side: Side
    amount: Raw
    value: int
    threshold: int
    ltv: int
    rate: Ray


class Blocked(StrEnum):
    """Why the protocol would refuse a liquidation although the line is crossed."""

    PAUSED = "paused"
    GRACE = "grace"  # liquidation grace period of a reserve
    SENTINEL = "sentinel"  # L2 price-oracle sentinel
    EMPTY = "no collateral"  # there is debt and nothing to seize


class DoubtKind(StrEnum):
    STALE = "stale"  # the oracle's answer is old
    CAPPED = "capped"  # a price cap binds
    SEQUENCER = "sequencer"  # the L2 sequencer is down or has just come back
    MISMATCH = "mismatch"  # the contract's own answer differs from ours
    UNAUDITED = "unaudited"  # the contract's own answer was asked for and is not there
    DISPUTED = "disputed"  # two endpoints answer differently
    UNPRICED = "unpriced"  # a deposit that protects nothing has no price
    FORECAST = "forecast"  # a later time that the terms cannot tell


@dataclass(frozen=True, slots=True)
class Doubt:
    """Stands beside a status, never in place of one."""

    kind: DoubtKind
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """The two integers that the contract compares: liquidatable when `weighted` is below `owed` (see the adapter for equality)."""

    weighted: int
    owed: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class Valuation:
    """One position at one moment, in exact integers, as the contract itself would compute them.

    `collateral`, `debt` and `available` (further debt the contract would allow) are in `unit`. `threshold` and `ltv` are averages as
    the contract reports them, in `scale` (10_000 on Aave, 1e18 on Morpho). `health` is None when nothing is owed. `liquidatable` is
    the contract's own comparison. `computed` is False when the chain's own answer is all there is.
    """

    key: PositionKey
    at: Moment
    unit: Unit
    scale: int
    legs: tuple[Leg, ...]
    collateral: int
    debt: int
    available: int
    threshold: int
    ltv: int
    line: Line
    health: Wad | None
    liquidatable: bool
    blocked: Blocked | None
    computed: bool = True
    doubts: tuple[Doubt, ...] = ()


class Status(StrEnum):
    """What a reading comes to. Bands between *owing* and *liquidatable* are not drawn yet."""

    NO_DEBT = "no_debt"
    OWING = "owing"  # look at the number
    LIQUIDATABLE = "liquidatable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reading:
    """A valuation with the block it is true at, or the reason why there is none. `valuation` is None exactly when status is unknown."""

    key: PositionKey
    block: BlockRef
    status: Status
    valuation: Valuation | None
    reason: str | None = None
    doubts: tuple[Doubt, ...] = ()
