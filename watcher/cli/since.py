"""Times and spans as the verbs about the past take them."""

from __future__ import annotations

import re
from datetime import datetime

from watcher.cli.options import UNITS, At, AtAge, AtTime
from watcher.errors import UsageError


def since_of(at: At, now: datetime) -> int:
    """Unix seconds of `--since`: a date or an age."""
    match at:
        case AtTime(time):
            return int(time.timestamp())
        case AtAge(age):
            return int((now - age).timestamp())
        case _:
            raise UsageError("--since takes a date (2026-11-22) or an age (7d): every chain counts its own blocks")


def span(text: str) -> int:
    """Seconds of `--every`: 1h, 15m; 0 for every reading there is."""
    found = re.fullmatch(r"([0-9]{1,7})([smhdw])", text.strip())
    if found is None and text.strip() != "0":
        raise UsageError(f"--every {text}: write it as 1h, 15m or 1d, or 0 for every reading")
    return 0 if found is None else int(found[1]) * UNITS[found[2]]
