"""A node of its own with two comptrollers deployed once, one of each library; each test starts from the same block and leaves no trace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest

from watcher.config import Chain, Endpoint
from watcher.errors import WatcherError
from watcher.localchain.anvil import Anvil
from watcher.localchain.compound_v2 import HALF_UP, TRUNCATING, CompoundV2, deploy_compound_v2
from watcher.localchain.multicall import MULTICALL3, place_multicall

BRAINS = {"truncating": TRUNCATING, "half up": HALF_UP}


def configured(world: CompoundV2) -> Chain:
    """What a chains file would say about it."""
    return Chain(
        name="local",
        id=world.chain.chain_id,
        endpoints=(Endpoint("node", world.chain.url),),
        block_time=Decimal(12),
        finality=1,
        stale_head=10**9,
        multicall3=MULTICALL3,
        markets=(world.market(),),
    )


async def _deployed(chain: Anvil) -> dict[str, CompoundV2]:
    await chain.start()
    await place_multicall(chain)
    return {
        library: await deploy_compound_v2(chain, brains, f"local/compound-v2/{brains.lower()}")
        for library, brains in BRAINS.items()
    }


@pytest.fixture(scope="session")
def deployed() -> Iterator[dict[str, CompoundV2]]:
    chain = Anvil()
    try:
        yield asyncio.run(_deployed(chain))
    except WatcherError as error:
        pytest.exit(f"the local chain cannot be used: {error}", returncode=1)
    finally:
        asyncio.run(chain.stop())


@pytest.fixture
def worlds(deployed: dict[str, CompoundV2]) -> Iterator[dict[str, CompoundV2]]:
    """The node at the first block after deployment, whatever other tests did."""
    chain = deployed["truncating"].chain
    snapshot = asyncio.run(chain.snapshot())
    yield deployed
    asyncio.run(chain.revert(snapshot))


@pytest.fixture(params=list(BRAINS))
def world(request: pytest.FixtureRequest, worlds: dict[str, CompoundV2]) -> CompoundV2:
    """The test runs on both."""
    return worlds[request.param]


@pytest.fixture
def newest(worlds: dict[str, CompoundV2]) -> CompoundV2:
    """The comptroller of today."""
    return worlds["truncating"]
