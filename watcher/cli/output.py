"""Data on stdout: the same rows as a table for people, or as json, jsonl or csv for programs. Foreign text is text, never markup.

Integers and decimals are exact: json carries them as strings, because most readers of json would round them.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TextIO, TypeAlias

from watcher.cli.options import Format
from watcher.text import clean_line, inert

Row: TypeAlias = Mapping[str, Any]

UNBOUNDED = 10_000  # characters of a line in a file or pipe
GAP = 3  # characters between the columns of a table
WORD = 20  # characters that a word in a wide column may be broken at, where there is no room for more


@dataclass(frozen=True, slots=True)
class Column:
    """A key of the rows and how a table shows it. `wide` columns may be folded on a narrow terminal."""

    key: str
    title: str
    right: bool = False
    wide: bool = False


def show(rows: Sequence[Row], columns: Sequence[Column], form: Format, stream: TextIO | None = None) -> None:
    """Print `rows`: table and csv show `columns`; json (one list) and jsonl (one object per line) show whole rows."""
    out = stream or sys.stdout
    match form:
        case Format.TABLE:
            show_table(rows, columns, out)
        case Format.CSV:
            show_csv(rows, columns, out)
        case Format.JSON:
            show_json(list(rows), out)
        case Format.JSONL:
            for row in rows:
                out.write(json.dumps(plain(row), ensure_ascii=False) + "\n")


def show_json(document: object, stream: TextIO | None = None) -> None:
    """Print one json document, indented."""
    (stream or sys.stdout).write(json.dumps(plain(document), ensure_ascii=False, indent=2) + "\n")


def plain(value: Any) -> Any:
    """`value` as json can hold it without loss: integers and decimals as text, bytes as 0x hex, None as null.

    A float is refused: nothing that is printed here was computed in one.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    raise TypeError(f"no exact json for {type(value).__name__}")


def cell(value: Any) -> str:
    """`value` in a table or csv; nothing for None."""
    exact = plain(value)
    if exact is None:
        return ""
    if isinstance(exact, bool):
        return "yes" if exact else "no"
    return exact if isinstance(exact, str) else json.dumps(exact, ensure_ascii=False)


def show_csv(rows: Sequence[Row], columns: Sequence[Column], out: TextIO) -> None:
    """RFC 4180 with a header of keys. Text that a spreadsheet would run gets an apostrophe; numbers stay as they are."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in rows:
        writer.writerow([inert(cell(row.get(column.key))) for column in columns])


def show_table(rows: Sequence[Row], columns: Sequence[Column], out: TextIO) -> None:
    """A plain table. Only wide columns fold, and nothing is ever cut: what a terminal is too narrow for, it wraps itself.

    Into a file or pipe every row is one line, whatever its length.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console, ConsoleDimensions
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    needed = GAP * (len(columns) - 1)
    cells = [[clean_line(cell(row.get(column.key))) for column in columns] for row in rows]
    for place, column in enumerate(columns):
        texts = [column.title, *(line[place] for line in cells)]
        if column.wide:
            least = min(WORD, max((cell_len(word) for text in texts for word in text.split()), default=0))
        else:
            least = max(map(cell_len, texts))
        needed += least
        side: Literal["right", "left"] = "right" if column.right else "left"
        table.add_column(Text(column.title), justify=side, overflow="fold", no_wrap=not column.wide, min_width=least)
    for line in cells:
        table.add_row(*map(Text, line))
    console = Console(file=out, highlight=False, markup=False, emoji=False, width=None if out.isatty() else UNBOUNDED)
    console.size = ConsoleDimensions(max(console.width, needed), console.height)
    console.print(table, crop=False)
