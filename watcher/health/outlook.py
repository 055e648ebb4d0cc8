"""Everything that is said about one position besides its valuation: carry, the liquidation possible now, and how far the line is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from watcher.adapter import H, Liquidation, Position, Q, Refusal, T, Whole
from watcher.health.carry import Carry, carry
from watcher.health.correlated import Correlated, Group, correlated
from watcher.health.fall import Fall, fall
from watcher.health.largest import earliest, largest, wholly
from watcher.health.liquidation_price import LiquidationPrice, liquidation_prices


@dataclass(frozen=True, slots=True)
class Outlook:
    """`early` is what each contract of the valuation's early lines would take now, the first line first; `whole` are the ways to
    liquidate all of the account in one call."""

    carry: Carry
    largest: Liquidation | Refusal
    prices: tuple[LiquidationPrice, ...]
    fall: Fall  # of all collateral
    groups: tuple[Correlated, ...]
    early: tuple[tuple[ChecksumAddress, Liquidation | Refusal], ...] = ()
    whole: tuple[Whole, ...] = ()


def outlook(position: Position[T, Q, H], groups: Iterable[Group] = ()) -> Outlook:
    """Raises what `Position.value` raises: what has no value has no outlook."""
    return Outlook(
        carry(position.value()),
        largest(position),
        liquidation_prices(position),
        fall(position),
        correlated(position, groups),
        earliest(position),
        wholly(position),
    )
