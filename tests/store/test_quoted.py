"""A market's stored past as prices, on both databases: what was certainly read, once an hour, and nothing of what was not."""

from __future__ import annotations

import pytest

from tests.store.scene import BEGAN, DRAWN, Scene, block
from watcher.errors import Transient
from watcher.prices.quotes import quotes
from watcher.store.entry import Entry, Seen
from watcher.store.history import record
from watcher.store.open import Store
from watcher.store.prices import enter
from watcher.store.quoted import quoted

HOUR = 300  # blocks of the scene
LATER = 200  # hours: after whatever the positions were last touched at
END = BEGAN + 10**6


def told(scene: Scene, form: int) -> dict[str, int]:
    """Every price of the market under a form of its quote, by token."""
    prices = scene.adapter.prices(scene.position.terms, scene.quote(form))
    return {price.token.address: price.answer for price in prices if price.answer is not None}


@pytest.mark.parametrize("protocol", DRAWN)
def test_every_price_of_every_hour_comes_back_as_the_adapter_says_it(store: Store, protocol: str) -> None:
    scene = Scene.of(protocol)
    for number, form in ((0, 0), (HOUR, 1), (HOUR + 1, 2), (2 * HOUR, 1)):
        at = block(scene.chain, LATER * HOUR + number)
        record(store, at, [scene.entry(at, form)], read_at=at.timestamp)
    found = quotes(store, scene.market, BEGAN, END)
    assert {one.source.name for one in found} == {f"quotes {scene.market.name}"}
    times = [BEGAN + hour * 3600 for hour in (LATER, LATER + 1, LATER + 2)]
    expected = [told(scene, form) for form in (0, 1, 1)]
    for one in found:
        token = one.source.pair.partition("/")[0].partition(":")[2]
        assert list(one.told) == list(zip(times, [said[token] for said in expected], strict=True))
    assert len(found) == len(expected[0])


def test_what_was_not_certainly_read_is_no_price(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    first, second, third = (block(scene.chain, number * HOUR) for number in range(3))
    record(store, first, [scene.entry(first)], read_at=first.timestamp)
    record(store, second, [Entry(scene.market, error=Transient("node", "reset"))], read_at=second.timestamp)
    unsure = Seen(scene.reading(third, 0, 0), None)  # endpoints differed
    record(store, third, [Entry(scene.market, seen=(unsure,))], read_at=third.timestamp)
    assert [one.time for one in quoted(store, scene.adapter, scene.market, BEGAN, END, 3600)] == [BEGAN]


def test_a_span_has_its_first_second_and_not_its_last(store: Store) -> None:
    scene = Scene.of("aave_v3")
    for number in range(4):
        at = block(scene.chain, number * HOUR)
        record(store, at, [scene.entry(at)], read_at=at.timestamp)
    found = quoted(store, scene.adapter, scene.market, BEGAN + 3600, BEGAN + 3 * 3600, 3600)
    assert [one.time - BEGAN for one in found] == [3600, 7200]
    assert list(quoted(store, scene.adapter, scene.market, END, END + 1, 3600)) == []


def test_a_later_sync_goes_on_where_the_last_one_ended(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    for number in range(4):
        at = block(scene.chain, number * HOUR)
        record(store, at, [scene.entry(at, number)], read_at=at.timestamp)
    (first,) = quotes(store, scene.market, BEGAN, BEGAN + 3600)
    enter(store, first.source, first.told)
    (again,) = quotes(store, scene.market, BEGAN + 3 * 3600, END)
    assert [time - BEGAN for time, _ in again.told] == [0, 3600, 7200, 10800]
