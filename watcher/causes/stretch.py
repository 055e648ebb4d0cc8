"""One position from one block to another: its facts at both ends and wherever terms or holdings had changed between them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from watcher.model import BlockRef, Market, PositionKey
from watcher.risk.explain import State

AnyState: TypeAlias = State[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """The facts of a position at a block. Whatever differs from those known before it changed after block `since`."""

    block: BlockRef
    terms: Any
    quote: Any  # as stored
    holding: Any
    since: int

    @property
    def state(self) -> AnyState:
        return State(self.block, self.terms, self.quote, self.holding)


@dataclass(frozen=True, slots=True)
class Stretch:
    """`cuts` are both ends and what is between them; `source` says where the facts are from, `notes` what is not known of them."""

    market: Market
    key: PositionKey
    cuts: tuple[Known, ...]
    source: str
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> BlockRef:
        return self.cuts[0].block

    @property
    def last(self) -> BlockRef:
        return self.cuts[-1].block


@dataclass(frozen=True, slots=True)
class Unread:
    """A position or market that cannot be explained; `reason` is one line."""

    market: str
    reason: str


def cut(known: Iterable[Known]) -> tuple[Known, ...]:
    """Of facts in the order of blocks the first, those whose terms or holding differ from the ones before, and the last."""
    found: list[Known] = []
    before: Known | None = None
    for one in known:
        if before is None or one.terms != before.terms or one.holding != before.holding:
            found.append(one)
        before = one
    if before is not None and found[-1] is not before:
        found.append(before)
    return tuple(found)
