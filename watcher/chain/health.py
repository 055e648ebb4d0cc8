"""Whether an endpoint may be asked now, and how fast: parking, quarantine and a budget of requests per second. No I/O."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from watcher.chain.classify import LONGEST_PARKING
from watcher.chain.clock import Clock
from watcher.errors import EndpointError, Lying, RateLimited

FIRST_PAUSE = 0.25  # seconds after the first failure; doubles with each further one
LONGEST_PAUSE = 60.0
FIRST_RATE_PAUSE = 1.0  # after a 429 without Retry-After
USUAL_RATE = (
    25.0  # requests per second and endpoint; where there was no limit, that of an endpoint that has asked for one
)
SLOWEST = 1.0  # requests per second that a budget never falls below


@dataclass(slots=True)
class Budget:
    """Requests per second, as a bucket that may go into debt: `take` says how long to wait first.

    `rate` None means no limit (a node on this machine) until the endpoint itself sets one with a 429.
    """

    rate: float | None
    clock: Clock
    tokens: float = field(init=False)
    ceiling: float | None = field(init=False)
    seen: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens, self.ceiling, self.seen = self.rate or 0.0, self.rate, self.clock.now()

    def take(self, cost: int) -> float:
        """Seconds to wait before sending `cost` requests. A large batch counts as one second's worth."""
        if self.rate is None:
            return 0.0
        now = self.clock.now()
        self.tokens = min(self.rate, self.tokens + (now - self.seen) * self.rate) - min(cost, self.rate)
        self.seen = now
        return max(0.0, -self.tokens / self.rate)

    def slower(self) -> None:
        """After a 429: half the rate, or the usual one where there was no limit."""
        self.rate = USUAL_RATE if self.rate is None else max(SLOWEST, self.rate / 2)

    def faster(self) -> None:
        """After an answer: a little of the lost rate back, never above what was configured."""
        if self.rate is not None:
            higher = self.rate * 1.02
            self.rate = higher if self.ceiling is None else min(self.ceiling, higher)


@dataclass(slots=True)
class Health:
    """`until` is the clock's time before which the endpoint is left alone; `error` says why. A lie is for the whole run."""

    clock: Clock
    until: float = 0.0
    error: EndpointError | None = None
    failures: int = 0
    failed_at: float = 0.0

    @property
    def quarantined(self) -> bool:
        return isinstance(self.error, Lying)

    @property
    def free(self) -> bool:
        return not self.quarantined and self.clock.now() >= self.until

    def well(self) -> None:
        """After an answer. One that was under way when the endpoint was parked does not call it back early."""
        if self.free:
            self.failures, self.error = 0, None

    def failed(self, error: EndpointError, started: float) -> bool:
        """Park after `error` of a request sent at `started`; False when it is old news.

        Requests that were under way together fail together: that is one failure, though the longest Retry-After counts.
        """
        if self.quarantined:
            return False
        if isinstance(error, Lying):
            self.error = error
            return True
        new = self.failures == 0 or started >= self.failed_at
        if new:
            self.failures += 1
            self.failed_at = self.clock.now()
        elif not isinstance(error, RateLimited):
            return False
        self.error = error
        self.until = max(self.until, self.clock.now() + self._pause(error))
        return new

    def _pause(self, error: EndpointError) -> float:
        doubled = 2.0 ** min(self.failures - 1, 12)
        if isinstance(error, RateLimited):
            return error.retry_after or min(FIRST_RATE_PAUSE * doubled, LONGEST_PARKING)
        jitter = 1.0 + random.random() / 4  # so that many watchers do not come back together
        return min(FIRST_PAUSE * doubled, LONGEST_PAUSE) * jitter
