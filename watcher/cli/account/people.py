"""Who is meant: addresses, ENS names, and the wallets and groups of a watcher.toml that was named; several of them are shown as one."""

from __future__ import annotations

from collections.abc import Sequence

from eth_typing import ChecksumAddress

from watcher.cli.account.bands import private
from watcher.cli.options import Options
from watcher.config import Config, load
from watcher.config.address import may_be_name
from watcher.config.chain import nearest
from watcher.config.watch import Watch
from watcher.errors import UsageError
from watcher.library import address, meant


def written(texts: Sequence[str], watch: Watch | None) -> tuple[str, ...]:
    """Addresses and names as they are written in the file for those of `texts` that are a label or a group there; the others as they are.

    `UsageError` for a mistyped address, and for what nothing is called in the file, before anything is asked.
    """
    found: list[str] = []
    for text in texts:
        known = () if watch is None else watch.accounts
        own = [one for one in known if one.label == text] or [one for one in known if one.group and one.group == text]
        if own:
            found += [str(one.address or one.ens) for one in own]
            continue
        if watch is not None and not may_be_name(text) and not text.startswith("0x"):
            names = dict.fromkeys(name for one in known for name in (one.label, one.group) if name)
            raise UsageError(f"{watch.source} has no wallet or group {text!r}; {nearest(text, [*names])}")
        if not may_be_name(text):
            address(text)
        found.append(text)
    return tuple(dict.fromkeys(found))


async def owners_of(texts: Sequence[str], config: Config, options: Options) -> tuple[ChecksumAddress, ...]:
    """The addresses that are meant, a name's shown. With --rpc only the user's own endpoints learn the name."""
    found = await meant(texts, config, load(options.chains), private=private(config))
    for text, owner in found.items():
        if may_be_name(text):
            options.note(f"{text} is {owner}")
    return tuple(dict.fromkeys(found.values()))
