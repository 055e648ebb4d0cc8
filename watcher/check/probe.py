"""What is found out about one endpoint: numbers, and the errors that stood in the way. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from watcher.errors import EndpointError, WatcherError

DEPTHS: Final = (128, 10_000)  # blocks below the head: what a full node keeps, and what only an archive has
BATCHES: Final = (10, 100)  # requests in one HTTP request


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block as an endpoint told it when our clock said `seen` (Unix seconds). `latency` is in milliseconds."""

    number: int
    timestamp: int
    seen: int
    latency: int


@dataclass(frozen=True, slots=True)
class LogRange:
    """The most blocks that were served at once, the fewest that were refused, and in which words."""

    served: int
    refused: int | None
    reason: str
    everything: bool  # the chain has no more blocks


@dataclass(slots=True)
class Probe:
    """What is known about one endpoint. None: it was not asked, because the time was up or something before it failed.

    `states` says for block numbers whether their state is served: None, or the error. `batches` likewise for sizes.
    """

    endpoint: str
    identity: int | EndpointError | None = None
    head: Head | EndpointError | None = None
    states: dict[int, EndpointError | None] = field(default_factory=dict)
    code: bytes | EndpointError | None = None  # at the address of Multicall3
    clock: int | WatcherError | None = None  # the timestamp that Multicall3 answers at the head
    logs: LogRange | EndpointError | None = None
    batches: dict[int, EndpointError | None] = field(default_factory=dict)
    shared: tuple[int, str] | EndpointError | None = None  # number and hash of a block that all endpoints have reached
