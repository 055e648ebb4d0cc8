"""From a cycle to the store: stored words go with what they came to, and what endpoints differed about goes without facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.scene import Scene, block
from watcher.adapter import Position, Which
from watcher.adapters import names
from watcher.cycle import MarketCycle, Row
from watcher.entries import entries
from watcher.errors import Transient
from watcher.model import Doubt, DoubtKind, Status

DISPUTED = Doubt(DoubtKind.DISPUTED, "two endpoints differ")


def seen(scene: Scene, form: int = 0) -> MarketCycle:
    at, of, terms = block(scene.chain, 1), scene.adapter, scene.position.terms
    accrued = of.accrue(terms, scene.quote(form), at, Which.ALL)
    rows = tuple(
        Row(
            scene.market, Position(of, terms, accrued, scene.holding(0, key)), scene.reading(at, form, 0, key), True, ()
        )
        for key in (scene.key, scene.other())
    )
    return MarketCycle(scene.market, at, terms, accrued, scene.quote(form), rows)


@pytest.mark.parametrize("protocol", names())
def test_facts_are_the_stored_words_and_not_the_accrued_ones(protocol: str) -> None:
    scene = Scene.of(protocol)
    (entry,) = entries([seen(scene)])
    assert (entry.terms, entry.quote) == (scene.position.terms, scene.quote(0))
    assert [one.holding for one in entry.seen] == [scene.holding(0), scene.holding(0, scene.other())]
    assert (entry.audited, entry.mismatches, entry.error) == (2, 0, None)


def test_a_row_of_another_quote_than_the_markets_has_no_facts() -> None:
    scene = Scene.of("aave_v3")
    cycle, other = seen(scene), seen(scene, form=1)
    (mixed,) = entries([replace(cycle, rows=(cycle.rows[0], other.rows[1]))])
    assert [one.holding is None for one in mixed.seen] == [False, True]
    assert mixed.quote == scene.quote(0)
    (lost,) = entries([replace(cycle, rows=other.rows)])
    assert [one.holding for one in lost.seen] == [None, None]
    assert (lost.terms, lost.quote) == (None, None)


def test_a_position_that_is_unknown_because_endpoints_differ_has_no_facts_and_one_that_is_unpriced_has() -> None:
    scene = Scene.of("aave_v3")
    cycle = seen(scene)
    unknown = replace(cycle.rows[0].reading, status=Status.UNKNOWN, valuation=None, reason="why")
    rows = (
        replace(cycle.rows[0], reading=replace(unknown, doubts=(DISPUTED,))),
        replace(cycle.rows[1], reading=replace(unknown, key=scene.other())),
    )
    (entry,) = entries([replace(cycle, rows=rows)])
    assert [one.holding is None for one in entry.seen] == [True, False]


def test_a_lie_that_a_majority_overruled_costs_no_facts() -> None:
    scene = Scene.of("aave_v3")
    cycle = seen(scene)
    doubted = replace(cycle.rows[0], reading=replace(cycle.rows[0].reading, doubts=(DISPUTED,)))
    (entry,) = entries([replace(cycle, rows=(doubted,))])
    assert entry.seen[0].holding is not None


def test_a_market_that_failed_is_its_error() -> None:
    scene, error = Scene.of("aave_v3"), Transient("node", "reset")
    (entry,) = entries([MarketCycle(scene.market, block(scene.chain, 1), error=error)])
    assert (entry.error, entry.terms, entry.quote, entry.seen) == (error, None, None, ())


def test_a_market_without_positions_still_has_its_facts() -> None:
    scene = Scene.of("morpho_blue")
    (entry,) = entries([replace(seen(scene), rows=())])
    assert (entry.terms, entry.quote) == (scene.position.terms, scene.quote(0))
