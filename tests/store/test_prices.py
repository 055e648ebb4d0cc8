"""Prices on both databases: exactly what a source said, each once, found by either name of a pair, and pruned by their own time."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from tests.store.scene import Scene, block
from watcher.store.history import record
from watcher.store.open import Store, open_store
from watcher.store.prices import Extent, Source, enter, extent, extents, marks
from watcher.store.upkeep import TABLES, growth, prune

CHAINS = count(70_000)


def source(name: str = "feed 0x01", called: str | None = None) -> Source:
    return Source(f"{next(CHAINS)}:0x02/USD", name, 8, called)


def test_answers_come_back_to_the_last_digit(store: Store) -> None:
    one = source()
    said = [(5, 3 * 10**36 + 1), (1, 2**256 - 1), (3, 0), (2, -1)]
    assert enter(store, one, said) == 4
    assert marks(store, one) == ((1, 2**256 - 1), (2, -1), (3, 0), (5, 3 * 10**36 + 1))
    assert marks(store, one, since=2, until=3) == ((2, -1), (3, 0))
    assert extent(store, one) == Extent(one, 4, 1, 5)


def test_what_is_said_twice_is_stored_once_and_two_prices_of_a_second_are_two(store: Store) -> None:
    one = source()
    assert enter(store, one, [(1, 7), (2, 8)]) == 2
    assert enter(store, one, [(2, 8), (2, 9), (3, 8)]) == 2
    assert marks(store, one) == ((1, 7), (2, 8), (2, 9), (3, 8))


def test_sources_of_a_pair_are_kept_apart_and_found_by_both_names(store: Store) -> None:
    token = source(called="ETH-OF-THIS-TEST/USD")
    exchange = Source("ETH-OF-THIS-TEST/USD", "binance ETHUSDT", 18)
    enter(store, token, [(1, 7)])
    enter(store, exchange, [(1, 8), (2, 9)])
    assert [(one.source, one.rows) for one in extents(store, "ETH-OF-THIS-TEST/USD")] in (
        [(token, 1), (exchange, 2)],
        [(exchange, 2), (token, 1)],
    )
    assert [one.source for one in extents(store, token.pair)] == [token]
    assert {token, exchange} <= {one.source for one in extents(store)}
    enter(store, Source(token.pair, token.name, 8), [(2, 7)])
    assert extent(store, token) == Extent(token, 2, 1, 2)  # a name once said is not forgotten


def test_nothing_stored_is_nothing(store: Store) -> None:
    one = source()
    assert enter(store, one, []) == 0
    assert extent(store, one) is None
    assert marks(store, one) == ()


def test_old_prices_are_pruned_by_their_own_time_and_no_block_for_it(store: Store) -> None:
    one = source()
    enter(store, one, [(time, 7) for time in (10, 20, 30)])
    assert prune(store, {"prices": 5}, 25)["prices"] >= 1  # others on the same server may have older ones
    assert marks(store, one) == ((20, 7), (30, 7))
    assert "blocks" in prune(store, {name: 10**9 for name in TABLES if name != "prices"}, 10**9)


def test_a_past_that_was_brought_in_at_once_is_no_growth(tmp_path: Path) -> None:
    scene = Scene.of("morpho_blue")
    with open_store(tmp_path / "watcher.db", write=True, create=True) as store:
        for number in range(1, 461, 20):
            at = block(scene.chain, number)
            record(store, at, [scene.entry(at)], read_at=at.timestamp)
        before = growth(store)
        enter(store, source(), [(time, 200_000_000_000 + time) for time in range(0, 20_000 * 3600, 3600)])
        after = growth(store)
    assert before.month is not None
    assert after.month is not None
    assert after.size > 3 * before.size
    assert after.month < 1.5 * before.month
