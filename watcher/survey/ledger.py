"""What is kept of a survey between runs, where there is a store; without one nothing is, and everything is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from watcher.adapter import Adapter
from watcher.model import Market, PositionKey
from watcher.store import survey
from watcher.store.open import Store
from watcher.store.survey import Book, Members, Proof
from watcher.survey.coverage import Coverage
from watcher.survey.spans import Span


@dataclass(frozen=True, slots=True)
class Ledger:
    store: Store | None
    market: Market

    def members(self) -> dict[PositionKey, int | None]:
        return {} if self.store is None else survey.members(self.store, self.market)

    def searched(self, kind: str) -> tuple[Span, ...]:
        return () if self.store is None else survey.searched(self.store, self.market, kind)

    def standing(self, of: Adapter[Any, Any, Any]) -> Book[Any, Any, Any] | None:
        return None if self.store is None else survey.standing(self.store, of, self.market)

    def proved(self, number: int) -> bool:
        """Whether nobody was missing at that block."""
        proofs = () if self.store is None else survey.proofs(self.store, self.market)
        return bool(proofs) and all(one.number == number and one.booked == one.total for one in proofs)

    def note(self, kind: str, span: Span, members: Members) -> None:
        if self.store is not None:
            survey.note(self.store, self.market, kind, span, members)

    def enter(self, book: Book[Any, Any, Any], since: Members, proof: Coverage, upto: Span | None) -> None:
        """The book stands, with its proof."""
        if self.store is not None:
            proofs = [Proof(book.block.number, one.token, one.booked, one.total) for one in proof.debts]
            survey.enter(self.store, self.market, book, since, proofs, upto)

    def doubt(self, spans: tuple[Span, ...]) -> None:
        """Somebody is missing: these blocks are to be asked for again."""
        if self.store is not None:
            survey.unread(self.store, self.market, survey.DEBT, spans)
