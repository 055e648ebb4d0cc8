"""``python -m watcher.localchain.prepare``: fetch every package and compile what must be compiled, so that a chain starts at once."""

from __future__ import annotations

import sys

from watcher.errors import WatcherError
from watcher.localchain import aave_v36, anvil, packages
from watcher.localchain.cache import Say


def prepare(say: Say) -> None:
    """Everything that needs the network or a compiler. A second run reads a few stamps. `ConfigError` says what is missing."""
    anvil.binary(say)
    packages.fetch([p for p in packages.locked() if not p.name.startswith("@foundry-rs/")], say)
    aave_v36.build(say)


def say_on_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        prepare(say_on_stderr)
    except WatcherError as error:
        say_on_stderr(f"error: {error}")
        sys.exit(3)
