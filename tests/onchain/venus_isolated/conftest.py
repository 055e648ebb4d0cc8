"""A node of its own with two isolated pools deployed once; each test starts from the same block and leaves no trace.

Its packages are large: only `scripts/test --all` takes them and runs these tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from watcher.config import Chain, Endpoint
from watcher.errors import WatcherError
from watcher.localchain.anvil import Anvil
from watcher.localchain.multicall import MULTICALL3, place_multicall
from watcher.localchain.venus_isolated import VenusIsolated, deploy_venus_isolated

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.large)


def configured(world: VenusIsolated) -> Chain:
    """What a chains file would say: the pools by name, and the registry that lists them."""
    return Chain(
        name="local",
        id=world.chain.chain_id,
        endpoints=(Endpoint("node", world.chain.url),),
        block_time=Decimal(1),
        finality=1,
        stale_head=30 * 86_400,
        multicall3=MULTICALL3,
        markets=tuple(world.market(slug) for slug in world.pools),
    )


async def _deployed(chain: Anvil) -> VenusIsolated:
    await chain.start()
    await place_multicall(chain)
    return await deploy_venus_isolated(chain)


@pytest.fixture(scope="session")
def deployed() -> Iterator[VenusIsolated]:
    chain = Anvil(any_size=True)  # the package's comptroller was compiled for tests: 25 kB of code
    try:
        yield asyncio.run(_deployed(chain))
    except WatcherError as error:
        pytest.exit(f"the local chain cannot be used: {error}", returncode=1)
    finally:
        asyncio.run(chain.stop())


@pytest.fixture
def world(deployed: VenusIsolated) -> Iterator[VenusIsolated]:
    """The node at the first block after deployment, whatever other tests did."""
    snapshot = asyncio.run(deployed.chain.snapshot())
    yield deployed
    asyncio.run(deployed.chain.revert(snapshot))
