"""A node of its own with three Comets deployed once; each test starts from the same block and leaves no trace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest

from watcher.config import Chain, Endpoint, Note
from watcher.errors import WatcherError
from watcher.localchain.anvil import Anvil
from watcher.localchain.comet import CometChain, deploy_comet
from watcher.localchain.multicall import MULTICALL3, place_multicall


def configured(world: CometChain) -> Chain:
    """What a chains file would say about it."""
    return Chain(
        name="local",
        id=world.chain.chain_id,
        endpoints=(Endpoint("node", world.chain.url),),
        block_time=Decimal(12),
        finality=1,
        stale_head=30 * 86_400,
        multicall3=MULTICALL3,
        groups=(),
        markets=tuple(local.market() for local in world.all()),
        singletons=(),
        notes=tuple(Note(local.name, "Comet", "") for local in world.all()),
    )


async def _deployed(chain: Anvil) -> CometChain:
    await chain.start()
    await place_multicall(chain)
    return await deploy_comet(chain)


@pytest.fixture(scope="session")
def deployed() -> Iterator[CometChain]:
    chain = Anvil()
    try:
        yield asyncio.run(_deployed(chain))
    except WatcherError as error:
        pytest.exit(f"the local chain cannot be used: {error}", returncode=1)
    finally:
        asyncio.run(chain.stop())


@pytest.fixture
def comets(deployed: CometChain) -> Iterator[CometChain]:
    """The node at the first block after deployment, whatever other tests did."""
    snapshot = asyncio.run(deployed.chain.snapshot())
    yield deployed
    asyncio.run(deployed.chain.revert(snapshot))
