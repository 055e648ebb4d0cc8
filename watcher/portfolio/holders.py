"""Who holds positions for an owner: what public registries and the contracts themselves say, by calls at one block.

Told exactly: the DSProxy of an owner (Maker's registry, while the proxy still has that owner), the Instadapp accounts that an owner may
act for (InstaList), and what a Safe that was asked for says of its owners. What no call lists is not looked for: the Safes of an owner,
accounts of other wallets, delegations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from watcher.oracle.feed import NOBODY
from watcher.query import Query, Rows, ask, each, one, pairs

MOST: Final = 20  # Instadapp accounts of one owner: each costs a round trip, the list is a linked one


@dataclass(frozen=True, slots=True)
class Holder:
    """An address whose positions are shown. `owner` is the one asked for that it stands under, None where it stands for itself.

    `kind` says what it is where that is known: "DSProxy", "Instadapp account 7", "Safe, 2 of 3".
    """

    address: ChecksumAddress
    owner: ChecksumAddress | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Holders:
    """The owners in their order, each before its proxies. `cut` says, a line each, what was left out."""

    all: tuple[Holder, ...]
    cut: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[ChecksumAddress, ...]:
        return tuple(holder.address for holder in self.all)

    def of(self, address: ChecksumAddress) -> Holder:
        return next((holder for holder in self.all if holder.address == address), Holder(address))


def holders(
    owners: Sequence[ChecksumAddress], ds: ChecksumAddress | None, insta: ChecksumAddress | None
) -> Query[Holders]:
    """The owners with their proxies, by a ProxyRegistry and an InstaList where the chain has them.

    Two round trips, one where nothing is found, and one for each further Instadapp account of an owner. A
    registry that does not answer is an error: that somebody has no proxy is only said where it says so.
    """
    named, links, members, needed = yield from ask(
        one("proxy/ds_registry.proxies", ds or NOBODY, [(owner,) for owner in owners] if ds else ()),
        one("proxy/insta_list.userLink", insta or NOBODY, [(owner,) for owner in owners] if insta else ()),
        each("proxy/safe.getOwners", owners, optional=True),
        each("proxy/safe.getThreshold", owners, optional=True),
    )
    own = [_safe(owner, owners, *rows) for owner, *rows in zip(owners, members, needed, strict=True)]
    proxies = [(owner, row[0]) for owner, row in zip(owners, named, strict=False) if row[0] != NOBODY]
    walks = {owner: row for owner, row in zip(owners, links, strict=False) if row[2]}
    found: dict[ChecksumAddress, list[Holder]] = {owner: [] for owner in owners}
    steps = {owner: row[0] for owner, row in walks.items()}
    while proxies or steps:
        keepers, accounts, further = yield from ask(
            each("proxy/ds_proxy.owner", (proxy for _, proxy in proxies), optional=True),
            one("proxy/insta_list.accountAddr", insta or NOBODY, [(number,) for number in steps.values()]),
            pairs("proxy/insta_list.userList", [(insta or NOBODY, step) for step in steps.items()]),
        )
        for (owner, proxy), keeper in zip(proxies, keepers, strict=True):
            if keeper == (owner,):  # the registry keeps the entry of a proxy that was given away
                found[owner].append(Holder(proxy, owner, "DSProxy"))
        proxies = []
        steps = _onward(steps, accounts, further, found)
    cut = [
        f"{owner} has {count} Instadapp accounts, and the first {MOST} are read"
        for owner, (_, _, count) in walks.items()
        if count > MOST
    ]
    return Holders(_distinct(own, found), tuple(cut))


def _onward(
    steps: Mapping[ChecksumAddress, int],
    accounts: Rows,
    further: Rows,
    found: Mapping[ChecksumAddress, list[Holder]],
) -> dict[ChecksumAddress, int]:
    """The accounts of this step are added; what is left is the next one of each owner."""
    left = {}
    for (owner, number), (account,), (_, after) in zip(steps.items(), accounts, further, strict=True):
        found[owner].append(Holder(account, owner, f"Instadapp account {number}"))
        walked = sum(holder.kind.startswith("Instadapp") for holder in found[owner])
        if after and walked < MOST:
            left[owner] = after
    return left


def _safe(
    address: ChecksumAddress,
    owners: Sequence[ChecksumAddress],
    members: tuple[tuple[ChecksumAddress, ...]] | None,
    needed: tuple[int] | None,
) -> Holder:
    """Whether the address says of itself that it is a Safe, and under which of the others it then stands: the first of its owners."""
    if members is None or needed is None or not 0 < needed[0] <= len(members[0]):
        return Holder(address)
    keeper = next((owner for owner in owners if owner != address and owner in members[0]), None)
    return Holder(address, keeper, f"Safe, {needed[0]} of {len(members[0])}")


def _distinct(own: Sequence[Holder], found: Mapping[ChecksumAddress, Sequence[Holder]]) -> tuple[Holder, ...]:
    """Everyone once: who was asked for as a Safe or a proxy of another owner stands under that owner, behind it."""
    under = {holder.address: holder for group in found.values() for holder in group}
    known = [holder if holder.owner else under.get(holder.address, holder) for holder in own]
    heads = [holder for holder in known if holder.owner is None]
    rest = [holder for holder in known if holder.owner is not None]
    rest += [holder for holder in under.values() if holder.address not in {one.address for one in known}]
    ordered: list[Holder] = []
    for head in heads:
        ordered += [head, *(holder for holder in rest if holder.owner == head.address)]
    seen = {holder.address for holder in ordered}
    return (*ordered, *(holder for holder in rest if holder.address not in seen))
