"""All that one run came to, printed and saved."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from watcher.cli.backtest import chances, record, sheet
from watcher.cli.options import Format
from watcher.cli.output import show
from watcher.cli.provenance import versions
from watcher.export.table import write_table
from watcher.text import clean_line


@dataclass(frozen=True, slots=True)
class Report:
    """Models on prices, stored chances by horizon, and what was not judged. A table in a file is of one of the first two."""

    backtests: Sequence[record.Backtest] = ()
    calibrations: Sequence[chances.Calibrated] = ()
    refused: Sequence[record.Refused] = ()

    def rows(self) -> list[record.Record]:
        """Flat."""
        tested = [row for one in self.backtests for row in record.flat(one)]
        return tested or [row for one in self.calibrations for row in chances.flat(one)]


def printed(of: Report, form: Format) -> None:
    match form:
        case Format.TABLE:
            for tested in of.backtests:
                sheet.pictured(tested)
            for held in of.calibrations:
                chances.pictured(held)
        case Format.CSV:
            show(of.rows(), chances.CSV if of.calibrations else sheet.CSV, form)
        case _:
            parts = [*map(record.document, of.backtests), *map(chances.document, of.calibrations)]
            show([*parts, *map(record.refusal, of.refused)], (), form)
    for missing in of.refused:
        sys.stderr.write(f"watcher: {clean_line(str(missing))}\n")


def saved(of: Report, path: Path) -> None:
    """Nothing where nothing was judged."""
    if of.rows():
        table = "calibration" if of.calibrations else "backtest"
        write_table([record.numbers(row) for row in of.rows()], path, {"table": table, **versions()})
