"""The folder where other projects' packages and compiled contracts are kept. Nothing of it ever enters the repository or the wheel."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import platformdirs

Say: TypeAlias = Callable[[str], None]  # one line of progress for whoever waits


def quiet(line: str) -> None:
    """Progress that nobody wants to see."""


def cache_folder() -> Path:
    """``WATCHER_CACHE`` if set, else the user's cache folder for `lending-watcher`. Created when missing."""
    named = os.environ.get("WATCHER_CACHE")
    folder = Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("lending-watcher"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """An empty folder beside the final one, so that a rename into it is atomic; gone afterwards, whatever happened."""
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
