"""Contracts that a package brings compiled, as Hardhat writes them: found by bare name below the folders that are searched."""

from __future__ import annotations

import json
from collections.abc import Sequence

from watcher.errors import ConfigError
from watcher.localchain import packages
from watcher.localchain.contract import Artifact


def artifact(package: str, folders: Sequence[str], name: str) -> Artifact:
    """Only `folders` of the package's contracts are searched, so that names do not collide. `ConfigError` where it is not exactly one."""
    root = packages.path(package) / "artifacts" / "contracts"
    paths = [p for folder in folders for p in (root / folder).glob(f"**/{name}.sol/{name}.json")]
    if len(paths) != 1:
        raise ConfigError(f"{package} has {len(paths)} artifacts called {name}: expected one")
    built = json.loads(paths[0].read_text())
    return Artifact.build(built["contractName"], built["abi"], built["bytecode"], built["linkReferences"])
