"""One market as it is followed: its book at one block, how every position stands, and the way back for the last blocks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from watcher.adapter import Adapter, Which
from watcher.book.book import Book
from watcher.errors import WatcherError
from watcher.following.stride import Heard, Stride
from watcher.health.fold import Standing
from watcher.model import BlockRef, Market, Moment, PositionKey, Status
from watcher.survey.bare import bare
from watcher.units import Wad

BACK: Final = 128  # steps that can be taken back from memory; beyond them the store knows


@dataclass(slots=True)
class Undo:
    """What one step has replaced. A position that was not there is None. `accrued` is the quote at the block, once somebody has asked."""

    block: BlockRef
    terms: Any
    quote: Any
    held: Mapping[PositionKey, Any]
    stood: dict[PositionKey, Standing | None]
    told: bool
    accrued: Any = None


@dataclass(slots=True)
class Followed:
    """`quote` is as stored. `standings` has every position that was ever worse than *safe*, or unknown; whoever is not in it is safe.

    Everything holds at `block`. `told` says that whoever was not safe at the beginning has been named.
    """

    market: Market
    book: Book[Any, Any, Any]
    quote: Any
    block: BlockRef
    standings: dict[PositionKey, Standing] = field(default_factory=dict)
    told: bool = False
    undone: deque[Undo] = field(default_factory=lambda: deque(maxlen=BACK))
    heard: Heard = field(init=False)

    def __post_init__(self) -> None:
        self.heard = Heard(self.block.number)

    @property
    def of(self) -> Adapter[Any, Any, Any]:
        return self.book.adapter

    @property
    def terms(self) -> Any:
        return self.book.terms

    def accrued(self) -> Any:
        """The quote at the book's own block."""
        return self.at(self.block)

    def at(self, moment: Moment) -> Any:
        """The quote as it is, or will be if nothing moves, at that moment."""
        return self.of.accrue(self.terms, self.quote, moment, Which.ALL)

    def take(self, stride: Stride) -> tuple[PositionKey, ...]:
        """The book after a step, and who moved. Somebody new enters it with a debt: a supplier without one does not."""
        held = bare(self.of, stride.held)
        kept = {key: one for key, one in held.items() if key in self.book or self._owes(stride.terms, one)}
        before = {key: self.book.holding(self.book.row(key)) if key in self.book else None for key in kept}
        self.undone.append(Undo(self.block, self.terms, self.quote, before, {}, self.told))
        if stride.terms != self.terms:
            self.book = self.book.retermed(stride.terms)
        self.book.put(kept)
        self.quote, self.block = stride.quote, stride.block
        self.heard = Heard(self.block.number)
        return tuple(kept)

    def standing(self, key: PositionKey) -> Standing | None:
        """How a position stood before the step that was taken last, its health left out; None for one that has only now come to be
        known.
        """
        known = self.standings.get(key)
        if known is not None or not self.told:
            return known
        undo = self.undone[-1]
        held = self._held(undo, key)
        if held is None:
            return None
        return Standing(Status.SAFE if self._owes(undo.terms, held) else Status.NO_DEBT, None, undo.block.hash)

    def health(self, key: PositionKey) -> Wad | None:
        """At the block before that step; None also where it could not be told there."""
        undo = self.undone[-1]
        held = self._held(undo, key)
        if held is None:
            return None
        if undo.accrued is None:
            undo.accrued = self.of.accrue(undo.terms, undo.quote, undo.block, Which.ALL)
        try:
            return self.of.value(undo.terms, undo.accrued, held).health
        except WatcherError:
            return None

    def _held(self, undo: Undo, key: PositionKey) -> Any:
        return undo.held[key] if key in undo.held else self.book.holding(self.book.row(key))

    def stand(self, key: PositionKey, standing: Standing) -> None:
        """How a position stands after the step that was taken last."""
        self.undone[-1].stood.setdefault(key, self.standings.get(key))
        self.standings[key] = standing

    @property
    def joined(self) -> tuple[PositionKey, ...]:
        """Who came into the book by the step that was taken last."""
        return tuple(key for key, held in self.undone[-1].held.items() if held is None)

    def back(self) -> None:
        """As it was before the step that was taken last; `IndexError` where that is forgotten."""
        undo = self.undone.pop()
        if undo.terms != self.terms:
            self.book = self.book.retermed(undo.terms)
        self.book.drop([key for key, held in undo.held.items() if held is None])
        self.book.put({key: held for key, held in undo.held.items() if held is not None})
        self.quote, self.block, self.told = undo.quote, undo.block, undo.told
        self.heard = Heard(self.block.number)
        for key, standing in undo.stood.items():
            if standing is None:
                del self.standings[key]
            else:
                self.standings[key] = standing

    def rolled_back(self, above: int) -> bool:
        """Undo every step to a block after number `above`. False where memory does not go back so far: open it again."""
        if self.heard.upto > above:
            self.heard.forget()
        while self.block.number > above:
            if not self.undone:
                return False
            self.back()
        return True

    def _owes(self, terms: Any, holding: Any) -> bool:
        shares = self.of.shares
        if shares is None:
            raise TypeError(f"{self.of.name} does not tell what its positions owe")
        return any(shares(terms, holding).debts.values())
