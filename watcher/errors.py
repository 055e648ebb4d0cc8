"""Everything the watcher raises on purpose, as one tree. A caller catches `WatcherError`; anything else is a bug and stays loud.

WatcherError
    UsageError                      a command was asked something it cannot do (exit 2)
    ConfigError                     file, key, what was expected, nearest valid name (exit 3)
    ChainError                      the source did not answer well enough (exit 4)
        CallReverted                a required call reverted; carries the call and the revert data
        EndpointError               carries the endpoint's name, never its URL
            RateLimited             parked until `retry_after` seconds have passed
            Transient               worth one try elsewhere: reset, timeout, truncated body, 5xx
            RangeTooWide            a log query was too large; `suggested` blocks if the text named a number
            Refused                 permanent: the endpoint understood and will not answer
            Lying                   wrong chain id, hash, id, type or range: quarantined
        BlockChanged                the pinned block is gone: retry the cycle
        StaleHead                   the node's newest block is too old to be the present
    AnswerError                     the chain answered what the ABI or the adapter cannot accept
        Overflow                    arithmetic that the contract would revert on
    MissingPrice                    the contract would read a price that is not there; carries the token
    StoreError                      the store cannot be read or written, and nothing was changed (exit 5)
    DeliveryError                   a message did not reach a channel; `permanent` when another try will not change that
"""

from __future__ import annotations


class WatcherError(Exception):
    """Raised on purpose. The message is one line and ends with what to do, where anything can be done."""


class UsageError(WatcherError):
    """The command line, or a call of the library, asked for something that does not exist or cannot be combined."""


class ConfigError(WatcherError):
    """A configuration file or environment variable cannot be used as it stands."""


class ChainError(WatcherError):
    """A source of chain data failed."""


class CallReverted(ChainError):
    """A required call reverted. `call` names contract, function and target; `data` is the raw revert data."""

    def __init__(self, call: str, data: bytes = b"") -> None:
        super().__init__(f"{call} reverted" + (f" with 0x{data[:68].hex()}" if data else ""))
        self.call = call
        self.data = data


class EndpointError(ChainError):
    """An endpoint failed. `endpoint` is its name in the configuration: a URL may hold a key and is never shown."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"{endpoint}: {reason}")
        self.endpoint = endpoint
        self.reason = reason


class RateLimited(EndpointError):
    """Too many requests. `retry_after` is in seconds, already capped."""

    def __init__(self, endpoint: str, reason: str, retry_after: float) -> None:
        super().__init__(endpoint, reason)
        self.retry_after = retry_after


class Transient(EndpointError):
    """May succeed elsewhere or later: connection, timeout, truncated or oversized body, server error."""


class RangeTooWide(EndpointError):
    """`eth_getLogs` covered too many blocks or results. `suggested` is a block count the endpoint named, if it did."""

    def __init__(self, endpoint: str, reason: str, suggested: int | None = None) -> None:
        super().__init__(endpoint, reason)
        self.suggested = suggested


class Refused(EndpointError):
    """The endpoint answered with a JSON-RPC error that will not change on another try. `code` and `data` are its own."""

    def __init__(self, endpoint: str, reason: str, code: int, data: object = None) -> None:
        super().__init__(endpoint, reason)
        self.code = code
        self.data = data


class Lying(EndpointError):
    """The endpoint answered something that cannot be true. It is not asked again in this run."""


class BlockChanged(ChainError):
    """The pinned block is no longer canonical: what was read at it is void, the whole read is to be repeated."""


class StaleHead(ChainError):
    """The newest block that an endpoint knows is older than the chain's limit: it cannot stand for the present."""


class AnswerError(WatcherError):
    """The chain answered something that the ABI or the adapter cannot accept. Never turned into zero."""


class Overflow(AnswerError):
    """An unsigned 256-bit operation would overflow: the contract reverts here, so there is no value to report."""


class MissingPrice(WatcherError):
    """The contract would read a price that is zero, negative, reverting or absent. `token` is the asset's address."""

    def __init__(self, token: str, reason: str) -> None:
        super().__init__(f"no usable price for {token}: {reason}")
        self.token = token
        self.reason = reason


class DeliveryError(WatcherError):
    """A message did not reach a channel. `channel` is its name: a URL may hold a key and is never shown."""

    def __init__(self, channel: str, reason: str, *, permanent: bool) -> None:
        super().__init__(f"{channel}: {reason}")
        self.channel = channel
        self.reason = reason
        self.permanent = permanent


class StoreError(WatcherError):
    """The store is missing, locked, damaged, full, or of another version. What was begun has been undone."""
