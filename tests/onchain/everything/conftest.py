"""Nodes of their own with every family deployed once, and one wallet in all of them; each test starts from the same block.

Venus' packages are large: only `scripts/test --all` takes them and runs the tests that want `with_venus`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.onchain.everything.world import OWNER, World, deployed, invest
from watcher.__main__ import main
from watcher.config import Chain, dump
from watcher.errors import WatcherError
from watcher.localchain.anvil import Anvil

Records = list[dict[str, Any]]
Ask = Callable[..., Records]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "with_venus" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.large)


async def _ready(chain: Anvil, *, large: bool) -> World:
    world = await deployed(chain, large=large)
    await invest(world)
    return world


def _session(*, large: bool) -> Iterator[World]:
    chain = Anvil(any_size=large)  # a comptroller of Venus was compiled for tests: 25 kB of code
    try:
        yield asyncio.run(_ready(chain, large=large))
    except WatcherError as error:
        pytest.exit(f"the local chain cannot be used: {error}", returncode=1)
    finally:
        asyncio.run(chain.stop())


@pytest.fixture(scope="session")
def small() -> Iterator[World]:
    yield from _session(large=False)


@pytest.fixture(scope="session")
def whole() -> Iterator[World]:
    yield from _session(large=True)


def _fresh(world: World) -> Iterator[World]:
    snapshot = asyncio.run(world.chain.snapshot())
    yield world
    asyncio.run(world.chain.revert(snapshot))


@pytest.fixture
def world(small: World) -> Iterator[World]:
    """Every family but Venus."""
    yield from _fresh(small)


@pytest.fixture
def with_venus(whole: World) -> Iterator[World]:
    """Every family."""
    yield from _fresh(whole)


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """``ask(world)``: the records of `watcher account`, which must have read everything; `chain` where the configuration is another."""

    def run(world: World, *arguments: str, chain: Chain | None = None) -> Records:
        file = tmp_path / "chains.toml"
        file.write_text(dump(chain or world.configured()), encoding="utf-8")
        capsys.readouterr()
        words = arguments or (OWNER,)
        assert main(["account", *words, "--chains", str(file), "--format", "json", "--quiet"]) == 0
        found: Records = json.loads(capsys.readouterr().out)
        return found

    return run
