"""Fetch every package and compile what must be compiled, so that a chain starts at once afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from watcher.localchain import aave_v36, anvil, morpho, packages
from watcher.localchain.cache import Say


def prepare(say: Say, *, all: bool = False) -> None:
    """Everything that needs the network or a compiler; the large packages only with `all`. A second run reads a few stamps.

    `ConfigError` says what is missing.
    """
    usable = [p for p in packages.locked() if p.name != anvil.PLATFORM_PACKAGE or anvil.packaged()]
    packages.fetch([p for p in usable if all or not p.large], say)
    anvil.binary(say)
    with ThreadPoolExecutor() as compilers:  # each is a process of its own: two cores are used
        for built in [compilers.submit(build, say) for build in (aave_v36.build, morpho.build)]:
            built.result()
