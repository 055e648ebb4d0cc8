"""What risk figures are told: how fast the owner reacts, what tokens follow, and how paths are drawn. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

HOUR: Final = 3_600
DAY: Final = 86_400
MODELS: Final = ("fhs", "t", "gbm")  # the names of risk.scenario.Model, which is not loaded for a file or a --help


@dataclass(frozen=True, slots=True)
class Assumed:
    """What one token is said to follow: `factor` is a pair of prices ("ETH/USD"), None for none; `beta` is how much of its log return.

    `residual` is a standard deviation per √year of the token's own, for young tokens that a proxy stands for. `peg` is "stable",
    "staked" or None: what may break. `feed` is what the oracle's price of it follows: "market", "rate" or "fixed"; None: as is found.
    """

    chain: int
    token: ChecksumAddress
    factor: str | None
    beta: float = 1.0
    residual: float = 0.0
    peg: str | None = None
    feed: str | None = None


@dataclass(frozen=True, slots=True)
class Risk:
    """`reaction` is how many seconds the owner needs to act, None where nobody says. `deviation` is by how much a pushed price may lag
    before its feed answers anew, a fraction. `model` is fhs, t or gbm. `window` and `every` are seconds: how much of the past is used,
    and how often `watcher run` appraises its wallets.
    """

    reaction: int | None = None
    scenarios: int = 10_000
    seed: int = 1
    window: int = 90 * DAY
    deviation: float = 0.005
    model: str = "fhs"
    every: int = HOUR
    tokens: tuple[Assumed, ...] = ()
