"""Aave V2's three facts: those of V3, of the generation before it, with what only V2 has beside them.

A quote and a holding are V3's own types: no e-mode, no sentinel, no treasury shares to come, no deficit.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from watcher.adapters.aave_v3 import facts
from watcher.adapters.aave_v3.facts import Balance, Holding, Quote, Reserve, State

__all__ = ["Balance", "Holding", "Quote", "Reserve", "State", "Terms"]


@dataclass(frozen=True, slots=True)
class Terms(facts.Terms):
    """The rules of one pool. A pool that is paused pauses every reserve.

    `manager` is the contract whose code liquidates. `fallback` is asked for what has no source, or whose source answers nothing above 0.
    `rebasing` are the listed tokens whose aToken's scaled balances follow a rebase of theirs without any log of its own (stETH).
    `fee_to` is who a fork pays a share of every liquidation to (Radiant), None in Aave's own code.
    """

    paused: bool
    fallback: ChecksumAddress
    manager: ChecksumAddress
    fee_to: ChecksumAddress | None
    rebasing: tuple[ChecksumAddress, ...]
