"""One figure that is not the contracts', with both of them."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.model import PositionKey


@dataclass(frozen=True, slots=True)
class Difference:
    """`market` alone is given where it is the market's own total."""

    block: int
    market: str
    key: PositionKey | None
    field: str
    ours: object
    theirs: object

    def __str__(self) -> str:
        whose = f" of 0x{self.key.key.hex()}" if self.key else ""
        return f"block {self.block}, {self.market}: {self.field}{whose} is {self.theirs}, and we say {self.ours}"
