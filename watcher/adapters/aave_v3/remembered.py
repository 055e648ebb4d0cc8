"""What was made of facts, kept with them: frozen facts never change, and to compare them would cost more than to make it anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 32  # of the objects asked about; the oldest goes first


class Remembered(Generic[K, V]):
    """`make`, asked once for the same object (not for an equal one). It must be pure."""

    __slots__ = ("_made", "_make", "_most")

    def __init__(self, make: Callable[[K], V], most: int = MOST) -> None:
        self._make = make
        self._most = most
        self._made: dict[int, tuple[K, V]] = {}

    def __call__(self, of: K) -> V:
        found = self._made.get(id(of))
        if found is not None and found[0] is of:  # the key is kept, so that nobody else gets its id
            return found[1]
        made = self._make(of)
        if len(self._made) >= self._most:
            self._made.pop(next(iter(self._made)), None)
        self._made[id(of)] = (of, made)
        return made
