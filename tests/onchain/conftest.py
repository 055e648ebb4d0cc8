"""One node for the whole session with every market deployed once; each test starts from the same block and leaves no trace.

When anvil or a package is missing the session ends with the reason: these tests are never skipped.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from watcher.errors import WatcherError
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_v30 import deploy_v30
from watcher.localchain.aave_v36 import deploy_v36
from watcher.localchain.anvil import Anvil
from watcher.localchain.morpho import MorphoChain, deploy_morpho
from watcher.localchain.multicall import place_multicall
from watcher.localchain.prepare import prepare

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test below this folder talks to the node."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.onchain)
    # The runs over hundreds of blocks come last: a node that has made thousands forgets its oldest states.
    items.sort(
        key=lambda item: item.path.parent.name.startswith("acceptance") or item.path.name == "test_morpho_run.py"
    )


@dataclass(frozen=True, slots=True)
class Local:
    """The session's node and markets. Tests take `chain`, `v30`, `v36`, `aave` or `morpho` instead, which restore the state."""

    chain: Anvil
    v30: AaveMarket
    v36: AaveMarket
    morpho: MorphoChain


async def _deployed(chain: Anvil) -> Local:
    await chain.start()
    await place_multicall(chain)
    return Local(chain, await deploy_v30(chain), await deploy_v36(chain), await deploy_morpho(chain))


@pytest.fixture(scope="session")
def local() -> Iterator[Local]:
    chain = Anvil()
    try:
        prepare(lambda line: print(line, file=sys.__stderr__, flush=True))  # may take a minute the first time
        yield asyncio.run(_deployed(chain))
    except WatcherError as error:
        pytest.exit(f"the local chain cannot be used: {error}", returncode=1)
    finally:
        asyncio.run(chain.stop())


@pytest.fixture
def chain(local: Local) -> Iterator[Anvil]:
    """The node at the session's first block after deployment, whatever other tests did."""
    snapshot = asyncio.run(local.chain.snapshot())
    yield local.chain
    asyncio.run(local.chain.revert(snapshot))


@pytest.fixture
def v30(local: Local, chain: Anvil) -> AaveMarket:
    return local.v30


@pytest.fixture
def v36(local: Local, chain: Anvil) -> AaveMarket:
    return local.v36


@pytest.fixture
def morpho(local: Local, chain: Anvil) -> MorphoChain:
    return local.morpho


@pytest.fixture(params=["3.0", "3.6"])
def aave(request: pytest.FixtureRequest, local: Local, chain: Anvil) -> AaveMarket:
    """The test runs on both markets."""
    return local.v30 if request.param == "3.0" else local.v36


# For a test of what hangs on no version of the contracts: one version is enough, and the other comes with --long.
either = pytest.mark.parametrize("aave", ["3.6", pytest.param("3.0", marks=pytest.mark.long)], indirect=True)
