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
class Annex:
    """Contracts beside a market that its accounts may let act for them, all made by `factory`, the first not before block `start`.

    `made` are those of this market, as far as its logs have been read.
    """

    factory: ChecksumAddress
    start: int | None = None
    made: tuple[ChecksumAddress, ...] = ()


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
    annex: Annex | None = None


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
    NEAR_CAP = "near its cap"  # a price has little room below its cap
    DEVIATES = "deviates"  # the protocol's price and a second one are apart
    FALLBACK = "fallback"  # the price's own source gives none, and another one stands in
    REPLACED = "replaced"  # a feed reads another aggregator than before
    SEQUENCER = "sequencer"  # the L2 sequencer is down or has just come back
    MISMATCH = "mismatch"  # the contract's own answer differs from ours
    UNAUDITED = "unaudited"  # the contract's own answer was asked for and is not there
    DISPUTED = "disputed"  # two endpoints answer differently
    UNPRICED = "unpriced"  # a deposit that protects nothing has no price
    FORECAST = "forecast"  # a later time that the terms cannot tell
    UNTOLD = "not told"  # a figure that an alarm is set at, and nobody can tell now
    EARLY = "early"  # a line before the protocol's own that cannot be told


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
class Early:
    """A line before the protocol's own: from there on `contract`, which the owner has authorised, lets anybody liquidate.

    `line` is what it compares, by the price of its own `oracle`, and `health` their ratio, a wad rounded down; None, for the `reason`
    given, where that answers no price: it cannot act until it does. `open` is the contract's own comparison: it acts now.
    """

    contract: ChecksumAddress
    oracle: ChecksumAddress
    line: Line | None
    health: Wad | None
    open: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Valuation:
    """One position at one moment, in exact integers, as the contract itself would compute them.

    `collateral`, `debt` and `available` (further debt the contract would allow) are in `unit`. `threshold` and `ltv` are averages as
    the contract reports them, in `scale` (10_000 on Aave, 1e18 on Morpho). `health` is None when nothing is owed. `liquidatable` is
    the contract's own comparison. `computed` is False when the chain's own answer is all there is. `early` are the lines before that
    one, the highest first and those without a price last.
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
    early: tuple[Early, ...] = ()

    @property
    def liquidity(self) -> int:
        """By how much the weighted side of the line is above the other, in the line's unit; 0 where it is not."""
        return max(0, self.line.weighted - self.line.owed)

    @property
    def shortfall(self) -> int:
        """By how much the weighted side of the line is below the other, in the line's unit; 0 where it is not."""
        return max(0, self.line.owed - self.line.weighted)

    @property
    def first(self) -> Early | None:
        """The line that is reached first, where there is one before the protocol's own; `early` may have others that cannot be told."""
        return self.early[0] if self.early and self.early[0].health is not None else None

    @property
    def nearest(self) -> Wad | None:
        """Health at the line that is reached first."""
        first = self.first
        if first is None or first.health is None or self.health is None:
            return self.health
        return min(self.health, first.health)


class Status(StrEnum):
    """What a reading comes to: a band of health from *safe* to *critical*, the contract's own line, or that it cannot be told."""

    NO_DEBT = "no_debt"
    SAFE = "safe"
    WATCH = "watch"
    WARN = "warn"
    DANGER = "danger"
    CRITICAL = "critical"
    LIQUIDATABLE = "liquidatable"
    UNKNOWN = "unknown"
    OWING = "owing"  # there is debt and nobody asked for bands: look at the number


@dataclass(frozen=True, slots=True)
class Reading:
    """A valuation with the block it is true at, or the reason why there is none. `valuation` is None exactly when status is unknown."""

    key: PositionKey
    block: BlockRef
    status: Status
    valuation: Valuation | None
    reason: str | None = None
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A canonical reading as the fold of transitions needs it; a stored row of the same fields gives the same transitions again.

    `status` is this reading's alone, never *owing*. `clears` is the best status that it would let a worse one rise to (the raised
    thresholds), None where it is unknown. `read_at` is when the cycle read it, in seconds of the watcher's clock. `confirmed` says
    that a second endpoint said the same.
    """

    key: PositionKey
    block: BlockRef
    read_at: int
    status: Status
    clears: Status | None
    health: Wad | None
    confirmed: bool
    reason: str | None = None  # why it is unknown


@dataclass(frozen=True, slots=True)
class Runway:
    """Seconds until interest alone takes health to 1, from the block on; None where it never does within a century.

    `present` is at the present rates, `full` with every debt asset at full utilisation; where that cannot be told, `full` is None
    and `reason` says why.
    """

    present: int | None
    full: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Distance:
    """How far `of` (the prices of all collateral, or the ratio of a correlated pair) can fall before the line, in millionths."""

    steps: int
    of: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Repay (`side` is debt) or deposit (collateral) `amount` raw units to reach health `target`; None with a `reason` if it cannot."""

    side: Side
    token: Token
    amount: Raw | None
    target: Wad
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A position's status changed for those who watch it. Recording the same `id` again is harmless: the earlier `due` wins.

    `id` follows from the sighting and the statuses, so that a replay gives it again. `before` is None for a position's first. `due` is
    when it may be told, in seconds of the watcher's clock; None: kept, and told to nobody. `retracts` is the id of a transition that a
    reorg took back, `recovers` that of the *unknown* which this one ends: what was not yet told by then is not told any more, and
    this one is told only if that one was, or if it is `news` anyway. `cause`, `distance`, `runway` and `fixes` are what is said of
    it, known where it was seen and not needed for a replay.
    """

    id: str
    key: PositionKey
    block: BlockRef
    read_at: int
    before: Status | None
    after: Status
    health_before: Wad | None
    health: Wad | None
    confirmed: bool
    due: int | None
    retracts: str | None = None
    recovers: str | None = None
    news: bool = False
    cause: str = ""
    distance: Distance | None = None
    runway: Runway | None = None
    fixes: tuple[Fix, ...] = ()
