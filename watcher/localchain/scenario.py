"""What any local market needs to play a scene: accounts, money, prices, and a reorg that replaces what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address as checksum
from eth_utils.crypto import keccak

from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER, Contract, Receipt
from watcher.units import MAX


def account(name: str) -> ChecksumAddress:
    """The same address for the same name in every run. Nobody holds its key: the local chain lets it send all the same."""
    return checksum(keccak(text=name)[-20:])


async def fund(token: Contract, owner: str, amount: int, spender: str | None = None) -> None:
    """Mint `amount` raw units to `owner`, and let `spender` take any amount."""
    await token.send("mint", owner, amount)
    if spender is not None and await token.call("allowance", owner, spender) < amount:
        await token.send("approve", spender, MAX, sender=owner)


async def set_price(feed: Contract, answer: int, updated: int | None = None) -> Receipt:
    """A feed's new answer in its own integer, or an oracle's. `updated` dates it, in seconds; by default its block's own time."""
    return await (feed.send("set", answer) if updated is None else feed.send("setAt", answer, updated))


async def reorg(chain: Anvil, depth: int, replacement: Sequence[tuple[Mapping[str, str], int]] = ()) -> None:
    """Replace the newest `depth` blocks by as many others with new hashes.

    Their transactions are dropped; those of `replacement`, as `Contract.transaction` makes them, land in the block counted from the
    oldest replaced one (0). A replacement that fails is in its block as failed: look at what it should have changed.
    """
    await chain.rpc("anvil_reorg", depth, [[dict(fields), index] for fields, index in replacement])


async def set_sequencer(feed: Contract, *, up: bool, since: int) -> Receipt:
    """The answer of a sequencer feed as Chainlink gives it: 0 is up, 1 is down; `since` in seconds."""
    return await feed.send("setAt", 0 if up else 1, since, sender=DEPLOYER)
