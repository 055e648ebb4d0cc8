"""A panel as a folder of parquet files, one for each UTC day: what is whole is left alone, so that an export can be gone on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, select

from watcher.errors import UsageError
from watcher.export.panel import DAY, Grid, origin, panel
from watcher.export.schema import SHEETS, Sheet
from watcher.export.write import Form, read_origin, write
from watcher.store import roll
from watcher.store.roll import Place
from watcher.store.tables import BLOCK


@dataclass(frozen=True, slots=True)
class Day:
    """One day's file, `FOLDER/day=2026-11-22/panel.parquet`: libraries read the folder as one table with a column `day`."""

    folder: Path
    place: Place
    grid: Grid  # of that day

    @property
    def path(self) -> Path:
        return self.folder / f"day={datetime.fromtimestamp(self.grid.first, UTC):%Y-%m-%d}" / "panel.parquet"

    def write(self, connection: Connection, step: Callable[[int], None]) -> int:
        """The file anew, under another name until it is whole; how many rows it has."""
        ends = {roll.tick(connection, self.place, time).block for time in (self.grid.times[0], self.grid.times[-1])}
        blocks = [block for block in ends if block is not None]
        told = origin(connection, Sheet.PANEL, self.place, blocks, **self._asked(), whole=self._over())
        rows = panel(connection, self.place, self.grid, step)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{self.path.parent}: {error.strerror or error}") from error
        return write(self.path, Form.PARQUET, SHEETS[Sheet.PANEL], rows, told)

    def finished(self, connection: Connection) -> bool:
        """Whether the file is there, of the whole day, and no reorg has taken its blocks back. What was pruned since stays in it.

        `UsageError` for a file of another panel.
        """
        if not self.path.exists():
            return False
        told, wanted = read_origin(self.path), self._asked()
        same = {"export": "panel", "chain": self.place.market.chain, "market": self.place.market.name}
        if any(told.get(name) != value for name, value in ({**same, "every": wanted["every"]}).items()):
            raise UsageError(f"{self.path} is of another panel: name another folder")
        if not told["whole"] or told["from"] > wanted["from"]:
            return False
        return all(self._stands(connection, one["number"], one["hash"]) for one in told["blocks"])

    def _asked(self) -> dict[str, int]:
        return {"every": self.grid.every, "from": self.grid.times[0]}

    def _over(self) -> bool:
        return self.grid.last % DAY == DAY - 1

    def _stands(self, connection: Connection, number: int, hash_: str) -> bool:
        here = (BLOCK.c.chain == self.place.market.chain, BLOCK.c.number == number)
        known = connection.scalar(select(BLOCK.c.hash).where(*here))
        ends = roll.ends(connection, self.place)
        return known == hash_ or (known is None and ends is not None and number < ends[0].number)
