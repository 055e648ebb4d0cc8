"""Text that an endpoint chose, made fit to be shown: without its URL's secrets, without control characters, bounded."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import quote, unquote, urlsplit

LONGEST = 200  # characters of foreign text in one of our lines
SHORTEST_SECRET = 6  # shorter parts ("v1", "rpc", "key") are words, not keys
ADDRESS = re.compile(r"\b(?:https?|wss?)://\S+", re.IGNORECASE)
UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def secrets_of(url: str) -> tuple[str, ...]:
    """What must never be shown of a URL: userinfo, and every part of path, query and fragment long enough to be a key."""
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    words = [user, password, b64encode(f"{user}:{password}".encode()).decode() if user or password else ""]
    inner = [parts.fragment, *parts.path.split("/"), *re.split("[&=]", parts.query)]
    words += [word for word in inner if len(word) >= SHORTEST_SECRET]
    found = {form for word in words for form in (word, unquote(word), quote(word, safe="")) if form}
    return tuple(sorted(found, key=len, reverse=True))


def shown(text: str, secrets: tuple[str, ...] = ()) -> str:
    """One printable ASCII line of at most 200 characters, URLs and secrets cut out."""
    for secret in secrets:
        text = text.replace(secret, "…")
    text = ADDRESS.sub("(address)", text)
    line = UNPRINTABLE.sub(" ", text).strip()
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
