"""What becomes liquidatable in a market as prices fall: exact sums at each step of a fall, and the debt that nothing covers there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.adapter import Rulebook
from watcher.book.book import Book
from watcher.errors import UsageError, WatcherError
from watcher.health.correlated import Group, closed
from watcher.health.fall import fallen
from watcher.model import PositionKey, Side, Unit, Valuation
from watcher.scan.risk import unit_of
from watcher.scan.threshold import Assets, Tell, Threshold, Unplaced, silent, thresholds

BAD_DEBT: Final = (
    "debt that is left when all collateral of its account is seized at the fallen prices, each with its bonus"
)


@dataclass(frozen=True, slots=True)
class Sum:
    """Values in the market's unit, at the fallen prices."""

    accounts: int = 0
    debt: int = 0
    collateral: int = 0
    bad_debt: int = 0

    def with_(self, debt: int, collateral: int, bad_debt: int) -> Sum:
        return Sum(self.accounts + 1, self.debt + debt, self.collateral + collateral, self.bad_debt + bad_debt)


@dataclass(frozen=True, slots=True)
class Point:
    """All accounts whose line lies at a fall of `steps` millionths or before it. `loops` are the correlated among them."""

    steps: int
    all: Sum
    loops: Sum


@dataclass(frozen=True, slots=True)
class Curve:
    """`assets` fall together, None: each account's own collateral. `unplaced` may stand anywhere."""

    assets: Assets | None
    unit: Unit | None
    points: tuple[Point, ...]
    thresholds: tuple[Threshold, ...]
    unplaced: tuple[Unplaced, ...]


@dataclass(slots=True)
class Drawing:
    """A market under an accrued quote, and the work on its curve."""

    book: Book[Any, Any, Any]
    quote: Any
    groups: Sequence[Group]
    assets: Assets | None
    every: int  # steps
    last: int
    _quotes: dict[tuple[Assets, int], Any] = field(default_factory=dict)

    def curve(self, tell: Tell = silent, told: Tell = silent) -> Curve:
        """`tell` hears of accounts, `told` of points. `UsageError` for a protocol whose bonuses are not written down."""
        bonuses = Bonuses.of(self.book)
        placed, lost = thresholds(self.book, self.quote, self.assets, self.last, tell)
        loops = {one.key: self._loop(one) for one in placed}
        unplaced = {one.key: one for one in lost}
        points, falls = [], range(0, self.last + 1, self.every)
        for done, steps in enumerate(falls):
            told(done, len(falls))
            points.append(self._point(steps, [one for one in placed if one.steps <= steps], loops, bonuses, unplaced))
            self._quotes.clear()
        told(len(falls), len(falls))
        unit = unit_of(self.book, self.quote)
        return Curve(self.assets, unit, tuple(points), placed, tuple(unplaced.values()))

    def _point(
        self,
        steps: int,
        crossed: Iterable[Threshold],
        loops: Mapping[PositionKey, bool],
        bonuses: Bonuses,
        unplaced: dict[PositionKey, Unplaced],
    ) -> Point:
        whole, correlated = Sum(), Sum()
        for one in crossed:
            holding = self.book.holding(one.row)
            try:
                seen = self.book.adapter.value(self.book.terms, self._fallen(one.falls, steps), holding)
            except WatcherError as error:  # around one account at one step
                unplaced[one.key] = Unplaced(one.key, str(error))
                continue
            mode = self.book.adapter.mode
            left = bonuses.uncovered(seen, mode(holding) if mode else 0)
            whole = whole.with_(seen.debt, seen.collateral, left)
            if loops[one.key]:
                correlated = correlated.with_(seen.debt, seen.collateral, left)
        return Point(steps, whole, correlated)

    def _fallen(self, falls: Assets, steps: int) -> Any:
        """Accounts whose prices fall together share the quote."""
        known = self._quotes.get((falls, steps))
        if known is None:
            of, terms = self.book.adapter, self.book.terms
            answers = {one.token.address: one.answer for one in of.prices(terms, self.quote) if one.answer}
            moved = fallen({asset: answers[asset] for asset in falls if asset in answers}, steps)
            known = self._quotes[falls, steps] = of.reprice(terms, self.quote, moved)
        return known

    def _loop(self, one: Threshold) -> bool:
        seen = self.book.adapter.value(self.book.terms, self.quote, self.book.holding(one.row))
        return closed(seen, self.groups) is not None


@dataclass(frozen=True, slots=True)
class Bonuses:
    """The liquidation bonus factor of each collateral, 100 % included, by e-mode; `scale` is 100 %."""

    factors: Mapping[tuple[int, ChecksumAddress], int]
    scale: int

    @classmethod
    def of(cls, book: Book[Any, Any, Any]) -> Bonuses:
        if book.adapter.governance is None:
            raise UsageError(f"the liquidation bonuses of {book.adapter.name} are not written down")
        rules: Rulebook = book.adapter.governance.rulebook(book.terms)
        return cls({(one.mode, one.token.address): one.incentive for one in rules.weights}, rules.scale)

    def uncovered(self, seen: Valuation, mode: int) -> int:
        """Debt less what all collateral pays for, ⌊value · 100 % / bonus factor⌋ each; what has no bonus factor cannot be seized."""
        worth: defaultdict[int, int] = defaultdict(int)
        for leg in seen.legs:
            if leg.side is Side.COLLATERAL:
                plain = self.factors.get((0, leg.token.address), 0)
                worth[self.factors.get((mode, leg.token.address), plain)] += leg.value
        pays = sum(value * self.scale // factor for factor, value in worth.items() if factor)
        return max(0, seen.debt - pays)
