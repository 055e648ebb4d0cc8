"""Where the files that are not code live: `chains.toml` and `abis/`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def root() -> Path:
    """The folder that holds `chains.toml` and `abis/`: `watcher/data` in a wheel, else the repository's root."""
    packaged = Path(str(files("watcher"))) / "data"
    return packaged if packaged.is_dir() else Path(__file__).parents[1]
