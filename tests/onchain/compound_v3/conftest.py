"""A node of its own with three Comets deployed once; each test starts from the same block and leaves no trace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from watcher.errors import WatcherError
from watcher.localchain.anvil import Anvil
from watcher.localchain.comet import CometChain, deploy_comet
from watcher.localchain.multicall import place_multicall


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
