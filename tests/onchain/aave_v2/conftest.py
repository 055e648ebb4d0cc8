"""One node of its own with both markets of Aave V2, priced in ETH and in USD; each test starts from the same block and leaves no trace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from watcher.config import Chain, Endpoint, Group, Note
from watcher.errors import WatcherError
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_v2 import ETH_BASE, USD_BASE, deploy_v2
from watcher.localchain.anvil import Anvil
from watcher.localchain.multicall import MULTICALL3, place_multicall


@dataclass(frozen=True, slots=True)
class Pools:
    chain: Anvil
    eth: AaveMarket
    usd: AaveMarket

    def configured(self) -> Chain:
        """What a chains file would say about it."""
        both = self.eth, self.usd
        return Chain(
            name="local",
            id=self.chain.chain_id,
            endpoints=(Endpoint("node", self.chain.url),),
            block_time=Decimal(12),
            finality=1,
            stale_head=30 * 86_400,
            multicall3=MULTICALL3,
            groups=(Group("eth", tuple(market.reserves["WETH"].token.address for market in both)),),
            markets=tuple(market.market() for market in both),
            singletons=(),
            notes=tuple(Note(market.name, "Aave V2", "") for market in both),
        )


async def _deployed(chain: Anvil) -> Pools:
    await chain.start()
    await place_multicall(chain)
    return Pools(chain, await deploy_v2(chain, ETH_BASE), await deploy_v2(chain, USD_BASE))


@pytest.fixture(scope="session")
def pools() -> Iterator[Pools]:
    chain = Anvil()
    try:
        yield asyncio.run(_deployed(chain))
    except WatcherError as error:
        pytest.exit(f"the local chain cannot be used: {error}", returncode=1)
    finally:
        asyncio.run(chain.stop())


@pytest.fixture
def still(pools: Pools) -> Iterator[Pools]:
    """The node at its first block after deployment, whatever other tests did."""
    snapshot = asyncio.run(pools.chain.snapshot())
    yield pools
    asyncio.run(pools.chain.revert(snapshot))


@pytest.fixture(params=["eth", "usd"])
def v2(request: pytest.FixtureRequest, still: Pools) -> AaveMarket:
    """The test runs on both markets."""
    return still.eth if request.param == "eth" else still.usd


@pytest.fixture
def v2_eth(still: Pools) -> AaveMarket:
    return still.eth
