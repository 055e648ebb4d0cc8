"""A report's flat records as a parquet file: the columns are what the records hold, and the head says where they come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from watcher.errors import UsageError
from watcher.export.write import libraries, whole

LEAST: Final = -(2**63)  # of what a parquet integer holds
MOST: Final = 2**63 - 1


def writable(path: Path) -> None:
    """`UsageError` or `ConfigError` before anything is read, where `write_table` could write no such file."""
    if path.suffix != ".parquet":
        raise UsageError(f"{path}: a file of parquet is named so: {path.stem}.parquet")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}")
    libraries()


def write_table(rows: Sequence[Mapping[str, object]], path: Path, about: Mapping[str, str]) -> None:
    """Write `rows` to `path`, a column for every key in the order in which they first come; an older file is replaced by the whole new one.

    A column is what is in it: flags, integers, floats or text; integers as text where one of them is beyond 64 bits, integers among
    floats as floats. None, and a key that a row does not have, is empty; a column of nothing else is text. `about` is in the head of the
    file (`export.write.read_origin`). `TypeError` where a column holds anything else, or text beside numbers: the records are not flat.
    `UsageError`, `ConfigError` as `writable`.
    """
    writable(path)
    arrow, parquet = libraries()
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    columns = [(name, *_column(arrow, name, [row.get(name) for row in rows])) for name in names]
    head = {"watcher": json.dumps(dict(about), ensure_ascii=False)}
    layout = arrow.schema([(name, kind) for name, kind, _ in columns], metadata=head)
    arrays = [arrow.array(cells, type=kind) for _, kind, cells in columns]
    with whole(path) as partial:
        parquet.write_table(arrow.Table.from_arrays(arrays, schema=layout), str(partial))


def _column(arrow: Any, name: str, cells: Sequence[object]) -> tuple[Any, list[object]]:
    """Its type, and its cells as that type has them."""
    held = [cell for cell in cells if cell is not None]
    flags, texts = (all(isinstance(cell, kind) for cell in held) for kind in (bool, str))
    numbers = [cell for cell in held if isinstance(cell, (int, float)) and not isinstance(cell, bool)]
    if texts:
        return arrow.string(), _each(str, cells)
    if flags:
        return arrow.bool_(), list(cells)
    if len(numbers) < len(held):
        raise TypeError(
            f"column {name} holds {', '.join(sorted({type(cell).__name__ for cell in held}))}: no flat records"
        )
    if any(isinstance(cell, float) for cell in numbers):
        return arrow.float64(), _each(float, cells)
    if all(LEAST <= cell <= MOST for cell in numbers):
        return arrow.int64(), _each(int, cells)
    return arrow.string(), _each(str, cells)


def _each(kind: Callable[[Any], object], cells: Sequence[object]) -> list[object]:
    return [None if cell is None else kind(cell) for cell in cells]
