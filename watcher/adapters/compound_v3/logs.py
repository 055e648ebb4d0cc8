"""Which logs say whose position moved. Comet logs no borrow, and a transfer of base between accounts in debt logs nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Event, LogQuery, Moves, Touch
from watcher.adapters.compound_v3.facts import Terms
from watcher.model import PositionKey
from watcher.oracle.feed import NOBODY

COMET: Final = "compound_v3/comet"
UPGRADED: Final = f"{COMET}.Upgraded"
OWNERS: Final = {  # whose position each log moves: places among its arguments
    f"{COMET}.Supply": (1,),
    f"{COMET}.Withdraw": (0,),
    f"{COMET}.Transfer": (0, 1),
    f"{COMET}.SupplyCollateral": (1,),
    f"{COMET}.TransferCollateral": (0, 1),
    f"{COMET}.WithdrawCollateral": (0,),
    f"{COMET}.AbsorbDebt": (1,),
}
SECURED: Final = (f"{COMET}.SupplyCollateral", f"{COMET}.TransferCollateral", f"{COMET}.Withdraw")
GIVEN: Final = (f"{COMET}.Supply", f"{COMET}.Transfer", f"{COMET}.SupplyCollateral", f"{COMET}.TransferCollateral")


def _owners(market: str, event: Event, places: Sequence[int]) -> frozenset[PositionKey]:
    found: list[ChecksumAddress] = [event.args[place] for place in places]
    return frozenset(PositionKey(market, bytes.fromhex(owner[2:])) for owner in found if owner != NOBODY)


def moves(terms: Terms) -> LogQuery[Moves]:
    """Everybody that a log names; the rules when the proxy is upgraded.

    Whoever sends base that he has to borrow for it (`transfer` from an account without a deposit) is in no log, nor is a receiver whom
    it only repays: a book that follows logs learns of them when it reads them for another reason, or from the audit.
    """

    def read(event: Event) -> Moves:
        if event.name == UPGRADED:
            return Touch.TERMS
        return _owners(terms.market.name, event, OWNERS[event.name])

    return LogQuery((terms.market.address,), (*OWNERS, UPGRADED), read)


def borrowers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Everybody who may owe: nobody can without collateral, which he was given by one of two logs, or else withdrew base.

    The sender of base that he had to borrow is in no log; he was given collateral before.
    """
    return _given(known, SECURED, {f"{COMET}.Withdraw": 0})


def suppliers(known: Sequence[Terms]) -> LogQuery[PositionKey]:
    """Who was given base or collateral. A burn of base names nobody: it is told as its owner's, who was given it before."""
    return _given(known, GIVEN, {})


def _given(known: Sequence[Terms], events: tuple[str, ...], others: dict[str, int]) -> LogQuery[PositionKey]:
    """The receiver of each log, its second argument, except for `others`."""
    names = {terms.market.address: terms.market.name for terms in known}

    def read(event: Event) -> PositionKey:
        owner = event.args[others.get(event.name, 1)]
        if owner == NOBODY:
            owner = event.args[0]
        return PositionKey(names[event.address], bytes.fromhex(owner[2:]))

    return LogQuery(tuple(names), events, read)


def founding(terms: Terms) -> LogQuery[None]:
    """The proxy is given its first implementation when it is made."""
    return LogQuery((terms.market.address,), (UPGRADED,), lambda _: None)
