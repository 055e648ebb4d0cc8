"""What a channel delivers, and whom a message is about. Plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a position belongs to, in words for people: a label or an address. `own` ones come before all others in a digest."""

    name: str
    own: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """`id` tells a message that came twice from two messages: it is in the text too."""

    id: str
    title: str
    body: str

    @property
    def text(self) -> str:
        return f"{self.title}\n{self.body}"
