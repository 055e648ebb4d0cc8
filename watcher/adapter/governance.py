"""The rules of a market as people read them, and the parameters that governance can change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic

from eth_typing import ChecksumAddress

from watcher.adapter.logs import LogQuery
from watcher.adapter.which import T
from watcher.model import Token


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
