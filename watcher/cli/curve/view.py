"""One curve as it is shown."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.config import Chain
from watcher.model import BlockRef, Market
from watcher.scan.curve import Curve


@dataclass(frozen=True, slots=True)
class View:
    """`falls` says in words which prices fall. `covered`: nobody who owes is missing."""

    chain: Chain
    market: Market
    block: BlockRef
    falls: str
    curve: Curve
    covered: bool
