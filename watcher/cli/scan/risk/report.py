"""The end of `watcher scan --risk`: the prospect printed and written, and how it ended."""

from __future__ import annotations

import asyncio

from watcher.cli.options import Format, Options
from watcher.cli.output import show, show_json
from watcher.cli.scan.risk.look import View, Wish, viewed
from watcher.cli.scan.risk.record import COLUMNS, about, document, everybody, rows, summary
from watcher.cli.scan.risk.sheet import show_prospect
from watcher.config import Config
from watcher.exit import Exit
from watcher.export.table import write_table


def reported(config: Config, market: str, wish: Wish, options: Options) -> Exit:
    """`SOURCE` where somebody is missing or unknown, or the contract says otherwise: what is not known is not small."""
    seen = asyncio.run(viewed(config, market, wish, options))
    shown(seen, options.format)
    if wish.told.parquet is not None:
        written = everybody(seen)
        write_table(written, wish.told.parquet, about(seen))
        options.note(f"{wish.told.parquet}: {len(written)} rows")
    return Exit.OK if seen.sound else Exit.SOURCE


def shown(seen: View, form: Format) -> None:
    match form:
        case Format.JSON:
            show_json(document(seen))
        case Format.JSONL:
            show([*rows(seen), summary(seen)], (), form)
        case Format.CSV:
            show(list(rows(seen)), COLUMNS, form)
        case Format.TABLE:
            show_prospect(seen)
