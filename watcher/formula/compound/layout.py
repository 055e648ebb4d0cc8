"""Where a cToken keeps what an account owes, principal and interest index: no function answers them.

A balance alone would tell the debt of another moment to a unit only.

Every descendant of Compound's CToken declares, one after the other: accrual stamp, borrow index, total borrows, total reserves, total
supply, balances, allowances, and the borrow snapshots. The first five have getters, so their place can be found and not assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_utils.crypto import keccak

from watcher.formula.compound.pool import Pool

SEARCHED: Final = 64  # slots from the first one on
_SNAPSHOTS: Final = 7  # from the accrual stamp to the mapping of borrow snapshots


def snapshots(words: Sequence[int], pool: Pool) -> int | None:
    """The slot of the mapping of borrow snapshots, from a contract's first words; None where the five are not found exactly once."""
    wanted = (pool.stamp, pool.index, pool.borrows, pool.reserves, pool.supply)
    size = len(wanted)
    found = [place for place in range(len(words) - size + 1) if tuple(words[place : place + size]) == wanted]
    return found[0] + _SNAPSHOTS if len(found) == 1 else None


def snapshot(mapping: int, account: bytes) -> int:
    """The slot of an account's principal in that mapping; its interest index is in the next one."""
    return int.from_bytes(keccak(account.rjust(32, b"\0") + mapping.to_bytes(32)))
