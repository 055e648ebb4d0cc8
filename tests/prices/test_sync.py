"""Only what is missing is asked for, and what fails leaves the past as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from watcher.errors import Transient
from watcher.prices.origin import Cost, Done
from watcher.prices.sync import Synced, missing, planned, run, total
from watcher.store.open import Store, open_store
from watcher.store.prices import Source, enter, marks

SOURCE = Source("ETH/USD", "exchange ETHUSD", 8)
OTHER = Source("BTC/USD", "exchange BTCUSD", 8)


@dataclass
class Exchange:
    """A price every ten seconds from 100 on. It fails in spans that begin before `silent`."""

    source: Source = SOURCE
    silent: int = 0
    dumb: bool = False
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def cost(self, first: int, end: int) -> Cost:
        if self.dumb:
            raise Transient("exchange", "reset")
        return Cost(1, len(self.said(first, end)))

    async def marks(self, first: int, end: int, done: Done) -> list[tuple[int, int]]:
        self.asked.append((first, end))
        if first < self.silent:
            raise Transient("exchange", "reset")
        done(1, 1)
        return self.said(first, end)

    def said(self, first: int, end: int) -> list[tuple[int, int]]:
        return [(time, 7 * time) for time in range(100, end, 10) if time >= first]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "watcher.db", write=True, create=True) as made:
        yield made


def synced(store: Store, origins: Sequence[Exchange], since: int, now: int) -> tuple[list[Synced], Cost]:
    async def all_of_it() -> tuple[list[Synced], Cost]:
        tasks, lost = await planned(store, origins, since, now, lambda _: None)
        found = [one async for one in run(store, tasks, lambda _: lambda *_: None)]
        return [*lost, *found], total([task.cost for task in tasks])

    return asyncio.run(all_of_it())


def test_a_first_sync_brings_all_and_a_second_only_what_came_since(store: Store) -> None:
    exchange = Exchange()
    found, cost = synced(store, [exchange], 120, 200)
    assert found == [Synced(SOURCE, 9, 9)]
    assert cost == Cost(1, 9)
    found, cost = synced(store, [exchange], 120, 235)
    assert found == [Synced(SOURCE, 3, 3)]
    assert cost == Cost(1, 3)
    assert exchange.asked == [(120, 201), (201, 236)]


def test_an_earlier_beginning_is_asked_for_and_the_later_span_comes_first(store: Store) -> None:
    exchange = Exchange()
    synced(store, [exchange], 150, 200)
    synced(store, [exchange], 0, 210)
    assert exchange.asked[1:] == [(201, 211), (0, 150)]
    assert [time for time, _ in marks(store, SOURCE)] == list(range(100, 211, 10))


def test_what_is_stored_far_in_the_past_is_followed_without_a_hole(store: Store) -> None:
    enter(store, SOURCE, [(100, 1)])
    assert missing(store, SOURCE, 500, 600) == ((101, 601),)
    assert missing(store, SOURCE, 100, 100) == ()
    assert missing(None, SOURCE, 500, 600) == ((500, 601),)


def test_a_source_that_fails_keeps_what_it_had_and_the_others_are_read(store: Store) -> None:
    synced(store, [Exchange()], 150, 200)
    before = marks(store, SOURCE)
    found, _ = synced(store, [Exchange(silent=10**6), Exchange(OTHER, dumb=True), Exchange(OTHER)], 0, 250)
    assert [(one.source, one.new, None if one.error is None else str(one.error)) for one in found] == [
        (OTHER, 0, "exchange: reset"),
        (SOURCE, 0, "exchange: reset"),
        (OTHER, 16, None),
    ]
    assert marks(store, SOURCE) == before


def test_a_span_that_came_stays_when_the_next_one_fails(store: Store) -> None:
    synced(store, [Exchange()], 150, 200)
    ((found,), _) = synced(store, [Exchange(silent=100)], 0, 250)
    assert (found.read, found.new, str(found.error)) == (5, 5, "exchange: reset")
    assert [time for time, _ in marks(store, SOURCE)] == list(range(150, 251, 10))
