"""Hourly closes of public exchanges. A close is the price at the end of its hour; an hour that is not over has none.

Binance: GET /api/v3/klines, rows of [open time in ms, open, high, low, close, volume, close time, …], the oldest first, up to 1000.
Coinbase: GET /products/ETH-USD/candles, rows of [time, low, high, open, close, volume], the newest first, up to 300.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from watcher.errors import Lying, UsageError
from watcher.prices.fetch import Web
from watcher.prices.files import PLACES, WHOLE
from watcher.prices.origin import Cost, Done
from watcher.prices.pair import Pair
from watcher.store.prices import Marks, Source

HOUR: Final = 3600
DIGITS: Final = 40  # of a price as text


@dataclass(frozen=True, slots=True)
class Candle:
    """One hour as an exchange gives it. `opened` in Unix seconds; prices as text or integers, exactly as they came."""

    opened: int
    low: Decimal
    high: Decimal
    close: Decimal


@dataclass(frozen=True, slots=True)
class Exchange:
    """What tells one API from another: where it is asked, how a pair is called there, and how its rows are read."""

    name: str
    url: str
    most: int  # candles in one answer
    symbol: Callable[[Pair], str]
    path: Callable[[str], str]
    params: Callable[[str, int, int], dict[str, str | int]]  # symbol, opening times of the first and the last candle
    candle: Callable[[Sequence[Any]], Candle]


@dataclass(frozen=True, slots=True)
class Closes:
    """The hourly closes of one pair on one exchange. `url` is another server than the exchange's own, for tests."""

    web: Web
    exchange: Exchange
    pair: Pair
    url: str | None = None

    def __post_init__(self) -> None:
        if ":" in str(self.pair):
            raise UsageError(f"{self.exchange.name} knows no {self.pair}: name a pair as ETH/USD")

    @property
    def source(self) -> Source:
        return Source(str(self.pair), f"{self.exchange.name} {self.exchange.symbol(self.pair)}", PLACES)

    async def cost(self, first: int, end: int) -> Cost:
        hours = len(_openings(first, end))
        return Cost(-(-hours // self.exchange.most), hours)

    async def marks(self, first: int, end: int, done: Done) -> Marks:
        """Hours that the exchange has no candle of are left out; `Lying` for an answer that cannot be true."""
        openings = _openings(first, end)
        found: list[tuple[int, int]] = []
        starts = range(0, len(openings), self.exchange.most)
        for count, start in enumerate(starts, 1):
            found += await self._some(openings[start : start + self.exchange.most])
            done(count, len(starts))
        return found

    async def _some(self, openings: range) -> list[tuple[int, int]]:
        exchange = self.exchange
        symbol = exchange.symbol(self.pair)
        url = f"{self.url or exchange.url}{exchange.path(symbol)}"
        rows = await self.web.get(exchange.name, url, exchange.params(symbol, openings[0], openings[-1]))
        if not isinstance(rows, list):
            raise Lying(exchange.name, "its answer is no list of candles")
        candles = {candle.opened: candle for candle in (self._read(row) for row in rows)}
        if len(candles) != len(rows) or any(opened % HOUR for opened in candles):
            raise Lying(exchange.name, "its candles are not one for an hour")
        return [
            (opened + HOUR, round(candles[opened].close.scaleb(PLACES, WHOLE)))
            for opened in openings
            if opened in candles
        ]

    def _read(self, row: object) -> Candle:
        try:
            if not isinstance(row, list):
                raise ValueError(row)
            candle = self.exchange.candle(row)
        except (ValueError, TypeError, IndexError, InvalidOperation):
            raise Lying(self.exchange.name, "a candle of its answer cannot be read") from None
        if not 0 < candle.low <= candle.close <= candle.high:
            raise Lying(self.exchange.name, "a candle of its answer closes outside of its own low and high")
        return candle


def _openings(first: int, end: int) -> range:
    """When the hours open whose ends are at or after `first` and before `end`."""
    return range(-(-first // HOUR) * HOUR - HOUR, end - HOUR, HOUR)


def _number(value: object) -> Decimal:
    if not isinstance(value, str | int) or isinstance(value, bool) or len(str(value)) > DIGITS:
        raise ValueError(value)
    number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > DIGITS:
        raise ValueError(value)
    return number


def _seconds(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(value)
    return value


def _milliseconds(value: object) -> int:
    seconds, rest = divmod(_seconds(value), 1000)
    if rest:
        raise ValueError(value)
    return seconds


BINANCE: Final = Exchange(
    name="binance",
    url="https://api.binance.com",
    most=1000,
    symbol=lambda pair: f"{pair.base}{'USDT' if pair.quote == 'USD' else pair.quote}",  # its dollar is a Tether
    path=lambda symbol: "/api/v3/klines",
    params=lambda symbol, first, last: {
        "symbol": symbol,
        "interval": "1h",
        "startTime": first * 1000,
        "endTime": last * 1000,
        "limit": 1000,
    },
    candle=lambda row: Candle(_milliseconds(row[0]), _number(row[3]), _number(row[2]), _number(row[4])),
)
COINBASE: Final = Exchange(
    name="coinbase",
    url="https://api.exchange.coinbase.com",
    most=300,
    symbol=lambda pair: f"{pair.base}-{pair.quote}",
    path=lambda symbol: f"/products/{symbol}/candles",
    params=lambda symbol, first, last: {"granularity": HOUR, "start": first, "end": last},
    candle=lambda row: Candle(_seconds(row[0]), _number(row[1]), _number(row[2]), _number(row[4])),
)
EXCHANGES: Final = {one.name: one for one in (BINANCE, COINBASE)}
