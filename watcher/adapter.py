"""The interface of an adapter: a frozen value of pure functions over its own three facts, and the types of their results.

`Terms` (T) say the rules, a `Quote` (Q) says what the chain stores for everyone, a `Holding` (H) says what one position has. Their
insides belong to the adapter; outside, only `Valuation`, `Price`, `Liquidation` and the other types below are seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

from eth_typing import ChecksumAddress, HexStr

from watcher.model import Blocked, Doubt, Market, Moment, PositionKey, Side, Token, Unit, Valuation
from watcher.query import Query
from watcher.units import Raw, Ray

T = TypeVar("T")
Q = TypeVar("Q")
H = TypeVar("H")


class Which(Enum):
    """Whose interest is brought up to date: everyone's, or nobody's (what a stale view sees). A set of tokens names some."""

    ALL = "all"
    NONE = "none"


Accrued: TypeAlias = Which | frozenset[ChecksumAddress]


@dataclass(frozen=True, slots=True)
class Price:
    """What the protocol itself reads for `token`: `answer` integers of `unit`, or None when there is no usable one.

    For Aave the unit is the oracle's base currency; for Morpho it is the loan token, scaled by 1e36. `path` reads from the source
    inwards (adapter, cap, base feed); `updated` is the answer's own timestamp in seconds, None where it cannot be read.
    """

    token: Token
    answer: int | None
    unit: Unit
    source: ChecksumAddress
    description: str
    path: tuple[str, ...]
    updated: int | None
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """How the borrow rate follows utilisation, as yearly rays: piecewise linear through `points` of (utilisation, rate).

    Empty where the rate cannot be told from utilisation alone.
    """

    points: tuple[tuple[Ray, Ray], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One asset of a market as everyone sees it. Amounts are raw token units; caps are raw too, None without a cap."""

    token: Token
    supplied: Raw
    borrowed: Raw
    free: Raw  # liquidity that can be borrowed or withdrawn now
    utilisation: Ray
    supply_rate: Ray
    borrow_rate: Ray
    curve: Curve
    supply_cap: Raw | None
    borrow_cap: Raw | None
    paused: bool
    frozen: bool
    grace_until: int | None  # seconds; liquidations are off before it


@dataclass(frozen=True, slots=True)
class Supply:
    token: ChecksumAddress
    amount: Raw


@dataclass(frozen=True, slots=True)
class Withdraw:
    token: ChecksumAddress
    amount: Raw


@dataclass(frozen=True, slots=True)
class Borrow:
    token: ChecksumAddress
    amount: Raw


@dataclass(frozen=True, slots=True)
class Repay:
    token: ChecksumAddress
    amount: Raw


@dataclass(frozen=True, slots=True)
class SetMode:
    """Switch the position's e-mode category; 0 leaves e-mode."""

    category: int


Action: TypeAlias = Supply | Withdraw | Borrow | Repay | SetMode


@dataclass(frozen=True, slots=True)
class Acted(Generic[Q, H]):
    """The world after an action: the shared quote moves too (pool totals, indices), so both come back."""

    quote: Q
    holding: H


@dataclass(frozen=True, slots=True)
class Refusal:
    """The contract would revert. `reason` is one line in the protocol's own words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Liquidation:
    """The largest liquidation of one pair that the contract would carry out now. Amounts are raw token units.

    `seize` is what leaves the borrower, `fee` the part of it that goes to the protocol; `bonus` is what the liquidator gains over the
    debt, in `unit`, before costs. `deficit` is the bad debt left after it, in raw units of the debt token. `blocked` says why nothing
    can be done now.
    """

    debt: Token
    collateral: Token
    repay: Raw
    seize: Raw
    fee: Raw
    incentive: int  # liquidation bonus factor in the valuation's scale, 100 % included
    bonus: int
    unit: Unit
    deficit: Raw
    blocked: Blocked | None


@dataclass(frozen=True, slots=True)
class Reported:
    """The contract's own answer for one position: `figures` by the name of the `Valuation` field they must equal.

    `which` says whose interest that answer had accrued. An absent name is something this contract does not report.
    """

    key: PositionKey
    which: Accrued
    figures: Mapping[str, int | bool | None]


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log. `name` is "folder/contract.event"; `args` are in the ABI's order, indexed ones included."""

    name: str
    address: ChecksumAddress
    args: tuple[Any, ...]
    block: int
    block_hash: HexStr
    index: int  # within the block


class Touch(Enum):
    """What a log moved when it is not one position: every position of the market, or the terms themselves."""

    EVERYONE = "everyone"
    TERMS = "terms"


@dataclass(frozen=True, slots=True)
class LogQuery(Generic[T]):
    """Logs to ask for and what each one means. `events` are names below `abis/`; `indexed` narrows topics 1 to 3 (32-byte words).

    The contract that emits is one of `addresses`. `read` turns a decoded log into what it says.
    """

    addresses: tuple[ChecksumAddress, ...]
    events: tuple[str, ...]
    read: Callable[[Event], T]
    indexed: tuple[tuple[bytes, ...] | None, ...] = ()


Moves: TypeAlias = frozenset[PositionKey] | Touch


@dataclass(frozen=True, slots=True)
class Shares:
    """Amounts in shares, exact, by the contract or token that counts them. `deposits` is empty where the chain keeps no total of them."""

    debts: Mapping[ChecksumAddress, int]
    deposits: Mapping[ChecksumAddress, int]


