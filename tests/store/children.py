"""Child processes that may be killed anywhere, or that live under limits of their own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

from watcher.errors import WatcherError

NOBODY = 65_534


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: by which signal (0 for none), and what it said."""

    signal: int
    said: str


_OUT: list[int] = []  # in a child, where it says things


def tell() -> None:
    """In a child: something more is done. Elsewhere nothing happens."""
    for out in _OUT:
        os.write(out, b".")


def fork(deed: Callable[[], object], *, done: int | None = None, later: float = 0) -> Ended:
    """Run `deed` in a copy of this process. It says what `deed` returns, or the error it raised on purpose.

    With `done` it is killed `later` so many seconds after it has told so many times that it did something.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _live(deed, theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as pipe:
        if done is not None:
            while done and pipe.read(1):
                done -= 1
            time.sleep(later)
            os.kill(child, signal.SIGKILL)
        said = b"".join(iter(lambda: pipe.read(4096), b""))
    _, status = os.waitpid(child, 0)
    return Ended(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, said.decode().lstrip("."))


def _live(deed: Callable[[], object], out: int) -> None:
    """Never returns: a child that ran on would run the tests a second time."""
    _OUT.append(out)
    said = "a bug"
    try:
        said = str(deed())
    except WatcherError as error:
        said = f"{type(error).__name__}: {error}"
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
        raise
    finally:
        os.write(out, said.encode())
        os._exit(0)


def dying(at: int, deed: Callable[[], object]) -> Callable[[], object]:
    """`deed` by a process that is killed before or after one of its statements, or before a commit: the `at`-th such moment."""

    def run() -> object:
        count = 0

        def tick(*_: Any) -> None:
            nonlocal count
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(Engine, name, tick)
        return deed()

    return run
