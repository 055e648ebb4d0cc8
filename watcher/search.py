"""Which markets of a singleton some owners have entered, by their own logs, and how far these were read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eth_typing import ChecksumAddress

from watcher.adapters import adapter
from watcher.chain.logs import Window, logs
from watcher.connection import Connection
from watcher.errors import WatcherError
from watcher.model import Market

Windows = dict[str, Window]  # what was learned about log ranges, by endpoint


@dataclass(frozen=True, slots=True)
class Entered:
    """How far the owners' logs at a singleton were read. Markets entered after block `known` may be missing."""

    singleton: Market
    known: int  # the last block whose logs are certainly read; below `singleton.start` when none was
    complete: bool
    reason: str | None = None


@dataclass(slots=True)
class Search:
    """A walk through one singleton's logs that may be cut off at any time: `found` and `known` are right after every window."""

    singleton: Market
    known: int
    found: dict[bytes, Market] = field(default_factory=dict)
    error: WatcherError | None = None

    def entered(self, head: int) -> Entered:
        complete = self.known >= head and self.error is None
        reason = None if complete else str(self.error or "the time was up before its logs were read to the head")
        return Entered(self.singleton, self.known, complete, reason)

    async def walk(self, line: Connection, owners: Sequence[ChecksumAddress], head: int, windows: Windows) -> None:
        """Forward from the singleton's first block, so that everything up to `known` is settled."""
        discover = adapter(self.singleton.protocol).discover
        if discover is None:
            raise TypeError(f"{self.singleton.protocol} has singletons but no discover")
        query = discover(self.singleton, owners)
        try:
            async for upto, rows in logs(line.w3, query, self.known + 1, head, windows=windows):
                self.found.update({market.id: market for _, market in rows})
                self.known = upto
        except WatcherError as error:
            self.error = error
