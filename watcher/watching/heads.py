"""From announced heads to turns: each is worth a look at once, no more often than the chain needs, and decides nothing about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from watcher.chain.heads import Head
from watcher.watching.turn import Turn


class Announced:
    """`due` is called when a head is heard: at once, or where the last call was less than `least` seconds ago, once that is over.

    An endpoint announces a block before others have it: a turn that has not found it is worth one more look, and only one. A number
    that never comes costs no more than that.
    """

    def __init__(self, due: Callable[[], object], least: float) -> None:
        self._due, self._least = due, least
        self._last = -least
        self._timer: asyncio.TimerHandle | None = None
        self._wanted: Head | None = None  # announced, and not yet found
        self._looks = 0  # that are left for it

    def heard(self, head: Head) -> None:
        self._wanted, self._looks = head, 1
        self._look()

    def turned(self, turn: Turn) -> None:
        """What a turn of this chain came to, for whatever reason it was made."""
        wanted, found = self._wanted, turn.block
        if wanted is None:
            return
        if found is not None and (found.number > wanted.number or found.hash == wanted.hash):
            self._wanted = None
            self.close()
        elif self._looks:
            self._looks -= 1
            self._look()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        wait = self._last + self._least - loop.time()
        if wait <= 0:
            self._now()
        else:
            self._timer = loop.call_later(wait, self._now)

    def _now(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        self._due()
