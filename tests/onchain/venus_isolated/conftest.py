"""A node of its own with two isolated pools deployed once; each test starts from the same block and leaves no trace.

Its packages are large: only `scripts/test --all` takes them and runs these tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from watcher.errors import WatcherError
from watcher.localchain.anvil import Anvil
from watcher.localchain.multicall import place_multicall
from watcher.localchain.venus_isolated import VenusIsolated, deploy_venus_isolated

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.large)


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
