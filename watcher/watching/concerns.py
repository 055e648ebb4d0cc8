"""What is wrong for longer than one look: said when it begins and when it is over, and not in between. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Subject:
    """`what` is wrong about `about`; the words for it may change while it lasts."""

    about: str
    what: str


@dataclass(frozen=True, slots=True)
class Changed:
    """The concerns after a look, and what is to be said of it: in the words of now, and in the last ones of what is over."""

    concerns: Concerns
    began: Mapping[Subject, str]
    over: Mapping[Subject, str]


@dataclass(frozen=True, slots=True)
class Concerns:
    """All that is wrong as far as is known."""

    open: Mapping[Subject, str] = field(default_factory=dict)

    def after(self, seen: Collection[str], found: Mapping[Subject, str]) -> Changed:
        """`seen` is all that could be looked at, `found` what is wrong with it. What was not seen stays as it was: it is not over."""
        began = {subject: text for subject, text in found.items() if subject not in self.open}
        over = {one: text for one, text in self.open.items() if one not in found and one.about in seen}
        kept = {one: text for one, text in self.open.items() if one not in over}
        return Changed(Concerns({**kept, **found}), began, over)
