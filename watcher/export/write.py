"""Rows to a file, a few at a time. The file appears under its name when it is whole."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

from watcher.errors import ConfigError, UsageError
from watcher.export.field import Field, Kind
from watcher.text import inert

BATCH: Final = 5_000  # rows of a parquet row group


class Form(StrEnum):
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


Rows = Iterable[Mapping[str, Any]]


def write(path: Path, form: Form, fields: Sequence[Field], rows: Rows, origin: Mapping[str, Any]) -> int:
    """Write `rows` to `path` and say how many; an existing file is replaced when the new one is whole.

    A row has a Python value for every field: integers, times as Unix seconds, words as plain json. `origin` is where they come from;
    json and parquet carry it in their head, csv and jsonl in the columns alone. `ConfigError` where parquet's library is not installed,
    `UsageError` where the file cannot be written.
    """
    with whole(path) as partial:
        if form is Form.PARQUET:
            return _parquet(partial, fields, rows, origin)
        with partial.open("w", encoding="utf-8", newline="") as out:
            return write_text(out, form, fields, rows, origin)


def write_text(out: TextIO, form: Form, fields: Sequence[Field], rows: Rows, origin: Mapping[str, Any]) -> int:
    """The same into an open stream; parquet is none."""
    return TEXTS[form](out, fields, rows, origin)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write beside `path`: renamed to it in the end, gone where that was not reached. `UsageError` where it cannot be written."""
    partial = path.with_name(path.name + ".partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _csv(out: TextIO, fields: Sequence[Field], rows: Rows, origin: Mapping[str, Any]) -> int:
    """RFC 4180; no cell is one that a spreadsheet would run."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([field.name for field in fields])
    count = 0
    for row in rows:
        writer.writerow([inert(_cell(field.kind, row[field.name])) for field in fields])
        count += 1
    return count


def _json(out: TextIO, fields: Sequence[Field], rows: Rows, origin: Mapping[str, Any]) -> int:
    """One object: `origin`, `columns` with their units, `rows`."""
    columns = [{"name": field.name, "kind": field.kind, "unit": field.unit} for field in fields]
    out.write(f'{{"origin": {_dumped(origin)},\n"columns": {_dumped(columns)},\n"rows": [')
    count = 0
    for count, row in enumerate(rows, start=1):
        out.write(("\n" if count == 1 else ",\n") + _object(fields, row))
    out.write("\n]}\n")
    return count


def _jsonl(out: TextIO, fields: Sequence[Field], rows: Rows, origin: Mapping[str, Any]) -> int:
    count = 0
    for row in rows:
        out.write(_object(fields, row) + "\n")
        count += 1
    return count


TEXTS: Final[dict[Form, Callable[[TextIO, Sequence[Field], Rows, Mapping[str, Any]], int]]] = {
    Form.CSV: _csv,
    Form.JSON: _json,
    Form.JSONL: _jsonl,
}


def _parquet(path: Path, fields: Sequence[Field], rows: Rows, origin: Mapping[str, Any]) -> int:
    """`origin` and every column's unit and meaning are metadata of the schema."""
    arrow, parquet = libraries()
    types = {
        Kind.FLAG: arrow.bool_(),
        Kind.COUNT: arrow.int64(),
        Kind.FLOAT: arrow.float64(),
        Kind.TIME: arrow.timestamp("s", tz="UTC"),
    }
    columns = [
        arrow.field(
            field.name,
            types.get(field.kind, arrow.string()),
            metadata={"unit": field.unit, "meaning": field.meaning},
        )
        for field in fields
    ]
    layout = arrow.schema(columns, metadata={"watcher": _dumped(origin)})
    count, left = 0, iter(rows)
    with parquet.ParquetWriter(str(path), layout) as writer:
        while batch := list(islice(left, BATCH)):
            cells = [[_arrow(field.kind, row[field.name]) for row in batch] for field in fields]
            arrays = [arrow.array(cell, type=kind) for cell, kind in zip(cells, layout.types, strict=True)]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=layout))
            count += len(batch)
    return count


def libraries() -> tuple[Any, Any]:
    """pyarrow and its parquet. `ConfigError` where they are not installed."""
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise ConfigError("parquet needs pyarrow: pip install 'lending-watcher[export]'") from None


def read_origin(path: Path) -> Mapping[str, Any]:
    """Where the rows of a parquet file come from, by its own head. `UsageError` for a file that says nothing of it."""
    parquet = import_module("pyarrow.parquet")
    try:
        told: Mapping[str, Any] = json.loads((parquet.read_schema(str(path)).metadata or {})[b"watcher"])
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{path} is in the way: it is no export of watcher ({error})") from None
    return told


def _object(fields: Sequence[Field], row: Mapping[str, Any]) -> str:
    return _dumped({field.name: _plain(field.kind, row[field.name]) for field in fields})


def _dumped(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def _plain(kind: Kind, value: Any) -> Any:
    """As json holds it without loss."""
    if value is None:
        return None
    if kind is Kind.EXACT:
        return str(value)
    return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}" if kind is Kind.TIME else value


def _arrow(kind: Kind, value: Any) -> Any:
    if kind is Kind.TIME or value is None:
        return value
    return _dumped(value) if kind is Kind.WORDS else _plain(kind, value)


def _cell(kind: Kind, value: Any) -> str:
    """As csv holds it; nothing for what is not there."""
    if value is None:
        return ""
    if kind is Kind.FLAG:
        return "true" if value else "false"
    return _dumped(value) if kind is Kind.WORDS else str(_plain(kind, value))
