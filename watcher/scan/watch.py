"""A market block after block: who crosses a line, and what a reorganisation takes back of that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

import numpy as np

from watcher.book.verdict import Lines, verdict
from watcher.connection import Connection, Pin
from watcher.errors import AnswerError, BlockChanged, ChainError
from watcher.model import BlockRef, PositionKey
from watcher.scan.look import Order, under
from watcher.scan.opening import Opening, holds
from watcher.units import Wad


class Crossed(StrEnum):
    """What a position came to be, or ceased to be."""

    BELOW = "below"  # the limit that was asked for, strictly
    LIQUIDATABLE = "liquidatable"  # by the contract's own comparison
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Crossing:
    """At `block` a position came to be `line`, or with `into` False ceased to be so. `health` is None where it owes nothing or cannot be
    told. `retracts` is the id of a crossing whose block is gone; everything else is then that crossing's.
    """

    id: str
    key: PositionKey
    line: Crossed
    into: bool
    block: BlockRef
    health: Wad | None
    retracts: str | None = None

    def retraction(self) -> Crossing:
        made = sha256(f"retraction {self.id}".encode()).hexdigest()[:32]
        return Crossing(made, self.key, self.line, self.into, self.block, self.health, self.id)


@dataclass(frozen=True, slots=True)
class Turn:
    """A new head. `crossings` are those of it, behind what it takes back."""

    block: BlockRef
    crossings: tuple[Crossing, ...]


Standing = Mapping[PositionKey, frozenset[Crossed]]


@dataclass(slots=True)
class Watch:
    """`told` are the crossings of blocks that a reorganisation may still take back; `lost` says that one went back further."""

    line: Connection
    opening: Opening
    order: Order
    told: list[Crossing] = field(default_factory=list)
    standing: Standing = field(init=False)
    lost: bool = False

    def __post_init__(self) -> None:
        self.standing = self._stands()

    async def turns(self, pause: float) -> AsyncIterator[Turn | ChainError | AnswerError]:
        """For ever: every new head, and whatever kept one from being read, which is tried again `pause` seconds later.

        A reorganisation that goes back further than memory ends it with `BlockChanged`, once its retractions are given.
        """
        while True:
            try:
                turn = await self.turn()
            except (ChainError, AnswerError) as error:
                yield error
            else:
                if turn is not None:
                    yield turn
                if self.lost:
                    one = self.opening.followed
                    raise BlockChanged(
                        f"{one.market.name}: blocks were replaced further back than {one.block.number}: start again"
                    )
            await self.line.rpc.clock.sleep(pause)

    async def turn(self) -> Turn | None:
        """To the head; None where there is no other."""
        pin = await self.line.pin()
        if pin.block.number < self.opening.followed.block.number:
            return None  # behind, or on a branch that is not the longer one yet
        retracted: tuple[Crossing, ...] = ()
        if not await holds(pin.line, self.opening.followed.block):
            ancestor = await self._ancestor(pin)
            gone = [one for one in self.told if ancestor is None or one.block.number > ancestor.number]
            self.told = [one for one in self.told if one not in gone]
            retracted = tuple(one.retraction() for one in reversed(gone))
            if ancestor is None or not self.opening.back(ancestor.number):
                self.lost = True
                return Turn(pin.block, retracted)
            self.standing = self._stands()
        one = self.opening.followed
        if pin.block == one.block:
            return None
        try:
            await self.opening.step(pin)
        except BlockChanged:
            one.heard.forget()
            if not retracted:
                raise
            return Turn(one.block, retracted)
        return Turn(one.block, (*retracted, *self._crossings()))

    async def _ancestor(self, pin: Pin) -> BlockRef | None:
        """The newest block that is remembered and still the chain's."""
        for undo in reversed(self.opening.followed.undone):
            if await holds(pin.line, undo.block):
                return undo.block
        return None

    def _stands(self) -> Standing:
        """Everybody who is something."""
        one = self.opening.followed
        found = verdict(one.book, under(one, one.accrued(), self.order), Lines(((self.order.limit,),)))
        flags = {
            Crossed.BELOW: found.level > 0,
            Crossed.LIQUIDATABLE: found.liquidatable,
            Crossed.UNKNOWN: found.unknown,
        }
        rows = np.flatnonzero(flags[Crossed.BELOW] | flags[Crossed.LIQUIDATABLE] | flags[Crossed.UNKNOWN])
        return {
            one.book.keys[row]: frozenset(line for line, flag in flags.items() if flag[row]) for row in rows.tolist()
        }

    def _crossings(self) -> tuple[Crossing, ...]:
        """From the standing before to the present one."""
        before, self.standing = self.standing, self._stands()
        nothing: frozenset[Crossed] = frozenset()
        made = []
        for key in sorted({*before, *self.standing}, key=lambda one: one.key):
            was, now = before.get(key, nothing), self.standing.get(key, nothing)
            made += [self._crossing(key, line, line in now) for line in Crossed if (line in was) != (line in now)]
        oldest = self.opening.followed.undone[0].block.number if self.opening.followed.undone else 0
        self.told = [*(one for one in self.told if one.block.number > oldest), *made]
        return tuple(made)

    def _crossing(self, key: PositionKey, line: Crossed, into: bool) -> Crossing:
        one = self.opening.followed
        words = f"{one.block.chain} {one.market.name} {key.key.hex()} {line} {into} {one.block.hash}"
        health = None
        if Crossed.UNKNOWN not in self.standing.get(key, ()):
            quote = under(one, one.accrued(), self.order)
            health = one.of.value(one.terms, quote, one.book.holding(one.book.row(key))).health
        return Crossing(sha256(words.encode()).hexdigest()[:32], key, line, into, one.block, health)
