"""The [[follow]] tables of watcher.toml: whole markets that are kept as they change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from watcher.config.chain import Config, nearest
from watcher.config.table import Table
from watcher.config.watch import Follow
from watcher.errors import UsageError
from watcher.model import Status

ALERTS: Final = (Status.WATCH, Status.WARN, Status.DANGER, Status.CRITICAL, Status.LIQUIDATABLE)


def follows(tables: Iterable[Table], config: Config) -> Iterator[Follow]:
    """One market of a watched chain each, none of them twice; `alert` names the band from which its changes are told."""
    seen: set[str] = set()
    for table in tables:
        written = table.text("market")
        try:
            market = config.market(written)
        except UsageError as error:
            table.fail("market", str(error))
        if market.name in seen:
            table.fail("market", f"{market.name} is listed twice")
        seen.add(market.name)
        band = table.text("alert", "") or None
        names = [status.value for status in ALERTS]
        if band is not None and band not in names:
            table.fail("alert", f"expected a band, {', '.join(names)}; {nearest(band, names)}")
        table.close()
        yield Follow(market, None if band is None else Status(band))
