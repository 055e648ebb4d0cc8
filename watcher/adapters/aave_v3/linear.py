"""An Aave V3 pool as columns: each reserve as collateral, as debt, and as a deposit that is only looked at; again for each e-mode that
puts its own price in their place (3.0 and 3.1). Thresholds are a matter of account and reserve, so they are weights of shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from watcher.adapter import Column, Factor, Linear, Share, Slack
from watcher.adapters.aave_v3.facts import Category, Holding, Quote, Reserve, Terms
from watcher.adapters.aave_v3.remembered import Remembered
from watcher.adapters.aave_v3.seat import applied, counts
from watcher.formula.aave.version import Version
from watcher.model import Side
from watcher.units import BPS, MAX, RAY

_SIDES: Final = (Side.COLLATERAL, Side.DEBT, Side.DEPOSIT)
_WORTH: Final = 2**220  # base currency × token units: what is below leaves room for weights and sums


@dataclass(frozen=True, slots=True)
class Slot:
    """A column and what its value is made of. `place` is the reserve's, None for an e-mode's price alone; `priced` is into the assets."""

    column: Column
    place: int | None
    priced: int


@dataclass(frozen=True, slots=True)
class Layout:
    """`at` finds the first of a reserve's three columns by e-mode and reserve id, under mode 0 where the mode has no price of its own.

    `sources` finds the column of an e-mode's price.
    """

    slots: tuple[Slot, ...]
    columns: tuple[Column, ...]
    at: dict[tuple[int, int], int]
    sources: dict[int, int]
    categories: dict[int, Category]


def _laid_out(terms: Terms) -> Layout:
    slots: list[Slot] = []
    at: dict[tuple[int, int], int] = {}
    sources: dict[int, int] = {}
    for place, reserve in enumerate(terms.reserves):
        at[0, reserve.id] = len(slots)
        slots.extend(_three(terms, place, place))
    for category in terms.categories:
        if category.price_source is None:
            continue
        priced = terms.place(category.price_source)
        sources[category.id] = len(slots)
        slots.append(Slot(Column(terms.assets[priced], Side.DEPOSIT, category.price_source), None, priced))
        for place, reserve in enumerate(terms.reserves):
            if category.collateral >> reserve.id & 1:
                at[category.id, reserve.id] = len(slots)
                slots.extend(_three(terms, place, priced))
    columns = tuple(slot.column for slot in slots)
    return Layout(tuple(slots), columns, at, sources, {category.id: category for category in terms.categories})


def _three(terms: Terms, place: int, priced: int) -> Iterator[Slot]:
    asset = terms.assets[priced].address
    return (Slot(Column(terms.reserves[place].token, side, asset), place, priced) for side in _SIDES)


_layout: Final = Remembered(_laid_out)


def scale(_: Terms) -> int:
    return BPS


def columns(terms: Terms) -> tuple[Column, ...]:
    return _layout(terms).columns


def shares(terms: Terms, holding: Holding) -> tuple[Share, ...] | None:
    """None for stable debt, for an e-mode that the terms do not know, and for debt with a discount: integers decide what they come to."""
    layout = _layout(terms)
    if not _told(terms, layout, holding):
        return None
    return tuple(_shares(terms, layout, holding)) if holding.flags else ()


def _told(terms: Terms, layout: Layout, holding: Holding) -> bool:
    if holding.flags and holding.mode and holding.mode not in layout.categories:
        return False
    if any(balance.principal for balance in holding.balances):
        return False
    return terms.version is not Version.V3_3 or not any(
        balance.debt and not reserve.rules.accounted
        for reserve in terms.reserves
        for balance in holding.balances
        if balance.id == reserve.id
    )


def _shares(terms: Terms, layout: Layout, holding: Holding) -> Iterator[Share]:
    mode = holding.mode
    category = layout.categories.get(mode)
    if mode in layout.sources:
        yield Share(layout.sources[mode], 0, 0)  # the contract reads it whether or not a reserve uses it
    for reserve in terms.reserves:
        if holding.flags >> 2 * reserve.id & 3:
            first = layout.at.get((mode, reserve.id), layout.at[0, reserve.id])
            yield from _entries(terms, holding, reserve, category, first)


def _entries(
    terms: Terms, holding: Holding, reserve: Reserve, category: Category | None, first: int
) -> Iterator[Share]:
    """`first` is the collateral's column; the debt's and the mere deposit's follow."""
    balance = holding.balance(reserve.id)
    secures = holding.secures(reserve.id)
    if secures and counts(terms.version, reserve):
        yield Share(first, balance.deposit, applied(terms.version, reserve, category)[0])
    elif secures or balance.deposit:
        yield Share(first + 2, balance.deposit, 0)
    if holding.borrows(reserve.id):
        yield Share(first + 1, balance.debt, 0)


def factors(terms: Terms, quote: Quote) -> tuple[Factor | None, ...]:
    """index · price / (ray · unit). One entry rounds by less than one raw unit, and its value by less than one base unit."""
    return tuple(_factor(terms, quote, slot) for slot in _layout(terms).slots)


def _factor(terms: Terms, quote: Quote, slot: Slot) -> Factor | None:
    price = quote.prices[slot.priced]
    if price is None:
        return None
    if slot.place is None:
        return Factor((0, 1), (0, 1), MAX)
    state, unit = quote.states[slot.place], terms.reserves[slot.place].unit
    index = state.owed if slot.column.side is Side.DEBT else state.income
    limit = min((MAX - RAY) // index, (_WORTH // price - 1) * RAY // index)
    return Factor((index * price, RAY * unit), (price + unit, unit), limit)


def slack(terms: Terms) -> Slack:
    """Until 3.4 the average threshold loses up to a basis point, and its product rounds half up."""
    return Slack((0, 1), 0) if terms.version >= Version.V3_5 else Slack((1, BPS), 1)


LINEAR: Final[Linear[Terms, Quote, Holding]] = Linear(scale, columns, shares, factors, slack)
