"""A deployed Aave market as a frozen value: where everything is, with the contracts' own ABIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from watcher.localchain.aave_assets import USD, Asset
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import Abi, Contract
from watcher.model import Market


@dataclass(frozen=True, slots=True)
class Reserve:
    """One listed asset. `stable_debt` is None from V3.2 on."""

    asset: Asset
    id: int
    token: Contract
    receipt: Contract  # the aToken
    debt: Contract  # variable debt
    stable_debt: Contract | None
    feed: Contract

    @property
    def symbol(self) -> str:
        return self.asset.symbol

    @property
    def decimals(self) -> int:
        return self.asset.decimals


@dataclass(frozen=True, slots=True)
class AaveMarket:
    """`version` is "2.0", "3.0" or "3.6"; `revision` is the pool's own; `errors` holds its custom errors, empty before V3.6.

    `mode_feed` is the price source of the e-mode that has one (V3.0). `start` is the first block of the deployment. `dollar` is one USD in
    the unit of prices, `base` the token whose price is one by definition, whatever its feed says (V2).
    """

    name: str
    version: str
    revision: int
    chain: Anvil
    pool: Contract
    provider: Contract  # PoolAddressesProvider
    configurator: Contract
    oracle: Contract
    data_provider: Contract
    reserves: Mapping[str, Reserve]
    errors: Abi
    mode_feed: Contract | None
    treasury: ChecksumAddress
    start: int
    protocol: str = "aave_v3"
    dollar: int = USD
    base: ChecksumAddress | None = None

    def market(self) -> Market:
        """As the configuration names it."""
        return Market(self.chain.chain_id, self.protocol, self.name, self.pool.address, start=self.start)

    @property
    def supplying(self) -> str:
        """The pool's function that takes a deposit."""
        return "deposit" if self.protocol == "aave_v2" else "supply"

    def by_address(self, token: str) -> Reserve:
        """The reserve of an underlying token's address."""
        return next(r for r in self.reserves.values() if r.token.address == token)
