"""What a database or the system says when it refuses, as one line of ours that ends with what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from watcher.errors import StoreError


@contextmanager
def said(name: str) -> Iterator[None]:
    """What the database or the system says, as one line of ours."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(f"{name}: {_advice(str(cause).splitlines()[0])}") from error
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{name}: {_advice(getattr(error, 'strerror', None) or str(error))}") from error


_ADVICE: Final = {
    "malformed": "restore it from a backup (watcher db backup makes them)",
    "not a database": "restore it from a backup, or use another --db",
    "is full": "free some space; nothing of this was written",
    "No space left": "free some space; nothing of this was written",
    "disk I/O error": "see whether the disk is full or failing; nothing of this was written",
    "locked": "another program is writing to it; close that one and try again",
    "readonly": "it may not be written to; use another --db",
    "Permission denied": "it may not be written to; use another --db",
    "Read-only": "it may not be written to; use another --db",
    "unable to open": "check that its folder is there and may be written to",
}


def _advice(text: str) -> str:
    return next((f"{text}: {advice}" for mark, advice in _ADVICE.items() if mark in text), text)
