"""What an adapter lets others see of a market: prices, assets, makeup, totals, and the contract's own answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from eth_typing import ChecksumAddress

from watcher.adapter.which import Accrued
from watcher.model import Doubt, PositionKey, Token, Unit
from watcher.units import Raw, Ray


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
class Shares:
    """Amounts in shares, exact, by the contract or token that counts them. `deposits` is empty where the chain keeps no total of them.

    `astray` is how far a total of debts may be from the sum of what accounts owe, where the contract rounds the two apart.
    """

    debts: Mapping[ChecksumAddress, int]
    deposits: Mapping[ChecksumAddress, int]
    astray: Mapping[ChecksumAddress, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Makeup:
    """What a market is made of on the chain: the rules its code runs, in words, and the contracts that they need, by role.

    `limits` are one-line reasons why some figure of it can only be read, not computed.
    """

    rules: str
    contracts: tuple[tuple[str, ChecksumAddress], ...]
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reported:
    """The contract's own answer for one position: `figures` by the name of the `Valuation` field they must equal.

    `which` says whose interest that answer had accrued. An absent name is something this contract does not report.
    """

    key: PositionKey
    which: Accrued
    figures: Mapping[str, int | bool | None]
