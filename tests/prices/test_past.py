"""What a model gets of a pair: every source cleaned, disputes left out, and a token's own feed first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from watcher.prices.pair import called, parsed
from watcher.prices.past import past
from watcher.risk.series import Fault, Series
from watcher.store.open import Store, open_store
from watcher.store.prices import Source, enter

HOUR = 3600
TOKEN = f"1:0x{'00' * 19}02/USD"
FEED = Source(TOKEN, "feed 0x01", 8, "ETH/USD")
BINANCE = Source("ETH/USD", "binance ETHUSDT", 18)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "watcher.db", write=True, create=True) as made:
        yield made


def hourly(decimals: int, *prices: float) -> list[tuple[int, int]]:
    return [(hour * HOUR, round(price * 10**6) * 10 ** (decimals - 6)) for hour, price in enumerate(prices, 1)]


def test_a_tokens_feed_is_held_against_the_exchange_that_speaks_of_its_name(store: Store) -> None:
    enter(store, FEED, hourly(8, 2000, 2010, 2020, 2030))
    enter(store, BINANCE, hourly(18, 2000.5, 2200, 2020.5, 2030.5))
    found = past(store, TOKEN)
    assert list(found.sources) == ["feed 0x01", "binance ETHUSDT (ETH/USD)"]
    assert [tick.price for tick in found.series.ticks] == [2000, 2020, 2030]
    assert [one.fault for one in found.series.rejected] == [Fault.DISPUTED]
    assert found.series.rejected[0].text == "feed 0x01 says 2010, binance ETHUSDT (ETH/USD) 2200"


def test_a_bad_tick_a_round_that_answers_nothing_and_a_gap_are_listed(store: Store) -> None:
    enter(store, BINANCE, [*hourly(18, 2000, 0.0001, 2010, 0, 2020), (10 * HOUR, 2030 * 10**18)])
    found = past(store, "ETH/USD")
    assert [(one.fault, one.time // HOUR) for one in found.series.rejected] == [
        (Fault.BAD_TICK, 2),
        (Fault.NOT_POSITIVE, 4),
        (Fault.GAP, 5),
    ]
    assert [tick.time // HOUR for tick in found.series.ticks] == [1, 3, 5, 10]


def test_a_feed_may_be_silent_for_a_day_and_an_exchange_may_not(store: Store) -> None:
    said = [(HOUR, 2000), (25 * HOUR, 2001), (52 * HOUR, 2002)]
    enter(store, FEED, [(time, price * 10**8) for time, price in said])
    enter(store, BINANCE, [(time, price * 10**18) for time, price in said])
    gaps = {
        name: [one.time // HOUR for one in series.rejected if one.fault is Fault.GAP]
        for name, series in past(store, TOKEN).sources.items()
    }
    assert gaps == {"feed 0x01": [25], "binance ETHUSDT (ETH/USD)": [1, 25]}


def test_a_span_is_both_ends_included(store: Store) -> None:
    enter(store, FEED, hourly(8, 1, 2, 3, 4))
    assert [tick.price for tick in past(store, TOKEN, 2 * HOUR, 3 * HOUR).series.ticks] == [2, 3]


def test_nothing_stored_is_a_series_without_prices(store: Store) -> None:
    found = past(store, "ETH/USD")
    assert (dict(found.sources), found.series) == ({}, Series((), ()))


def test_descriptions_of_feeds_are_names_only_where_they_are_plain_pairs() -> None:
    assert called("ETH / USD") == "ETH/USD"
    assert called("Capped wstETH / stETH(ETH) / USD") is None
    assert called("") is None
    weth = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
    assert str(parsed(f"1:{weth.lower()}/usd")) == f"1:{weth}/USD"
