"""Whose bands apply: a wallet's, a market's, an e-mode's, or the set that fits what the position is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from watcher.errors import ConfigError
from watcher.health.bands import Bands


@dataclass(frozen=True, slots=True)
class Rule:
    """`bands` for every position that agrees with all that is named here. An e-mode's number means something in its market only."""

    bands: Bands
    wallet: ChecksumAddress | None = None
    market: str | None = None
    mode: int | None = None

    def __post_init__(self) -> None:
        if self.mode is not None and self.market is None:
            raise ConfigError("bands: an e-mode is a number within one market: name the market too")
        if self.wallet is None and self.market is None:
            raise ConfigError("bands: name a wallet or a market")

    def about(self, wallet: ChecksumAddress, market: str, mode: int) -> bool:
        named = (self.wallet, wallet), (self.market, market), (self.mode, mode)
        return all(wanted is None or wanted == real for wanted, real in named)

    @property
    def weight(self) -> tuple[bool, bool, bool]:
        """The more telling first: a wallet's own word counts before an e-mode's, and that before its market's."""
        return self.wallet is not None, self.mode is not None, self.market is not None


def bands_for(rules: Iterable[Rule], wallet: ChecksumAddress, market: str, mode: int, otherwise: Bands) -> Bands:
    """The bands of the weightiest rule about the position, the earlier of equals; else `otherwise`. `mode` is 0 for none."""
    about = [rule for rule in rules if rule.about(wallet, market, mode)]
    if about:
        return max(about, key=lambda rule: rule.weight).bands
    return otherwise
