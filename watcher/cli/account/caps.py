"""The caps in a position's prices: how far each is, and what the position is where it binds. As lines of a card and fields of a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from watcher.adapter import Price
from watcher.figures import exact, health, percent
from watcher.model import Valuation
from watcher.oracle.ceiling import Ceiling
from watcher.oracle.path import STEPS, Cap, Step
from watcher.oracle.sight import Sight


def lines(ceilings: Iterable[Ceiling]) -> Iterator[str]:
    """One for every cap that says something of a health: nothing of what secures no debt."""
    for one in ceilings:
        name, bound, free = one.price.token.symbol, _health(one.bound), _health(one.free)
        if bound is None and free is None:
            continue
        if one.cap.binding:
            without = "" if free is None else f"; without it health {free}"
            yield f"cap of {name} ({one.cap.step.description}): binds{without}"
        else:
            then = "" if bound is None else f"; where it binds health {bound}"
            yield f"cap of {name} ({one.cap.step.description}): {percent(one.cap.room, STEPS, 4)} away{then}"


def _health(value: Valuation | None) -> str | None:
    return None if value is None or value.health is None else health(value.health)


def of_behind(prices: Iterable[Price], ceilings: Iterable[Ceiling], sight: Sight | None) -> dict[str, Any]:
    """The paths of some prices by the address of their source, and the caps in them; null where they were not read."""
    if sight is None:
        return {"price_paths": None, "caps": None}
    paths = {price.source: of_step(sight.paths[price.source]) for price in prices if price.source in sight.paths}
    return {"price_paths": paths, "caps": [of_ceiling(one) for one in ceilings]}


def of_ceiling(one: Ceiling) -> dict[str, Any]:
    """The cap, and the exact health with it and without it."""
    return of_cap(one.cap, one.price) | {"bound_health": _exact(one.bound), "free_health": _exact(one.free)}


def of_cap(cap: Cap, price: Price) -> dict[str, Any]:
    """`now` and `limit` are the cap's own integers; `room` a fraction of one; prices exact."""
    places = price.unit.decimals
    return {
        "token": price.token.address,
        "symbol": price.token.symbol,
        "source": cap.step.source,
        "description": cap.step.description,
        "binding": cap.binding,
        "now": cap.now,
        "limit": cap.limit,
        "room": exact(cap.room, 6),
        "bound_price": None if cap.bound is None else exact(cap.bound, places),
        "free_price": None if cap.free is None else exact(cap.free, places),
    }


def _exact(value: Valuation | None) -> str | None:
    return None if value is None or value.health is None else exact(value.health, 18)


def of_step(step: Step) -> dict[str, Any]:
    """A path as nested data: what each source answers, by what rule, from what."""
    rule = None if step.rule is None else {"kind": type(step.rule).__name__, **_fields(step.rule)}
    return {
        "source": step.source,
        "description": step.description,
        "answer": step.answer,
        "decimals": step.decimals,
        "updated": step.updated,
        "aggregator": step.aggregator,
        "rule": rule,
        "below": [of_step(below) for below in step.below],
    }


def _fields(rule: object) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in rule.__slots__}  # type: ignore[attr-defined]
