"""`watcher export panel` and `export book`: a followed market out of the store, everybody in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from watcher.cli.export.target import Target
from watcher.cli.options import Options
from watcher.cli.progress import progress
from watcher.errors import UsageError
from watcher.export.panel import Grid, book, chosen, grid, origin, panel
from watcher.export.partition import Day
from watcher.export.schema import Sheet
from watcher.store import roll
from watcher.store.open import Store


@dataclass(frozen=True, slots=True)
class Asked:
    """The market by name or id, on one chain where that is given; times are Unix seconds."""

    market: str
    chain: int | None = None
    since: int = 0
    until: int | None = None
    every: int = 3_600


def export_panel(store: Store, asked: Asked, target: Target, options: Options) -> None:
    """Everybody at every time of the grid; into a folder day by day, without the days that are there."""
    with store.read() as connection:
        place = chosen(connection, asked.market, asked.chain)
        times = grid(connection, place, asked.every, asked.since, asked.until)
    if not times.times:
        raise UsageError(f"{place.market.name} was not followed at any such time")
    with _steps(times, options) as step:
        if target.form is None:
            _folder(store, [Day(Path(target.name), place, day) for day in times.days()], step, options)
            return
        with store.read() as connection:
            ends = {roll.tick(connection, place, time).block for time in (times.times[0], times.times[-1])}
            told = origin(connection, Sheet.PANEL, place, [one for one in ends if one is not None], every=times.every)
            count = target.write(Sheet.PANEL, panel(connection, place, times, step), told)
    options.note(f"{count} rows of {place.market.name} to {target.words}")


def export_book(
    store: Store, asked: Asked, at: tuple[int | None, int | None], target: Target, options: Options
) -> None:
    """Everybody at the newest followed block up to a block or time, if that block stands for it."""
    with store.read() as connection:
        place = chosen(connection, asked.market, asked.chain)
        number, time = at
        if time is not None:
            stands = roll.tick(connection, place, time)
            if stands.block is None or stands.reason is not None:
                raise UsageError(f"{place.market.name}: {stands.reason}")
            number = stands.block.number
        block, rows = book(connection, place, number)
        count = target.write(Sheet.BOOK, rows, origin(connection, Sheet.BOOK, place, [block]))
    options.note(f"{count} members of {place.market.name} at block {block.number} to {target.words}")


def _folder(store: Store, days: list[Day], step: Callable[[int], None], options: Options) -> None:
    count = left = 0
    for day in days:
        with store.read() as connection:
            if day.finished(connection):
                left += 1
                for time in day.grid.times:
                    step(time)
            else:
                count += day.write(connection, step)
    there = f", {left} {'day was' if left == 1 else 'days were'} there" if left else ""
    options.note(f"{count} rows in {len(days) - left} files to {days[0].folder}{there}")


@contextmanager
def _steps(times: Grid, options: Options) -> Iterator[Callable[[int], None]]:
    visible = not options.quiet and sys.stderr.isatty()
    with progress("valuing everybody", len(times.times), visible) as step:
        yield lambda time: step(f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M}")
