"""Whether the book holds everybody: what its positions owe, added up in shares, against the market's own total. Exact, or it fails;
but for what a contract's own rounding sets the two apart, where it does.

Deposits are a share that is reported: most of them belong to accounts that never owed anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eth_typing import ChecksumAddress

from watcher.adapter import Adapter


@dataclass(frozen=True, slots=True)
class Column:
    """Shares of one token, or of the contract that counts them. `astray`: by how much rounding alone may set the total apart."""

    token: ChecksumAddress
    booked: int
    total: int
    astray: int = 0

    @property
    def unexplained(self) -> int:
        """What nobody in the book owes. Negative when the book owes more than there is: some holding of it is wrong."""
        missing = self.total - self.booked
        return 0 if abs(missing) <= self.astray else missing


@dataclass(frozen=True, slots=True)
class Coverage:
    debts: tuple[Column, ...]
    deposits: tuple[Column, ...]  # empty where the chain keeps no total

    @property
    def unexplained(self) -> tuple[Column, ...]:
        """The debts that do not add up."""
        return tuple(column for column in self.debts if column.unexplained)

    @property
    def exact(self) -> bool:
        return not self.unexplained


def coverage(of: Adapter[Any, Any, Any], terms: Any, quote: Any, holdings: Iterable[Any]) -> Coverage:
    """The book's holdings against the totals of the very same block. `TypeError` for an adapter that cannot tell."""
    if of.totals is None or of.shares is None:
        raise TypeError(f"{of.name} does not tell what its markets owe in all")
    debts: dict[ChecksumAddress, int] = {}
    deposits: dict[ChecksumAddress, int] = {}
    for holding in holdings:
        part = of.shares(terms, holding)
        _add(debts, part.debts)
        _add(deposits, part.deposits)
    totals = of.totals(terms, quote)
    return Coverage(_columns(debts, totals.debts, totals.astray), _columns(deposits, totals.deposits, {}))


def _add(sums: dict[ChecksumAddress, int], part: Mapping[ChecksumAddress, int]) -> None:
    for token, amount in part.items():
        sums[token] = sums.get(token, 0) + amount


def _columns(
    booked: Mapping[ChecksumAddress, int], totals: Mapping[ChecksumAddress, int], astray: Mapping[ChecksumAddress, int]
) -> tuple[Column, ...]:
    return tuple(Column(token, booked.get(token, 0), total, astray.get(token, 0)) for token, total in totals.items())
