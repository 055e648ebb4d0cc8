"""What people call the addresses that are watched, and which address a name meant when it was first resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from sqlalchemy import delete, select

from watcher.store.open import Store
from watcher.store.rows import insert
from watcher.store.tables import ACCOUNT


@dataclass(frozen=True, slots=True)
class Named:
    """`ens` is the name that `address` was resolved from, in its normal form, None where the address itself was given."""

    address: ChecksumAddress
    label: str
    group: str
    ens: str | None


def pinned(store: Store) -> dict[str, ChecksumAddress]:
    """By ENS name the address that it meant when it was first watched."""
    with store.read() as connection:
        rows = connection.execute(select(ACCOUNT.c.ens, ACCOUNT.c.address).where(ACCOUNT.c.ens.is_not(None)))
        return {name: to_checksum_address(address) for name, address in rows}


def keep(store: Store, accounts: Sequence[Named]) -> None:
    """What the file says now of these addresses takes the place of what it said before; others stay."""
    with store.write() as connection:
        connection.execute(delete(ACCOUNT).where(ACCOUNT.c.address.in_([one.address for one in accounts])))
        insert(connection, ACCOUNT, [(one.address, one.label, one.group or None, one.ens) for one in accounts])
