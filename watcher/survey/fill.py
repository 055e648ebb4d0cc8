"""What many accounts hold, read in waves: each at a recent block of its own, since most endpoints keep about 128 blocks of state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from watcher.adapter import Adapter
from watcher.connection import Connection
from watcher.errors import BlockChanged, EndpointError, RateLimited, WatcherError
from watcher.model import BlockRef, Market, PositionKey
from watcher.query import Query, together

WAVE: Final = 2_000  # accounts read at one block
SMALLEST: Final = 50
REPEATS: Final = 6  # waves in a row that came to nothing


@dataclass(slots=True)
class Standing:
    """The facts as they come in: terms, and what every account held at the block where it was read last."""

    of: Adapter[Any, Any, Any]
    market: Market
    terms: Any
    held: dict[PositionKey, tuple[Any, BlockRef]] = field(default_factory=dict)
    wave: int = WAVE

    async def fill(
        self, line: Connection, keys: Iterable[PositionKey], step: Callable[[int], None] = lambda _: None
    ) -> None:
        """Read these accounts, wave after wave. Raises `ChainError` when one wave after the other fails."""
        left = list(keys)
        failures = 0
        while left:
            part = left[-self.wave :]
            block = await line.block()
            try:
                held = await line.reader.run(self._holdings(part), block)
            except (BlockChanged, EndpointError) as error:
                if isinstance(error, RateLimited):
                    await line.rpc.clock.sleep(error.retry_after)
                elif isinstance(error, EndpointError) and len(part) > SMALLEST:
                    self.wave = len(part) // 2  # the block may have been forgotten before all was read
                    line = line.through(*line.rpc.endpoints)  # its aggregates were not too large
                    continue
                failures += 1
                if failures == REPEATS:
                    raise
                continue
            failures = 0
            del left[-len(part) :]
            self.held.update((key, (holding, block)) for key, holding in held.items())
            step(len(part))

    def _holdings(self, keys: list[PositionKey]) -> Query[dict[PositionKey, Any]]:
        """Beside the proof that the terms are those of the block; under the new ones where they are not."""
        asked: tuple[Query[Any], ...] = (self.of.fresh(self.terms), self.of.holdings(self.terms, keys))
        answers: tuple[Any, ...] = yield from together(asked)
        fresh, held = answers
        if fresh is False:
            self.terms = yield from self.of.terms(self.market)
            return (yield from self.of.holdings(self.terms, keys))
        for answer in answers:
            if isinstance(answer, WatcherError):
                raise answer
        found: dict[PositionKey, Any] = held
        return found
