"""One writer per store file: a lock that the system takes away from a process that ends, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Final

from watcher.errors import StoreError

if sys.platform == "win32":
    import msvcrt

    _FAR: Final = 2**30  # locked bytes cannot be read there, and the first ones say who holds the lock

    def _take(file: IO[str]) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """Held from the moment it is made until `release`, or the end of the process. `StoreError` names the process that holds it."""

    def __init__(self, store: Path) -> None:
        path = store.with_name(store.name + ".lock")
        self._file = path.open("a+", encoding="ascii", errors="replace")
        try:
            _take(self._file)
        except OSError:
            self._file.seek(0)
            holder = self._file.readline(20).strip()
            self._file.close()
            raise StoreError(
                f"{store} is being written by another watcher (process {holder or 'unknown'}): stop it, or use another --db"
            ) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        self._file.close()
