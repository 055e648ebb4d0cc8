"""What an account has at a comptroller: which markets it has entered, its cTokens, and its debts as they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Shares
from watcher.adapters.compound_v2.facts import Clock, Entry, Holding, Listing, Quote, Terms
from watcher.adapters.compound_v2.words import COMPTROLLER, CTOKEN
from watcher.errors import AnswerError
from watcher.formula.compound import layout
from watcher.formula.compound.pool import owed
from watcher.formula.compound.screen import debt_astray, debt_share
from watcher.model import PositionKey
from watcher.query import Query, Rows, Slot, ask, each, one, pairs

FIRST: Final = {Clock.BLOCK: 0, Clock.SECOND: 1_556_668_800}  # no market of this family is older
IDLE: Final = 4_000  # reads that cTokens in markets not entered may cost


class _Seen(NamedTuple):
    """`getAccountSnapshot` of one account in one market."""

    place: int  # among the keys
    listing: Listing
    tokens: int
    owed: int


def owner(key: PositionKey) -> ChecksumAddress:
    """A position of Compound is an address."""
    return _checksummed(key.key)


@lru_cache(maxsize=1 << 16)
def _checksummed(address: bytes) -> ChecksumAddress:
    return to_checksum_address(address)


def positions(terms: Terms, owners: Sequence[ChecksumAddress]) -> Query[tuple[PositionKey, ...]]:
    """The owners that have entered a market or have any cToken, in the order asked; one round trip."""
    if not owners:
        return ()
    tokens = tuple(listing.address for listing in terms.listings)
    entered, balances = yield from ask(
        one(f"{COMPTROLLER}.getAssetsIn", terms.market.address, ((account,) for account in owners)),
        pairs(f"{CTOKEN}.balanceOf", ((token, (account,)) for account in owners for token in tokens)),
    )
    width = len(tokens)
    return tuple(
        PositionKey(terms.market.name, bytes.fromhex(account[2:]))
        for place, account in enumerate(owners)
        if entered[place][0] or any(row[0] for row in balances[place * width : (place + 1) * width])
    )


def holdings(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Holding]]:
    """Two rounds for few accounts: every market's snapshot, then the stored words of the debts. For many (more than `IDLE` reads) it
    takes one more, and only markets entered are read: no figure of the comptroller looks at the others. These holdings are not `complete`.
    """
    if not keys:
        return {}
    accounts = tuple(owner(key) for key in keys)
    complete = len(keys) * len(terms.listings) <= IDLE
    entering = one(f"{COMPTROLLER}.getAssetsIn", terms.market.address, ((account,) for account in accounts))
    indices = each(f"{CTOKEN}.borrowIndex", (listing.address for listing in terms.listings))
    if complete:
        wanted = [(place, listing) for place in range(len(keys)) for listing in terms.listings]
        assets, now, rows = yield from ask(entering, indices, _snapshots(wanted, accounts))
        entered = [_entered(terms, row[0]) for row in assets]
    else:
        assets, _ = yield from ask(entering, indices)
        entered = [_entered(terms, row[0]) for row in assets]
        wanted = [(place, one_) for place, bits in enumerate(entered) for one_ in terms.listings if bits >> one_.id & 1]
        now, rows = yield from ask(indices, _snapshots(wanted, accounts))
    seen = tuple(_seen(wanted, rows))
    debts = [one_ for one_ in seen if one_.owed]
    found = yield from _stored(debts, keys, [row[0] for row in now])
    entries: list[list[Entry]] = [[] for _ in keys]
    for one_ in seen:
        if one_.tokens or one_.owed:
            principal, index = found.get((one_.place, one_.listing.id), (0, 0))
            entries[one_.place].append(Entry(one_.listing.id, one_.tokens, principal, index))
    return {
        key: Holding(key, bits, tuple(some), complete) for key, bits, some in zip(keys, entered, entries, strict=True)
    }


def _entered(terms: Terms, tokens: Iterable[ChecksumAddress]) -> int:
    """`AnswerError` for a market that these terms do not know: they are out of date."""
    bits = 0
    for token in tokens:
        listing = terms.find(token)
        if listing is None:
            raise AnswerError(f"{token} of {terms.market.name} is not in these terms: read them again")
        bits |= 1 << listing.id
    return bits


def _snapshots(wanted: Sequence[tuple[int, Listing]], accounts: Sequence[ChecksumAddress]) -> Any:
    return pairs(f"{CTOKEN}.getAccountSnapshot", ((one_.address, (accounts[place],)) for place, one_ in wanted))


def _seen(wanted: Sequence[tuple[int, Listing]], rows: Rows) -> Iterator[_Seen]:
    for (place, listing), (error, tokens, debt, _) in zip(wanted, rows, strict=True):
        if error:
            raise AnswerError(f"{listing.symbol} answers error {error} for an account's snapshot")
        yield _Seen(place, listing, tokens, debt)


def _stored(
    debts: Sequence[_Seen], keys: Sequence[PositionKey], indices: Sequence[int]
) -> Query[dict[tuple[int, int], tuple[int, int]]]:
    """Principal and index of every debt. Where they do not come to the contract's own balance, that balance and no index."""
    told = [one_ for one_ in debts if one_.listing.snapshots is not None]
    slots = [layout.snapshot(one_.listing.snapshots or 0, keys[one_.place].key) for one_ in told]
    found = {(one_.place, one_.listing.id): (one_.owed, 0) for one_ in debts}
    if not told:
        return found
    (words,) = yield from ask(
        Slot(
            tuple(one_.listing.address for one_ in told for _ in range(2)),
            tuple(slot + step for slot in slots for step in range(2)),
        )
    )
    for number, one_ in enumerate(told):
        principal, index = words[2 * number][0], words[2 * number + 1][0]
        if index and owed(principal, index, indices[one_.listing.id]) == one_.owed:
            found[one_.place, one_.listing.id] = principal, index
    return found


def bare(holding: Holding) -> Holding:
    """As it is read among many: without cTokens in markets that were not entered."""
    if not holding.complete:
        return holding
    return replace(holding, entries=tuple(e for e in holding.entries if holding.counts(e.id)), complete=False)


def totals(terms: Terms, quote: Quote) -> Shares:
    """Debts in shares of the index, which interest leaves as they are but for its rounding, and cTokens; by cToken."""
    books = tuple(zip(terms.listings, quote.states, strict=True))
    return Shares(
        {listing.address: debt_share(state.stored.borrows, state.stored.index) for listing, state in books},
        {listing.address: state.stored.supply for listing, state in books},
        {
            listing.address: debt_astray(state.stored, state.stored.stamp - FIRST[listing.clock])
            for listing, state in books
        },
    )


def shares(terms: Terms, holding: Holding) -> Shares:
    held = {terms.listings[entry.id].address: entry for entry in holding.entries}
    debts = {token: debt_share(entry.principal, entry.index) for token, entry in held.items() if entry.index}
    return Shares(debts, {token: entry.tokens for token, entry in held.items() if entry.tokens})
