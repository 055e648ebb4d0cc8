"""Which logs say whose position moved, and which markets an owner has entered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Event, LogQuery, Moves
from watcher.adapters.morpho_blue.facts import Terms
from watcher.model import Market, PositionKey

ACCRUED: Final = "morpho_blue/morpho.AccrueInterest"
OWNED: Final = tuple(  # every one carries the position's owner as its third argument
    f"morpho_blue/morpho.{name}"
    for name in (
        "Supply",
        "Withdraw",
        "Borrow",
        "Repay",
        "SupplyCollateral",
        "WithdrawCollateral",
        "Liquidate",
    )
)


def moves(terms: Terms) -> LogQuery[Moves]:
    """Logs of this market. Interest moves nobody but the fee recipient, who is given shares without a log of its own."""

    def read(event: Event) -> Moves:
        if event.name != ACCRUED:
            return frozenset({PositionKey(terms.market.name, bytes.fromhex(event.args[2][2:]))})
        minted = event.args[3]
        return frozenset({terms.recipient}) if minted else frozenset()

    return LogQuery((terms.market.address,), (*OWNED, ACCRUED), read, ((terms.market.id,),))


def discover(singleton: Market, owners: Sequence[ChecksumAddress]) -> LogQuery[Market]:
    """The markets that `owners` ever put collateral into or lent to: nobody can borrow without having done the first.

    Both logs carry the owner in their third topic. The fee recipient's shares come without a log and are not found.
    """

    def read(event: Event) -> Market:
        identity: bytes = event.args[0]
        return replace(singleton, name=f"{singleton.name}/{identity.hex()[:10]}", id=identity)

    events = ("morpho_blue/morpho.SupplyCollateral", "morpho_blue/morpho.Supply")
    topics = tuple(bytes(12) + bytes.fromhex(owner[2:]) for owner in owners)
    return LogQuery((singleton.address,), events, read, (None, None, topics))


def borrowers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Whose debt grew in these markets of one Morpho: the debtor of every Borrow log, who need not be its sender."""
    return _owners(known, ("morpho_blue/morpho.Borrow",))


def suppliers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Who was given shares or collateral in these markets of one Morpho; the fee recipient's shares come without a log."""
    return _owners(known, ("morpho_blue/morpho.Supply", "morpho_blue/morpho.SupplyCollateral"))


def founding(terms: Terms) -> LogQuery[None]:
    """The first markets of this Morpho: they are made soon after it, the one of `terms` perhaps much later."""
    return LogQuery((terms.market.address,), ("morpho_blue/morpho.CreateMarket",), lambda _: None)


def _owners(known: Sequence[Terms], events: tuple[str, ...]) -> LogQuery[PositionKey]:
    names = {terms.market.id: terms.market.name for terms in known}

    def read(event: Event) -> PositionKey:
        return PositionKey(names[event.args[0]], bytes.fromhex(event.args[2][2:]))

    addresses = tuple(dict.fromkeys(terms.market.address for terms in known))
    return LogQuery(addresses, events, read, (tuple(names),))
