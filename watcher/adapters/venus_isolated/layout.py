"""Where an isolated pool's vToken keeps what no function answers: borrow snapshots, and the exchange rate that it began with.

The places are those of `VTokenStorage` in @venusprotocol/isolated-pools; that a vToken keeps its books there is proved by six words that
have getters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from watcher.errors import AnswerError
from watcher.query import Slot

INITIAL: Final = 207
BOOKS: Final = range(209, 215)
SNAPSHOTS: Final = 217
GETTERS: Final = ("accrualBlockNumber", "borrowIndex", "totalBorrows", "totalReserves", "totalSupply", "badDebt")


def places(vtokens: Sequence[ChecksumAddress]) -> Slot:
    """The first exchange rate and the books of every vToken, for `initial`."""
    wanted = (INITIAL, *BOOKS)
    return Slot(tuple(vtoken for vtoken in vtokens for _ in wanted), wanted * len(vtokens))


def initial(vtoken: ChecksumAddress, words: Sequence[int], books: Sequence[int]) -> int:
    """Raw underlying per vToken, a wad, while there are none; `AnswerError` where the books that it answers are not in their places."""
    if tuple(words[1:]) != tuple(books):
        raise AnswerError(
            f"the vToken {vtoken} does not keep its books where Venus' vTokens do: its debts cannot be read"
        )
    return words[0]


def snapshot(account: bytes) -> int:
    """The slot of an account's principal; its interest index is in the next one."""
    return int.from_bytes(keccak(account.rjust(32, b"\0") + SNAPSHOTS.to_bytes(32)))
