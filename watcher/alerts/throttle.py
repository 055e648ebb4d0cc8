"""How often something may be said that has no place in the outbox. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STORE_FAILING: Final = 900  # seconds between two messages that the store cannot be written


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most once in `every` seconds of a clock that never goes back. `last` is when it was said."""

    every: int = STORE_FAILING
    last: float | None = None

    def open(self, now: float) -> bool:
        return self.last is None or now - self.last >= self.every

    def said(self, now: float) -> Throttle:
        return Throttle(self.every, now)
