"""Fetch every package and compile what must be compiled, so that a chain starts at once afterwards."""

from __future__ import annotations

from watcher.localchain import aave_v36, anvil, morpho, packages
from watcher.localchain.cache import Say


def prepare(say: Say) -> None:
    """Everything that needs the network or a compiler. A second run reads a few stamps. `ConfigError` says what is missing."""
    anvil.binary(say)
    packages.fetch([p for p in packages.locked() if not p.name.startswith("@foundry-rs/")], say)
    aave_v36.build(say)
    morpho.build(say)
