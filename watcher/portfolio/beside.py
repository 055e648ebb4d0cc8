"""What is read of a chain beside its markets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from eth_typing import ChecksumAddress

from watcher.oracle.dollar import Rates
from watcher.oracle.sight import Sight
from watcher.portfolio.holders import Holders
from watcher.portfolio.vaults import Deposit, Share
from watcher.units import Raw


@dataclass(frozen=True, slots=True)
class Beside:
    """Who holds, what US dollars are, what vault shares convert to.

    `shares` are by token and raw amount. `sight` is what stands behind the prices of what is held, None where that was not read.
    `lost` says, a line each, what could not be read and may hold something.
    """

    holders: Holders = field(default_factory=lambda: Holders(()))
    rates: Rates = field(default_factory=Rates)
    shares: Mapping[tuple[ChecksumAddress, Raw], Share] = field(default_factory=dict)
    deposits: tuple[Deposit, ...] = ()
    lost: tuple[str, ...] = ()
    sight: Sight | None = None
