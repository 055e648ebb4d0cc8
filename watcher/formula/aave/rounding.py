"""Which way an account's own products go: half up and down until 3.4, always in the protocol's favour from 3.5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias, cast

from watcher.formula.aave.version import Version
from watcher.units import Raw, mul_div_down, mul_div_half_up, mul_div_up

Product: TypeAlias = Callable[[int, int, int], int]  # a · b / d
Amount: TypeAlias = Callable[[int, int, int], Raw]


class Rounding(NamedTuple):
    deposit: Amount  # scaled · index / ray
    debt: Amount  # scaled · index / ray
    deposit_value: Product  # amount · price / unit
    debt_value: Product  # amount · price / unit


_DIRECTED: Final = Version.V3_5  # found once: an enum looks its members up each time
_OLD: Final = Rounding(cast(Amount, mul_div_half_up), cast(Amount, mul_div_half_up), mul_div_down, mul_div_down)
_NEW: Final = Rounding(cast(Amount, mul_div_down), cast(Amount, mul_div_up), mul_div_down, mul_div_up)


def rounding(version: Version) -> Rounding:
    return _NEW if version >= _DIRECTED else _OLD
