"""An Aave V3 pool as columns: each reserve as collateral, as debt, and as a deposit that is only looked at; again for each e-mode that
puts its own price in their place (3.0 and 3.1). Thresholds are a matter of account and reserve, so they are weights of shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from watcher.adapter import Column, Factor, Linear, Share, Slack
from watcher.adapters.aave_v3.account import flagged
from watcher.adapters.aave_v3.facts import Balance, Category, Holding, Quote, Reserve, Terms
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


class Spot(NamedTuple):
    """A reserve for the accounts of one e-mode: the first of its three columns, and what makes shares of balances."""

    first: int
    threshold: int
    counts: bool  # as collateral where flagged
    discounted: bool  # 3.3: the debt token gives a discount, which nothing here tells


@dataclass(frozen=True, slots=True)
class Layout:
    """`spots` by e-mode (0 for none) and reserve id; `sources` are the columns of the e-modes' own prices."""

    slots: tuple[Slot, ...]
    columns: tuple[Column, ...]
    spots: dict[tuple[int, int], Spot]
    sources: dict[int, int]
    modes: frozenset[int]


def _laid_out(terms: Terms) -> Layout:
    slots: list[Slot] = []
    spots: dict[tuple[int, int], Spot] = {}
    sources: dict[int, int] = {}
    for place in range(len(terms.reserves)):
        slots.extend(_three(terms, place, place))
    for category in (None, *terms.categories):
        mode, own = (category.id, category.price_source) if category else (0, None)
        inside = category.collateral if category and own else 0
        priced = terms.place(own) if own else 0
        if own:
            sources[mode] = len(slots)
            slots.append(Slot(Column(terms.assets[priced], Side.DEPOSIT, own), None, priced))
        for place, reserve in enumerate(terms.reserves):
            first = 3 * place
            if inside >> reserve.id & 1:
                first = len(slots)
                slots.extend(_three(terms, place, priced))
            spots[mode, reserve.id] = _spot(terms.version, reserve, category, first)
    columns = tuple(slot.column for slot in slots)
    return Layout(tuple(slots), columns, spots, sources, frozenset(mode for mode, _ in spots))


def _spot(version: Version, reserve: Reserve, category: Category | None, first: int) -> Spot:
    threshold, _, _ = applied(version, reserve, category)
    discounted = version is Version.V3_3 and not reserve.rules.accounted
    return Spot(first, threshold, counts(version, reserve), discounted)


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
    flags, mode, layout = holding.flags, holding.mode, _layout(terms)
    if not flags:
        return ()
    found: list[Share] = []
    if mode in layout.sources:
        found.append(Share(layout.sources[mode], 0, 0))  # the contract reads it whether or not a reserve uses it
    for balance in flagged(holding):
        spot = layout.spots.get((mode, balance.id))
        bits = flags >> 2 * balance.id & 3
        if balance.principal or (spot and spot.discounted and balance.debt):
            return None
        if spot and bits:
            found.extend(_entries(spot, balance, bits))
    return tuple(found) if mode in layout.modes else None


def _entries(spot: Spot, balance: Balance, bits: int) -> Iterator[Share]:
    """`bits` are the two flags: 1 borrowed, 2 used as collateral."""
    if bits & 2 and spot.counts:
        yield Share(spot.first, balance.deposit, spot.threshold)
    elif bits & 2 or balance.deposit:
        yield Share(spot.first + 2, balance.deposit, 0)
    if bits & 1:
        yield Share(spot.first + 1, balance.debt, 0)


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
