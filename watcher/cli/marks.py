"""Blocks that were read as marks of a progress line: nobody waits for a million steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watcher.cli.progress import Steps

MARKS: Final = 20


@dataclass(slots=True)
class Marks:
    """Turns blocks into the marks of a progress line of `MARKS`."""

    step: Steps
    first: int
    last: int
    done: int = 0

    def reached(self, block: int) -> None:
        wanted = MARKS * (block - self.first + 1) // (self.last - self.first + 1)
        for _ in range(wanted - self.done):
            self.step(str(block))
        self.done = wanted
