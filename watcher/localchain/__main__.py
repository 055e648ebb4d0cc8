"""``python -m watcher.localchain [--all]``: prepare the local chain, with progress on stderr. Exit code 3 when something is missing.

``--all`` takes the large packages too.
"""

from __future__ import annotations

import sys

from watcher.errors import WatcherError
from watcher.localchain.prepare import prepare


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        prepare(say, all="--all" in sys.argv[1:])
    except WatcherError as error:
        say(f"error: {error}")
        sys.exit(3)
