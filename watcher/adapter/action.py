"""What an owner can do, and what comes of it: the world after, or the refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter.which import H, Q
from watcher.units import Raw


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
