"""Whom to watch: the addresses of the file, and those that its ENS names meant when they were first watched."""

from __future__ import annotations

from collections.abc import Mapping

from eth_typing import ChecksumAddress

from watcher.chain.ens import Pinned, Repointed, normal, repointed
from watcher.config.watch import Watch
from watcher.errors import WatcherError
from watcher.store import accounts
from watcher.store.accounts import Named
from watcher.store.open import Store


def pinned(
    watch: Watch, present: Mapping[str, Pinned | WatcherError], store: Store
) -> tuple[dict[str, ChecksumAddress], tuple[Repointed, ...]]:
    """The address of each of the file's names, and a warning for each that means something else now.

    `present` is what the names mean now. A name that is pinned goes on standing for its address, whatever it means now, and also
    where it cannot be asked for. Raises the error of one that was never resolved.
    """
    before = accounts.pinned(store)
    found: dict[str, ChecksumAddress] = {}
    for name in watch.names:
        now, known = present[name], before.get(normal(name))
        if known is not None:
            found[name] = known
        elif isinstance(now, Pinned):
            found[name] = now.address
        else:
            raise now
    meanings = {normal(name): now for name, now in present.items()}
    pins = [Pinned(normal(name), address) for name, address in found.items()]
    owners = watch.owners(found)
    accounts.keep(
        store,
        [
            Named(address, account.label, account.group, None if account.ens is None else normal(account.ens))
            for address, account in owners.items()
        ],
    )
    return found, repointed(pins, meanings)
