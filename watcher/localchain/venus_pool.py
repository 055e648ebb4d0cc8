"""A local Venus core pool as a test sees it: contracts by name, and what was planned of each market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import Contract
from watcher.model import Market

NAME = "local/venus/core"


@dataclass(frozen=True, slots=True)
class Plan:
    """A market before it exists: `price` in cents per whole token, factors in per cent, rates in per cent a year."""

    symbol: str
    decimals: int
    price: int
    factor: int
    threshold: int
    incentive: int
    kinks: bool = False  # the rate model with two kinks, else one
    share: int = 10  # of interest that goes to the reserves, per cent
    payout: int = 10**9  # blocks between payments of the reserves


@dataclass(frozen=True, slots=True)
class VenusMarket:
    """`token` is None for the chain's own coin."""

    symbol: str
    decimals: int
    v: Contract
    token: Contract | None
    plan: Plan

    def scaled(self, cents: int) -> int:
        """A price as the oracle answers it."""
        return cents * int(10 ** (34 - self.decimals))


@dataclass(frozen=True, slots=True)
class VenusPool:
    """`start` is the first block of the deployment. `comptroller` has the functions of all facets."""

    chain: Anvil
    comptroller: Contract
    oracle: Contract
    bounded: Contract
    controller: Contract
    vai: Contract
    markets: Mapping[str, VenusMarket]
    start: int

    def market(self) -> Market:
        """As the configuration names it."""
        return Market(self.chain.chain_id, "venus", NAME, self.comptroller.address, start=self.start)
