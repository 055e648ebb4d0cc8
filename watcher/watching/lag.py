"""Whether the run's loop stands still: work that never yields keeps every chain, endpoint, channel and signal waiting."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

log = logging.getLogger(__name__)

LOOK: Final = 0.5  # seconds between two looks
LATE: Final = 1.0  # seconds beyond that before it is said


class Lag:
    """`worst` is the longest standstill of this run, in seconds of the steady clock."""

    def __init__(self, steady: Callable[[], float] = time.monotonic, look: float = LOOK, late: float = LATE) -> None:
        self.worst = 0.0
        self._steady, self._look, self._late = steady, look, late

    async def measure(self) -> None:
        """Looks again and again, until it is cancelled; a standstill that matters is a line of the log."""
        while True:
            due = self._steady() + self._look
            await asyncio.sleep(self._look)
            behind = self._steady() - due
            self.worst = max(self.worst, behind)
            if behind > self._late:
                log.warning(
                    "nothing ran for %.1f s: the machine is overloaded or was suspended, or something does not yield",
                    behind,
                )


@asynccontextmanager
async def measured() -> AsyncIterator[Lag]:
    """A `Lag` that is measured while the block runs."""
    lag = Lag()
    measuring = asyncio.create_task(lag.measure())
    try:
        yield lag
    finally:
        measuring.cancel()
        await asyncio.wait((measuring,))
