"""The node with both Aave markets and Morpho Blue on it, and the same as a chain of the configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from watcher.config import Chain, Endpoint, Group, Note
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_v30 import deploy_v30
from watcher.localchain.aave_v36 import deploy_v36
from watcher.localchain.anvil import Anvil
from watcher.localchain.morpho import NAME as MORPHO
from watcher.localchain.morpho import MorphoChain, deploy_morpho
from watcher.localchain.multicall import MULTICALL3, place_multicall
from watcher.localchain.stage.guard import guarded

MARKETS: Final = (
    "WETH/USDC",
    "wstETH/WETH",
    "WBTC/USDC",
    "USDC/WETH",
)  # of Morpho; the idle and the hostile one stay out
STANDS_STILL: Final = 30 * 86_400  # seconds for which a node that makes no blocks by itself may be read


@dataclass(frozen=True, slots=True)
class World:
    chain: Anvil
    v30: AaveMarket
    v36: AaveMarket
    morpho: MorphoChain

    def aave(self, market: str) -> AaveMarket:
        """By the last part of its name: "v30" or "v36"."""
        return {"v30": self.v30, "v36": self.v36}[market]

    def configured(self, endpoints: Sequence[Endpoint]) -> Chain:
        """What a chains file would say about it."""
        eth = [m.reserves[symbol].token.address for m in (self.v30, self.v36) for symbol in ("WETH", "wstETH")]
        eth += [self.morpho.tokens[symbol].address for symbol in ("WETH", "wstETH")]
        pools = (self.v30.market(), self.v36.market())
        blue = {name: self.morpho.market(name) for name in MARKETS}
        notes = [
            Note(m.name, f"Aave V{local.version}", "") for m, local in zip(pools, (self.v30, self.v36), strict=True)
        ]
        notes += [Note(market.name, name, "") for name, market in blue.items()]
        return Chain(
            name=MORPHO.partition("/")[0],
            id=self.chain.chain_id,
            endpoints=tuple(endpoints),
            block_time=Decimal(12),
            finality=64,
            stale_head=STANDS_STILL,
            multicall3=MULTICALL3,
            groups=(Group("eth", tuple(eth)),),
            markets=(*pools, *blue.values()),
            singletons=(self.morpho.singleton(),),
            notes=tuple(notes),
        )


@asynccontextmanager
async def opened(chain: Anvil) -> AsyncIterator[World]:
    """Start the node and deploy everything; the node ends with the context or, whatever happens, with this process."""
    async with chain:
        with guarded(chain.pid):
            await place_multicall(chain)
            yield World(chain, await deploy_v30(chain), await deploy_v36(chain), await deploy_morpho(chain))
