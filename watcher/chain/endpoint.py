"""Where a chain is asked: a name that may be shown and a URL that may not. Imports nothing that costs start-up time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` may hold a key in its path, query or userinfo, so it never appears in a repr; `name` stands for it everywhere."""

    name: str
    url: str = field(repr=False)

    def __str__(self) -> str:
        return self.name


def distinct(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """The endpoints in order, a URL that is there twice once, and a name that is there twice numbered: two keys at one host."""
    seen: Counter[str] = Counter()
    found: dict[str, Endpoint] = {}
    for endpoint in endpoints:
        if endpoint.url in found:
            continue
        seen[endpoint.name] += 1
        count = seen[endpoint.name]
        found[endpoint.url] = endpoint if count == 1 else Endpoint(f"{endpoint.name} #{count}", endpoint.url)
    return tuple(found.values())
