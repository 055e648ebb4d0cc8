"""What the process says to a script when it ends. One table: every verb and `main` use it."""

from __future__ import annotations

from enum import IntEnum

from watcher.errors import ConfigError, StoreError, UsageError, WatcherError


class Exit(IntEnum):
    """Exit codes. Where both apply, AT_RISK outranks SOURCE."""

    OK = 0
    BUG = 1  # an exception nobody planned: Python's own code, with its traceback
    USAGE = 2
    CONFIG = 3
    SOURCE = 4  # a source was unavailable, or the answer is partial
    STORAGE = 5
    AT_RISK = 10  # a position under --fail-below
    INTERRUPTED = 130


def code_of(error: WatcherError) -> Exit:
    """The exit code of an error raised on purpose: what is not about the command, its files or the store is about a source."""
    if isinstance(error, UsageError):
        return Exit.USAGE
    if isinstance(error, ConfigError):
        return Exit.CONFIG
    if isinstance(error, StoreError):
        return Exit.STORAGE
    return Exit.SOURCE