@dataclass(frozen=True, slots=True)
class Makeup:
    """What a market is made of on the chain: the rules its code runs, in words, and the contracts that they need, by role.

    `limits` are one-line reasons why some figure of it can only be read, not computed.
    """

    rules: str
    contracts: tuple[tuple[str, ChecksumAddress], ...]
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Liquidated:
    """One liquidation as the chain logged it. Amounts are raw token units.

    The liquidator paid `repay` and received `taken`; `fee` is what the protocol took from the borrower beside it. `written_off` are
    debts, by token, that the protocol took over because nothing was left to seize; None where its rules leave them with the borrower.
    None also for both where the log itself does not say: see `Beside`.
    """

    key: PositionKey
    liquidator: ChecksumAddress
    debt: ChecksumAddress
    collateral: ChecksumAddress
    repay: Raw
    taken: Raw
    fee: Raw | None
    written_off: tuple[tuple[ChecksumAddress, Raw], ...] | None


@dataclass(frozen=True, slots=True)
class Beside(Generic[T]):
    """What logs of the same block add to liquidations whose own log leaves something out.

    `logs` asks for those about some positions; `settle` takes the liquidations of one block in order, and those logs, and completes them.
    """

    logs: Callable[[T, Sequence[PositionKey]], LogQuery[Event]]
    settle: Callable[[T, Sequence[tuple[Event, Liquidated]], Sequence[Event]], tuple[Liquidated, ...]]


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule of liquidation in words."""

    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Weight:
    """How far one collateral counts for a position in e-mode `mode` (0: in none), in the rulebook's scale.

    `incentive` is the liquidation bonus factor, 100 % included; `fee` the protocol's share of what exceeds 100 %.
    """

    token: Token
    mode: int
    ltv: int
    threshold: int
    incentive: int
    fee: int


@dataclass(frozen=True, slots=True)
class Rulebook:
    """How a market liquidates, in words and numbers. `scale` is one, 100 %."""

    clauses: tuple[Clause, ...]
    weights: tuple[Weight, ...]
    scale: int


class Measure(Enum):
    """What a setting's integer counts; `ADDRESS` is text."""

    BPS = "basis points"
    WAD = "wad"
    TOKENS = "whole tokens, 0 for no limit"
    CENTS = "hundredths of a dollar, 0 for no limit"
    SWITCH = "1 or 0"
    TIME = "seconds since 1970, 0 for never"
    NUMBER = "number"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter that governance can change. `subject` says of what, for people; `token` tells assets with one symbol apart."""

    token: ChecksumAddress | None
    subject: str
    name: str
    measure: Measure
    value: int | str


@dataclass(frozen=True, slots=True)
class Change:
    """A parameter that a log set, and what it was before where the log says so."""

    setting: Setting
    was: int | str | None = None


@dataclass(frozen=True, slots=True)
class Governance(Generic[T]):
    """The rules of a market as people read them: as they stand, as single settings, and the logs that changed these.

    `stops` says of a quote what holds the whole market up now, a line each.
    """

    rulebook: Callable[[T], Rulebook]
    stops: Callable[[T, Any], tuple[str, ...]]
    settings: Callable[[T], tuple[Setting, ...]]
    changes: Callable[[T], tuple[LogQuery[tuple[Change, ...]], ...]]


Ratio: TypeAlias = tuple[int, int]  # a numerator over a denominator, exact


@dataclass(frozen=True, slots=True)
class Column:
    """What positions of a market have in common: one token on one side, at one price.

    `priced` is the asset whose answer moves its value in proportion, None where no oracle does. A DEPOSIT column counts for nothing:
    the contract only reads its price.
    """

    token: Token
    side: Side
    priced: ChecksumAddress | None


@dataclass(frozen=True, slots=True)
class Share:
    """One entry of a position: `amount` of a column as the contract stores it (scaled balance, shares), also if it is 0.

    `weight` is what of its value protects debt, in the linear's scale; 0 for debt.
    """

    column: int
    amount: int
    weight: int


@dataclass(frozen=True, slots=True)
class Factor:
    """`value` of one stored unit of a column, in the valuation's unit, and `grain`, which the chain's rounding of one entry stays within.

    `limit` is the largest amount with which the contract's products stay in 256 bits; negative where not even 0 surely does.
    """

    value: Ratio
    grain: Ratio
    limit: int


@dataclass(frozen=True, slots=True)
class Slack:
    """What the contract's last step may do to the weighted collateral: take `part` of the unweighted one away, and `units` either way."""

    part: Ratio
    units: int


@dataclass(frozen=True, slots=True)
class Linear(Generic[T, Q, H]):
    """A protocol's valuation as sums over columns, for whole markets at once: what hangs on a holding apart from what hangs on a quote.

        weighted ≈ Σ amount · value · weight / scale        debt ≈ Σ amount · value        health ≈ weighted / debt

    off by no more than a grain per entry, and the slack. All figures are exact integers; whoever sums in floats adds their error.
    Health's own rounding is within two wad units. `shares` is None for a position that these sums do not tell (stable debt): it is
    valued in integers. A factor is None where the contract finds no price: whoever has an entry there, of any amount, is unknown.
    """

    scale: Callable[[T], int]
    columns: Callable[[T], tuple[Column, ...]]
    shares: Callable[[T, H], tuple[Share, ...] | None]
    factors: Callable[[T, Q], tuple[Factor | None, ...]]
    slack: Callable[[T], Slack]


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
    mode: Callable[[H], int] | None = None  # the e-mode category of a position, 0 for none
    linear: Linear[T, Q, H] | None = None  # None: positions can only be valued one by one
    liquidations: Callable[[T], LogQuery[Liquidated]] | None = None
    beside: Beside[T] | None = None  # None: a liquidation's own log says everything
    worth: Callable[[T, Q, Side, ChecksumAddress, Raw], int] | None = (
        None  # in a valuation's unit, as that side rounds it
    )
    governance: Governance[T] | None = None


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
