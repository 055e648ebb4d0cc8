"""The protocol families that have rows of their own in a chains file: how a family is called there and which address a row gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """`word` stands in the names of its markets (ethereum/aave-v3/core); `key` is what the protocol calls the contract."""

    word: str
    key: str


# By adapter. Each has rows [[chains.NAME.<adapter>]]; what a row holds is one market, whose reserves are read from the chain.
FAMILIES: Final[Mapping[str, Family]] = {
    "aave_v3": Family("aave-v3", "pool"),
    "aave_v2": Family("aave-v2", "pool"),
    "compound_v3": Family("compound-v3", "comet"),
    "compound_v2": Family("compound-v2", "comptroller"),
    "venus": Family("venus", "comptroller"),
    "venus_isolated": Family("venus-isolated", "comptroller"),
}
# Contracts that list their markets by a call, by adapter: one table [chains.NAME.<adapter>_registry].
REGISTRIES: Final = ("venus_isolated",)
