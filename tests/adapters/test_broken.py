"""F28 for every adapter: whichever call of a market reverts, what comes of it is an error with a reason, never a smaller holding."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.situations import OWNERS, SITUATIONS, Situation, key
from watcher.adapters import adapter
from watcher.errors import CallReverted, WatcherError
from watcher.query import Batch, Query, Read, Rows, Slot

EVERY = pytest.mark.parametrize("name", sorted(SITUATIONS))


def functions(read: Read) -> list[tuple[str, Any, tuple[Any, ...]]]:
    """Function, target and arguments of every row, as a situation answers them."""
    if isinstance(read, Slot):
        return [("slot", target, (place,)) for target, place in zip(read.targets, read.slots, strict=True)]
    assert isinstance(read, Batch)
    return [(read.function, target, args) for target, args in zip(read.targets, read.args, strict=True)]


def answered(read: Read, situation: Situation, broken: str | None) -> Rows | WatcherError:
    """A batch of the broken function fails; where absence is normal it has no rows."""
    rows = functions(read)
    if broken is not None and rows and rows[0][0] == broken:
        return [None] * len(rows) if isinstance(read, Batch) and read.optional else CallReverted(broken, b"")
    return [situation.answer(function, target, args) for function, target, args in rows]


def ended(query: Query[Any], situation: Situation, broken: str | None = None) -> tuple[Any, set[str]]:
    """What the query comes to, or its error, and the functions that it asked."""
    asked: set[str] = set()
    try:
        reads = next(query)
        while True:
            asked |= {function for read in reads for function, _, _ in functions(read)}
            reads = query.send(tuple(answered(read, situation, broken) for read in reads))
    except StopIteration as stop:
        return stop.value, asked
    except WatcherError as error:
        return error, asked


@EVERY
def test_f28_whichever_view_of_a_position_reverts_it_is_an_error_and_no_other_holding(name: str) -> None:
    situation, one = SITUATIONS[name], adapter(name)
    keys = [key(situation.terms.market, owner) for owner in OWNERS]
    whole, asked = ended(one.holdings(situation.terms, keys), situation)
    assert asked and whole.keys() == set(keys)
    for broken in sorted(asked):
        found, _ = ended(one.holdings(situation.terms, keys), situation, broken)
        assert isinstance(found, WatcherError) or found == whole, broken
        held, _ = ended(one.positions(situation.terms, OWNERS), situation, broken)
        assert isinstance(held, WatcherError) or held == ended(one.positions(situation.terms, OWNERS), situation)[0]


@EVERY
def test_f28_a_market_whose_every_view_reverts_is_an_error(name: str) -> None:
    query = adapter(name).terms(SITUATIONS[name].terms.market)
    reads = next(query)
    with pytest.raises(WatcherError):
        while True:
            reads = query.send(tuple(CallReverted("everything", b"") for _ in reads))
