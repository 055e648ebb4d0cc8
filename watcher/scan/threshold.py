"""At which fall each account of a market first becomes liquidatable: to the millionth, by the contract's own comparison."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from eth_typing import ChecksumAddress

from watcher.adapter import Position
from watcher.book.book import Book
from watcher.book.brackets import brackets
from watcher.errors import WatcherError
from watcher.health.fall import STEPS, crossing, fallen, farthest
from watcher.health.mover import movers
from watcher.health.walk import Miss, revalued
from watcher.model import PositionKey, Side

Assets: TypeAlias = frozenset[ChecksumAddress]
Tell: TypeAlias = Callable[[int, int], None]  # done, of so many
EVERY: Final = 50  # accounts between two marks
NARROW: Final = 8  # steps that are looked at one after the other


@dataclass(frozen=True, slots=True)
class Threshold:
    """`steps` millionths off the prices of `falls` are the least that do it, 0 when it is liquidatable now."""

    key: PositionKey
    row: int
    falls: Assets
    steps: int


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An account that may stand anywhere on the curve."""

    key: PositionKey
    reason: str


def silent(done: int, of: int) -> None:
    """Tells nobody."""


def thresholds(
    book: Book[Any, Any, Any], quote: Any, assets: Collection[ChecksumAddress] | None, last: int, tell: Tell = silent
) -> tuple[tuple[Threshold, ...], tuple[Unplaced, ...]]:
    """Everybody who is liquidatable after a fall by at most `last` steps, and whoever cannot be told. `assets` fall together; without
    them each account's own collateral does, and what it owes of the same assets.

    Floats say between which steps a line lies, and integers find it there, so that most accounts take a handful of valuations.
    """
    answers = {one.token.address: one.answer for one in book.adapter.prices(book.terms, quote) if one.answer}
    found = brackets(book, quote, assets, last, STEPS)
    rows = np.flatnonzero((found.clear < last) | found.unknown).tolist()
    placed: list[Threshold] = []
    lost: list[Unplaced] = []
    for done, row in enumerate(rows):
        if done % EVERY == 0:
            tell(done, len(rows))
        key, begin = book.keys[row], int(found.clear[row]) + 1
        position = Position(book.adapter, book.terms, quote, book.holding(row))
        try:
            falls = _own(book, row, position) if assets is None else frozenset(assets)
            lowered = {asset: answers[asset] for asset in falls if asset in answers}
            step = _first(position, lowered, begin, min(last, int(found.met[row])))
        except WatcherError as error:  # around one account
            step = str(error)
        if isinstance(step, str):
            lost.append(Unplaced(key, step))
        elif step is not None:
            placed.append(Threshold(key, row, falls, step))
    tell(len(rows), len(rows))
    return tuple(sorted(placed, key=lambda one: (one.steps, one.key.key))), tuple(lost)


def _first(position: Position[Any, Any, Any], answers: Mapping[ChecksumAddress, int], begin: int, end: int) -> Any:
    """The first step from `begin` to `end`; None where none of them does it, a reason where that could not be proved."""
    if not answers:
        return 0 if position.value().liquidatable else None
    end = min(end, farthest(answers))
    if end - begin < NARROW:
        steps = range(begin, end + 1)
        return next((step for step in steps if revalued(position, fallen(answers, step)).liquidatable), None)
    found = crossing(position, answers, begin, end)
    if not isinstance(found, Miss):
        return found
    return found.reason if found.budget_spent else None


def _own(book: Book[Any, Any, Any], row: int, position: Position[Any, Any, Any]) -> Assets:
    """The prices that move its collateral."""
    if book.alone[row]:
        return frozenset(one.price.token.address for one in movers(position) if one.on(Side.COLLATERAL))
    held = (book.columns[entry.column].priced for entry in book.held.of(row) if entry.amount)
    return frozenset(asset for asset in held if asset is not None)
