"""Finds the line of a key in TOML text, for messages. Where it cannot tell, it names the line of the table around the key."""

from __future__ import annotations

import re
from collections import Counter

HEADER = re.compile(r"^\s*(\[{1,2})\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]{1,2}\s*(#.*)?$")


def line_of(text: str, path: tuple[str | int, ...]) -> int | None:
    """The line (from 1) where `path` is written, or the nearest table or key that holds it; None when nothing of it is found."""
    best: tuple[int, int] | None = None  # depth reached, line
    current: tuple[str | int, ...] = ()
    counts: Counter[tuple[str | int, ...]] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        header = HEADER.match(line)
        if header:
            current = opened(header, counts)
            reached = current
        else:
            key = re.match(r"\s*[\"']?([A-Za-z0-9_\-]+)[\"']?\s*=", line)
            if key is None:
                continue
            reached = (*current, key.group(1))
        depth = min(len(path), len(reached))  # a header may also open something inside of what is looked for
        if path[:depth] == reached[:depth] and (best is None or depth > best[0]):
            best = (depth, number)
    return best[1] if best else None


def opened(header: re.Match[str], counts: Counter[tuple[str | int, ...]]) -> tuple[str | int, ...]:
    """The path a header opens; a double bracket opens the next element of its list, and sub-tables belong to the newest one."""
    path: tuple[str | int, ...] = ()
    parts = [part.strip().strip("\"'") for part in header.group(2).split(".")]
    for position, part in enumerate(parts):
        path = (*path, part)
        last = position == len(parts) - 1
        if last and header.group(1) == "[[":
            counts[path] += 1
        if counts[path]:
            path = (*path, counts[path] - 1)
    return path
