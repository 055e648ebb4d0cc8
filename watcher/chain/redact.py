"""Text that an endpoint chose, made fit to be shown: without its URL's secrets, without control characters, bounded."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

LONGEST = 200  # characters of foreign text in one of our lines
SHORTEST_SECRET = 6  # shorter path segments ("v1", "rpc", "eth") are words, not keys
ADDRESS = re.compile(r"\b(?:https?|wss?)://\S+", re.IGNORECASE)
UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def secrets_of(url: str) -> tuple[str, ...]:
    """What must never be shown of a URL: userinfo, query, fragment and every path segment long enough to be a key."""
    parts = urlsplit(url)
    words = [parts.username or "", parts.password or "", parts.query, parts.fragment]
    words += [value for pair in parts.query.split("&") for value in pair.split("=", 1)[1:]]
    words += [segment for segment in parts.path.split("/") if len(segment) >= SHORTEST_SECRET]
    found = {form for word in words for form in (word, unquote(word)) if form}
    return tuple(sorted(found, key=len, reverse=True))


def shown(text: str, secrets: tuple[str, ...] = ()) -> str:
    """One printable ASCII line of at most 200 characters, URLs and secrets cut out."""
    for secret in secrets:
        text = text.replace(secret, "…")
    text = ADDRESS.sub("(address)", text)
    line = UNPRINTABLE.sub(" ", text).strip()
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
