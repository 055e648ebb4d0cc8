"""What an account has in a Venus pool. A debt's principal and index are read from storage, and held against the vToken's own answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Shares
from watcher.adapters.venus.facts import Entry, Holding, Minted, Quote, Terms
from watcher.adapters.venus.terms import COMPTROLLER
from watcher.errors import AnswerError
from watcher.formula.compound.layout import snapshot
from watcher.formula.compound.pool import owed
from watcher.formula.compound.screen import debt_astray, debt_share
from watcher.model import PositionKey
from watcher.query import Batch, Query, Read, Rows, Slot, ask, one, pairs

IDLE: Final = 4_000  # reads that looking into every market may cost; beyond, only entered ones are looked into
SNAPSHOT: Final = "venus/vtoken.getAccountSnapshot"


class Place(NamedTuple):
    """An account and an asset by their places."""

    account: int
    asset: int


def owner(key: PositionKey) -> ChecksumAddress:
    """A position of Venus is an address."""
    return _checksummed(key.key)


@lru_cache(maxsize=1 << 16)
def _checksummed(address: bytes) -> ChecksumAddress:
    return to_checksum_address(address)


def positions(terms: Terms, owners: Sequence[ChecksumAddress]) -> Query[tuple[PositionKey, ...]]:
    """The owners with any vToken or debt, VAI included; one round trip."""
    if not owners:
        return ()
    reads: list[Read] = [
        pairs(SNAPSHOT, ((asset.v, (account,)) for account in owners for asset in terms.assets)),
        one(f"{COMPTROLLER}.mintedVAIs", terms.market.address, ((account,) for account in owners)),
    ]
    rows, vai = yield from ask(*reads)
    width = len(terms.assets)
    return tuple(
        PositionKey(terms.market.name, bytes.fromhex(account[2:]))
        for place, account in enumerate(owners)
        if vai[place][0] or any(row[1] or row[2] for row in rows[place * width : (place + 1) * width])
    )


def holdings(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Holding]]:
    """Two round trips for few accounts, whose deposits that do not count are read too; three for many, whose are not."""
    if not keys:
        return {}
    accounts = tuple(owner(key) for key in keys)
    complete = len(keys) * len(terms.assets) <= IDLE
    everything = [Place(account, asset) for account in range(len(keys)) for asset in range(len(terms.assets))]
    asked = _standing(terms, accounts)
    if complete:
        *standing, forced, rows = yield from ask(*asked, *_balances(terms, accounts, everything))
        looked = everything
    else:
        standing = list((yield from ask(*asked)))
        seen = _entered(terms, standing[0])
        looked = [place for place in everything if place in seen]
        forced, rows = yield from ask(*_balances(terms, accounts, looked))
    entered, modes, vai = _entered(terms, standing[0]), [mode for (mode,) in standing[1]], standing[2:]
    kept = [
        (place, row, bool(pressed[0]))
        for place, row, pressed in zip(looked, rows, forced, strict=True)
        if row[1] or row[2] or place in entered
    ]
    debts = yield from _debts(terms, accounts, [(place, row[2]) for place, row, _ in kept if row[2]])
    found: list[list[Entry]] = [[] for _ in keys]
    for place, row, pressed in kept:
        principal, index = debts.get(place, (0, 0))
        found[place.account].append(
            Entry(place.asset, row[1], principal, index, place in entered, pressed and bool(row[2]))
        )
    return {
        key: Holding(key, modes[number], tuple(found[number]), _minted(vai, number), complete)
        for number, key in enumerate(keys)
    }


def _standing(terms: Terms, accounts: Sequence[ChecksumAddress]) -> list[Batch]:
    """Markets entered and pool chosen; and of VAI what was minted, the past interest in it, its index, whether liquidation is forced."""
    at = terms.market.address
    reads = [
        one(f"{COMPTROLLER}.getAssetsIn", at, ((account,) for account in accounts)),
        one(f"{COMPTROLLER}.userPoolId", at, ((account,) for account in accounts)),
    ]
    if terms.vai is None:
        return reads
    controller = terms.vai.controller
    return [
        *reads,
        one(f"{COMPTROLLER}.mintedVAIs", at, ((account,) for account in accounts)),
        one("venus/vai.pastVAIInterest", controller, ((account,) for account in accounts)),
        one("venus/vai.getVAIMinterInterestIndex", controller, ((account,) for account in accounts)),
        one(f"{COMPTROLLER}.isForcedLiquidationEnabledForUser", at, ((account, controller) for account in accounts)),
    ]


def _entered(terms: Terms, rows: Rows) -> frozenset[Place]:
    """What the comptroller answers: entered markets that are listed."""
    places = {asset.v: number for number, asset in enumerate(terms.assets)}
    return frozenset(Place(number, places[v]) for number, (markets,) in enumerate(rows) for v in markets if v in places)


def _balances(terms: Terms, accounts: Sequence[ChecksumAddress], looked: Sequence[Place]) -> tuple[Batch, Batch]:
    forced = f"{COMPTROLLER}.isForcedLiquidationEnabledForUser"
    who = [(accounts[place.account], terms.assets[place.asset].v) for place in looked]
    return one(forced, terms.market.address, who), pairs(SNAPSHOT, ((v, (account,)) for account, v in who))


def _debts(
    terms: Terms, accounts: Sequence[ChecksumAddress], owing: Sequence[tuple[Place, int]]
) -> Query[dict[Place, tuple[int, int]]]:
    """Principal and index of every debt. `AnswerError` where they do not come to what the vToken answers of it."""
    if not owing:
        return {}
    markets = tuple(dict.fromkeys(place.asset for place, _ in owing))
    slots = [
        (
            terms.assets[place.asset].v,
            snapshot(terms.assets[place.asset].snapshots, bytes.fromhex(accounts[place.account][2:])),
        )
        for place, _ in owing
    ]
    words, indices = yield from ask(
        Slot(
            tuple(v for v, _ in slots for _ in range(2)), tuple(slot + more for _, slot in slots for more in range(2))
        ),
        pairs("venus/vtoken.borrowIndex", ((terms.assets[number].v, ()) for number in markets)),
    )
    now = {number: row[0] for number, row in zip(markets, indices, strict=True)}
    found: dict[Place, tuple[int, int]] = {}
    for number, (place, answer) in enumerate(owing):
        principal, index = words[2 * number][0], words[2 * number + 1][0]
        if not index or owed(principal, index, now[place.asset]) != answer:
            v = terms.assets[place.asset].v
            raise AnswerError(
                f"{v} does not keep the debt of {accounts[place.account]} where it keeps others: read the terms again"
            )
        found[place] = principal, index
    return found


def _minted(columns: Sequence[Rows], number: int) -> Minted | None:
    if not columns or not columns[0][number][0]:
        return None
    amount, past, index, forced = (column[number][0] for column in columns)
    return Minted(amount, past, index, forced)


def bare(holding: Holding) -> Holding:
    """As it is read among many: without deposits that do not count."""
    if not holding.complete:
        return holding
    return replace(holding, entries=tuple(holding.entered()), complete=False)


def mode(holding: Holding) -> int:
    """The e-mode pool chosen, 0 for the core pool."""
    return holding.mode


def totals(terms: Terms, quote: Quote) -> Shares:
    """Debts in shares of the index, which interest leaves as they are but for its rounding, and vTokens; by vToken. VAI has no total."""
    books = quote.unaccrued().pools
    pairs = tuple(zip(terms.assets, books, strict=True))
    return Shares(
        {asset.v: debt_share(pool.borrows, pool.index) for asset, pool in pairs},
        {asset.v: pool.supply for asset, pool in pairs},
        {asset.v: debt_astray(pool, pool.stamp - (terms.market.start or 0)) for asset, pool in pairs},
    )


def shares(terms: Terms, holding: Holding) -> Shares:
    held = {terms.assets[entry.place].v: entry for entry in holding.entries}
    debts = {v: debt_share(entry.principal, entry.index) for v, entry in held.items() if entry.principal}
    return Shares(debts, {v: entry.tokens for v, entry in held.items() if entry.tokens})
