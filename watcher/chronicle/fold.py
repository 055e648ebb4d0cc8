"""The changes of a market's parameters, oldest first, each beside what held before it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from eth_typing import ChecksumAddress

from watcher.adapter import Change, Event, Setting
from watcher.oracle.feed import NOBODY

Key: TypeAlias = tuple[ChecksumAddress | None, str, str]
Value: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Entry:
    """One parameter that one log set. `was` is None where there was nothing before; where that is not known, `told` is False."""

    event: Event
    setting: Setting
    was: Value | None
    told: bool


def key(setting: Setting) -> Key:
    """An asset is its address, whatever it is called; anything else its subject."""
    return setting.token, "" if setting.token else setting.subject, setting.name


def folded(
    logs: Iterable[tuple[Event, tuple[Change, ...]]], before: Iterable[Setting], *, whole: bool
) -> Iterator[Entry]:
    """`logs` in the chain's order; `before` is what held at their beginning, and `whole` that nothing else did.

    A log that sets what held already changes nothing and is left out. What a log itself says it replaced goes before what is known.
    """
    held: dict[Key, Value] = {key(setting): setting.value for setting in before}
    for event, changes in logs:
        for change in changes:
            name = key(change.setting)
            was = held.get(name) if change.was is None else change.was
            told = whole or was is not None
            held[name] = change.setting.value
            nothing = told and was is None and change.setting.value == NOBODY
            if was != change.setting.value and not nothing:
                yield Entry(event, change.setting, was, told)
