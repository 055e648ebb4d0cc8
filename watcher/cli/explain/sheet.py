"""A stretch for people: both ends, what moved the margin in the printed order with bars, and the reverse order beside it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, TextIO

from watcher import figures
from watcher.cli.explain.record import PRINTED, Explained, Pair, flat, margin, pairs, time
from watcher.cli.output import Column, show_table
from watcher.model import Unit
from watcher.risk.explain import Piece
from watcher.text import clean_line

COLUMNS: Final = (
    Column("cause", "cause"),
    Column("token", "of"),
    Column("margin", "margin", right=True),
    Column("share", "share", right=True),
    Column("health", "health", right=True),
    Column("reverse_margin", "reversed: margin", right=True),
    Column("reverse_health", "health", right=True),
)
PIECES: Final = (Column("first", "from block", right=True), Column("last", "to", right=True), *COLUMNS)
CSV: Final = (
    *(Column(key, key) for key in ("market", "first", "last", "cause", "token", "address", "unit", "decimals")),
    *(Column(key, key) for key in ("margin", "share", "health", "reverse_margin", "reverse_health")),
)
ASIDE: Final = 44  # characters beside the bars
WIDTH: Final = 40  # of the bars, at most


def pictured(of: Explained, each: bool, out: TextIO | None = None) -> None:
    """Heading, bars, table; the pieces too where they are wanted."""
    stream = out or sys.stdout
    first, last, unit = of.stretch.first, of.stretch.last, of.unit
    pieces = f"{len(of.pieces)} piece{'s' * (len(of.pieces) > 1)}"
    stream.write(
        f"{clean_line(of.stretch.market.name)} · 0x{of.stretch.key.key.hex()}\n"
        f"block {first.number} → {last.number} ({time(first)} → {time(last)}), {pieces}, by the {of.stretch.source}\n"
        f"health {figures.change(of.before.health, of.after.health)} · margin {signed(margin(of.before), unit)} → "
        f"{signed(margin(of.after), unit)} {clean_line(unit.symbol)}\n"
    )
    if any(pairs(of.pieces)):
        _bars(of, stream)
        show_table([_row(row, unit) for row in flat(of, each=False)], COLUMNS, stream)
        stream.write(f"swapped in this order within each piece: {', '.join(PRINTED)}; reversed: the other way round\n")
    else:
        stream.write("nothing moved it\n")
    if each:
        show_table([_row(row, unit) for row in flat(of, each=True)], PIECES, stream)
    for note in of.notes:
        stream.write(f"{clean_line(note)}\n")
    stream.write("\n")


def steps(pieces: Sequence[Piece]) -> list[tuple[str, int]]:
    """What each cause added to the margin, by its name."""
    return [(name(pair), 0 if pair.cause is None else pair.cause.margin) for pair in pairs(pieces)]


def name(pair: Pair) -> str:
    """ "price of WETH", "time"."""
    cause = pair.named
    return cause.kind.value if cause.token is None else f"{cause.kind.value} of {cause.token.symbol}"


def _bars(of: Explained, stream: TextIO) -> None:
    """A waterfall: each bar begins where the one before it ended."""
    from rich.bar import Bar
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    levels = [margin(of.before)]
    moves = steps(of.pieces)
    for _, size in moves:
        levels.append(levels[-1] + size)
    low, high = min(levels), max(levels)
    span = max(high - low, 1)
    width = min(max(shutil.get_terminal_size((100, 24)).columns - ASIDE, 16), WIDTH)
    table = Table.grid(padding=(0, 1))
    for (label, size), (begin, end) in zip(moves, pairwise(levels), strict=True):
        left, right = ((one - low) * width * 8 // span for one in sorted((begin, end)))
        colour = "green" if size >= 0 else "red"
        bar = Bar(width * 8, left, max(right, left + 1), width=width, color=colour)
        table.add_row(Text(clean_line(label)), bar, Text(signed(size, of.unit, plus=True)))
    console = Console(file=stream, highlight=False, markup=False, emoji=False, width=width + 2 * ASIDE)
    console.print(table)


def _row(row: dict[str, Any], unit: Unit) -> dict[str, Any]:
    shown = {key: signed(row[key], unit, plus=True) for key in ("margin", "reverse_margin")}
    healths = {key: _health(row[key]) for key in ("health", "reverse_health")}
    share = None if row["share"] is None else f"{_fixed(row['share'], 2, 2)} %"
    return {**row, **shown, **healths, "share": share}


def _health(wad: int | None) -> str:
    if wad is None:
        return "–"
    sign = "+" if wad > 0 else ""
    return sign + _fixed(wad, 18, 4 if abs(wad) >= 10**14 or wad == 0 else 9)


def signed(amount: int, unit: Unit, *, plus: bool = False) -> str:
    """Rounded towards zero: what a cause did is never overstated."""
    sign = "−" if amount < 0 else "+" if plus and amount > 0 else ""
    return sign + figures.short(abs(amount), unit.decimals)


def _fixed(amount: int, decimals: int, places: int) -> str:
    """Rounded towards zero."""
    return ("−" if amount < 0 else "") + figures.fixed(abs(amount), decimals, places)
