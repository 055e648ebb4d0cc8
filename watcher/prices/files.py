"""Prices out of a csv or parquet file.

Columns: `time` or `updated_at` (Unix seconds, or an ISO date, UTC where it names no zone), and `price` (a decimal number) or
`answer_N_decimals` (an integer of N decimals). Others are not looked at.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, InvalidOperation
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from watcher.errors import ConfigError, UsageError
from watcher.prices.pair import Pair
from watcher.store.prices import Marks, Source

TIMES: Final = ("time", "updated_at", "date")
PRICE: Final = "price"
ANSWER: Final = re.compile(r"answer_([0-9]{1,2})_decimals")
PLACES: Final = 18  # decimals that a price written as a number is kept with
LONGEST: Final = 60  # digits of a number that is still a price
WHOLE: Final = Context(prec=2 * LONGEST)


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds, as it is to be stored."""

    source: Source
    marks: Marks


def load(path: Path, pair: Pair) -> Table:
    """`UsageError` with the line where a file cannot be read as prices; nothing of it is used then."""
    try:
        rows = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
        first = next(rows, None)
        if first is None:
            raise UsageError(f"{path} holds no prices")
        time, price, decimals = columns(path, first)
        marks = [_mark(path, number, row, time, price, decimals) for number, row in _numbered(first, rows)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{path} cannot be read: {reason}") from error
    return Table(Source(str(pair), f"file {path.name}", PLACES if decimals is None else decimals), marks)


def columns(path: Path, row: Mapping[str, Any]) -> tuple[str, str, int | None]:
    """The columns of time and price, and the decimals where the price is an integer of some."""
    time = next((name for name in TIMES if name in row), None)
    price = next((name for name in row if name == PRICE or ANSWER.fullmatch(str(name))), None)
    if time is None or price is None:
        raise UsageError(
            f"{path}: columns time or updated_at, and price or answer_8_decimals are needed; it has {', '.join(map(str, row))}"
        )
    found = ANSWER.fullmatch(price)
    return time, price, None if found is None else int(found[1])


def _numbered(first: Mapping[str, Any], rest: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    yield 1, first
    yield from enumerate(rest, 2)


def _csv(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        parquet: Any = import_module("pyarrow.parquet")
        broken: Any = import_module("pyarrow").ArrowException
    except ModuleNotFoundError:
        raise ConfigError("parquet needs its library: pip install 'lending-watcher[export]'") from None
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except broken as error:
        raise UsageError(f"{path} is no parquet file that can be read: {error}") from error


def _mark(
    path: Path, number: int, row: Mapping[str, Any], time: str, price: str, decimals: int | None
) -> tuple[int, int]:
    try:
        return _seconds(row[time]), _answer(row[price], decimals)
    except (ValueError, InvalidOperation, OverflowError):
        raise UsageError(f"{path}, row {number}: {row[time]!r} and {row[price]!r} are no time and price") from None


def _seconds(value: object) -> int:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, str) and not value.strip().isdigit():
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, datetime):
        return int((value.replace(tzinfo=UTC) if value.tzinfo is None else value).timestamp())
    seconds = int(str(value).strip())
    if not 0 <= seconds < 2**33:  # the year 2242: milliseconds are none
        raise ValueError(seconds)
    return seconds


def _answer(value: object, decimals: int | None) -> int:
    """An integer as it stands; a number rounded to `PLACES`, half to even. Not a number is no answer."""
    number = Decimal(str(value).strip())
    if not number.is_finite() or abs(number.adjusted()) > LONGEST:
        raise ValueError(value)
    if decimals is None:
        return round(number.scaleb(PLACES, WHOLE))
    if number != number.to_integral_value():
        raise ValueError(value)
    return int(number)
