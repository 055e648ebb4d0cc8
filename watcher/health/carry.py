"""What a position earns and pays in a year: the protocol's own interest only. The yield inside a token's price is not in it."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.model import Side, Unit, Valuation
from watcher.units import BPS, RAY


@dataclass(frozen=True, slots=True)
class Carry:
    """Yearly, at the present rates, simple. `net` is in `unit`, below zero when more is paid than earned.

    `equity` is what is held less what is owed, in `unit`; `on_equity` is net over equity in bps, None where equity is not above zero.
    """

    net: int
    unit: Unit
    equity: int
    on_equity: int | None


def carry(valuation: Valuation) -> Carry:
    """⌊Σ ± value · rate / RAY⌋ over the legs, deposits that do not protect the debt included; everything rounds down, against the owner."""
    signed = [(-1 if leg.side is Side.DEBT else 1, leg) for leg in valuation.legs]
    interest = sum(sign * leg.value * leg.rate for sign, leg in signed)  # unit × ray
    equity = sum(sign * leg.value for sign, leg in signed)
    on_equity = interest * BPS // (equity * RAY) if equity > 0 else None
    return Carry(interest // RAY, valuation.unit, equity, on_equity)
