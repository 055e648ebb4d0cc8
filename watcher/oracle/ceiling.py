"""What a position's health is where a cap in its prices binds, and what it would be without one that does. Exact, everything else equal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from watcher.adapter import Position, Price
from watcher.errors import WatcherError
from watcher.model import Valuation
from watcher.oracle.path import Cap
from watcher.oracle.sight import Sight


@dataclass(frozen=True, slots=True)
class Ceiling:
    """`bound` is the position with this cap binding; a cap that binds already leaves it as it is. `free` is it with the cap gone.

    None where that cannot be told, or the contract could not value it so.
    """

    price: Price
    cap: Cap
    bound: Valuation | None
    free: Valuation | None


def ceilings(position: Position[Any, Any, Any], prices: Iterable[Price], sight: Sight) -> tuple[Ceiling, ...]:
    """One for every cap in some prices of a position."""
    return tuple(_ceilings(position, prices, sight))


def _ceilings(position: Position[Any, Any, Any], prices: Iterable[Price], sight: Sight) -> Iterator[Ceiling]:
    for price in prices:
        for cap in sight.caps(price):
            yield Ceiling(price, cap, _under(position, price, cap.bound), _under(position, price, cap.free))


def _under(position: Position[Any, Any, Any], price: Price, answer: int | None) -> Valuation | None:
    of = position.adapter
    if answer is None:
        return None
    try:
        quote = of.reprice(position.terms, position.quote, {price.token.address: answer})
        return of.value(position.terms, quote, position.holding)
    except WatcherError:
        return None
