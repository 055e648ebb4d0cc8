"""The bands that positions are put into: those of a watcher.toml that was named, else the defaults, by chain as `watcher run` does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from watcher.config import Chain, Config, Origin, load
from watcher.config.read_watch import load_watch
from watcher.config.watch import Watch
from watcher.errors import StoreError
from watcher.health.bands import CORRELATED, VOLATILE
from watcher.health.correlated import Group
from watcher.library import meant
from watcher.watching.policy import Policy

Policies = Callable[[Chain], Policy]


def usual(chain: Chain) -> Policy:
    """The default bands."""
    groups = tuple(Group(group.name, frozenset(group.tokens)) for group in chain.groups)
    return Policy(groups, (), VOLATILE, CORRELATED)


async def policies(file: Path | None, chains: Path | None, config: Config) -> Policies:
    """The bands of `file`, else the defaults. Raises `ConfigError` for the file, and what keeps a name from being resolved."""
    return usual if file is None else await policies_of(load_watch(file, chains=chains), chains, config)


async def policies_of(watch: Watch, chains: Path | None, config: Config) -> Policies:
    """The bands of a watcher.toml. Of its ENS names those are resolved that have bands of their own."""
    named = {one.wallet for one in watch.overrides} | {one.wallet for one in watch.limits}
    watch = replace(watch, accounts=tuple(account for account in watch.accounts if account.label in named))
    resolved = await meant(watch.names, config, load(chains), private=private(config))
    return lambda chain: foreseen(Policy.of(watch, chain, resolved), watch, chain)


def foreseen(policy: Policy, watch: Watch, chain: Chain) -> Policy:
    """With the chances that the store knows, where a limit is set to one; without a store every one of them is not told."""
    if not policy.foresees:
        return policy
    from watcher.store.open import open_store
    from watcher.watching.appraising import stored

    try:
        with open_store(watch.db) as store:
            return replace(policy, foretold=stored(store, chain.id))
    except StoreError:
        return policy


def private(config: Config) -> bool:
    """Whether only the user's own endpoints may learn a name: with --rpc."""
    return Origin.FLAG in {endpoint.origin for chain in config.chains for endpoint in chain.endpoints}
