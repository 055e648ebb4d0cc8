"""The door for notebooks and scripts: ``async with watcher.open(rpc=…) as w: await w.account("0x…")``. The same facts as the command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from eth_typing import ChecksumAddress

from watcher.config import Config, load, with_rpc
from watcher.config.address import checksummed, may_be_name
from watcher.connection import only, placed
from watcher.errors import UsageError, WatcherError
from watcher.names import ethereum, resolve
from watcher.search import Windows
from watcher.wallet import DEADLINE, Wallet, read_wallet


@dataclass(frozen=True, slots=True)
class Watcher:
    """Reads what is configured. Holds no connection between two questions, only what it has learned about log ranges, and no key ever."""

    config: Config
    windows: dict[int, Windows] = field(default_factory=dict)  # by chain id

    async def account(
        self,
        *addresses: str,
        block: int | None = None,
        before: int | None = None,
        deadline: float = DEADLINE,
        confirm: bool = True,
        vaults: Sequence[str] = (),
    ) -> tuple[Wallet, ...]:
        """What the addresses, or the ENS names of addresses, hold: one `Wallet` per configured chain, in the configuration's order.

        At the head, at `block`, or at the newest block not after `before` (Unix seconds). With `confirm` a second endpoint is asked the
        same. `vaults` are ERC-4626 vaults whose shares are looked for in the addresses. A chain that does not answer in `deadline`
        seconds is a `Wallet` with its error; `UsageError` is for an address that is none, and for a name that means none.
        """
        owners = tuple(dict.fromkeys((await meant(addresses, self.config)).values()))
        reads = (
            read_wallet(
                chain,
                owners,
                number=block,
                before=before,
                deadline=deadline,
                confirm=confirm,
                windows=self.windows.setdefault(chain.id, {}),
                vaults=tuple(map(address, vaults)),
            )
            for chain in self.config.chains
        )
        return tuple(await asyncio.gather(*reads))


@asynccontextmanager
async def open(
    *,
    rpc: str | Sequence[str] = (),
    chains: str | Path | None = None,
    chain: str | int | None = None,
    markets: Sequence[str] = (),
) -> AsyncIterator[Watcher]:
    """A `Watcher` over the packaged chains file or `chains`, narrowed to one `chain` or to `markets`.

    `rpc` are endpoints to ask first, on the chain that their own eth_chainId names. Raises `ConfigError`, `UsageError`, and
    `EndpointError` for an endpoint in `rpc` that does not answer.
    """
    urls = [rpc] if isinstance(rpc, str) else list(rpc)
    yield Watcher(
        only(await placed(with_rpc(load(None if chains is None else Path(chains)).only(chain), urls)), markets)
    )


def address(text: str) -> ChecksumAddress:
    """An address as people write it, with its checksum. `UsageError` for anything else."""
    try:
        return checksummed(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


async def meant(texts: Sequence[str], *configs: Config, private: bool = False) -> dict[str, ChecksumAddress]:
    """The address of each text, which is one or an ENS name; names are resolved on the first Ethereum there is among `configs`.

    `private` asks nobody but the user's own endpoints. `UsageError` for the first text that means none, before anything is asked where
    possible; what keeps a name from being resolved is raised as it is.
    """
    found = {text: address(text) for text in texts if not may_be_name(text)}
    names = [text for text in texts if text not in found]
    answers = await resolve(ethereum(*configs, private=private), names) if names else {}
    for name, answer in answers.items():
        if isinstance(answer, WatcherError):
            raise answer
        found[name] = answer.address
    return {text: found[text] for text in texts}
