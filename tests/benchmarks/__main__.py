"""``scripts/bench [NAME…] [--json]``: every row is a ratio within this run; exit 1 when one falls short of its bound."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module

from rich.console import Console
from rich.table import Table

from tests.benchmarks.row import Row
from watcher.errors import WatcherError

NAMES = (
    "multicall",
    "logs",
    "holdings",
    "wallet",
    "fill",
    "history",
    "watching",
    "screen",
    "families",
    "book",
    "stored",
    "risk",
)


def table(found: list[Row]) -> Table:
    shown = Table("name", "unit", "ours", "theirs", "ratio", "bound", "holds")
    for row in found:
        sign = "≤" if row.at_most else "≥"
        figures = (f"{row.ours:.3g}", f"{row.theirs:.3g}", f"{row.ratio:.3g}", f"{sign} {row.bound:g}")
        shown.add_row(row.name, row.unit, *figures, "yes" if row.holds else "FALLS SHORT")
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; all of them by default")
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    found: list[Row] = []
    for name in asked.names or NAMES:
        rows: list[Row] = import_module(f"tests.benchmarks.{name}").rows()
        found.extend(rows)
        if asked.json:
            for row in rows:
                fields = ("name", "unit", "ours", "theirs", "ratio", "bound", "holds")
                sys.stdout.write(json.dumps({field: getattr(row, field) for field in fields}) + "\n")
                sys.stdout.flush()
    if not asked.json:
        Console().print(table(found))
    return 0 if all(row.holds for row in found) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WatcherError as error:
        sys.exit(f"bench: {error}")
