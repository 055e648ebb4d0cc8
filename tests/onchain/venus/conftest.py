"""A node of its own with a Venus core pool deployed once; each test starts from the same block and leaves no trace.

Its package is large: only `scripts/test --all` takes it and runs these tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.onchain.venus.truth import prepared
from watcher.config import Chain, Endpoint, Note
from watcher.errors import WatcherError
from watcher.localchain.anvil import Anvil
from watcher.localchain.multicall import MULTICALL3, place_multicall
from watcher.localchain.venus import deploy_venus
from watcher.localchain.venus_pool import NAME, VenusPool

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.large)


async def _deployed(chain: Anvil) -> VenusPool:
    await chain.start()
    await place_multicall(chain)
    return await prepared(await deploy_venus(chain))


@pytest.fixture(scope="session")
def deployed() -> Iterator[VenusPool]:
    chain = Anvil()
    try:
        yield asyncio.run(_deployed(chain))
    except WatcherError as error:
        pytest.exit(f"the local chain cannot be used: {error}", returncode=1)
    finally:
        asyncio.run(chain.stop())


@pytest.fixture
def pool(deployed: VenusPool) -> Iterator[VenusPool]:
    """The node at the first block after deployment, whatever other tests did."""
    snapshot = asyncio.run(deployed.chain.snapshot())
    yield deployed
    asyncio.run(deployed.chain.revert(snapshot))


def configured(pool: VenusPool) -> Chain:
    """What a chains file would say about it."""
    return Chain(
        name="local",
        id=pool.chain.chain_id,
        endpoints=(Endpoint("node", pool.chain.url),),
        block_time=Decimal(1),
        finality=1,
        stale_head=30 * 86_400,
        multicall3=MULTICALL3,
        groups=(),
        markets=(pool.market(),),
        singletons=(),
        notes=(Note(NAME, "Venus", ""),),
    )
