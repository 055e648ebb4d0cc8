"""Where a chain is asked: a name that may be shown and a URL that may not. Imports nothing that costs start-up time."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` may hold a key in its path, query or userinfo, so it never appears in a repr; `name` stands for it everywhere."""

    name: str
    url: str = field(repr=False)

    def __str__(self) -> str:
        return self.name
