"""A whole market in the store: which blocks were searched, who was found, and at which block what all of them hold is true.

A book stands or it does not: terms, quote, every changed holding, the proof and the block are one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from sqlalchemy import Connection, delete, func, select, update

from watcher.adapter import Adapter, H, Q, T
from watcher.model import BlockRef, Market, PositionKey
from watcher.store import trail
from watcher.store.facts import decode, encode
from watcher.store.follow import stands
from watcher.store.history import market_id, surveyed
from watcher.store.open import Store
from watcher.store.rows import insert
from watcher.store.tables import (
    COVERAGE,
    DISCOVERY,
    FOLLOW,
    HOLDING,
    MARKET,
    MEMBER,
    POSITION,
    QUOTE,
    SAMPLE,
    TERMS,
)

DEBT: Final = "debt"
DEPOSIT: Final = "deposit"
MANY: Final = 500  # keys in one statement

Span = tuple[int, int]  # first and last block
Members = Mapping[PositionKey, int | None]  # by position the first block known to name it


@dataclass(frozen=True, slots=True)
class Proof:
    """Shares of one token at a block: what the book's members owe, and the market's own total."""

    number: int
    token: ChecksumAddress
    booked: int
    total: int


@dataclass(frozen=True, slots=True)
class Audit:
    """How many positions were held against the contract's own answer at a block, and how many differed."""

    number: int
    looked: int
    mismatches: int


@dataclass(frozen=True, slots=True)
class Book(Generic[T, Q, H]):
    """Every member's holding, all true at `block`; `quote` is as stored, not accrued."""

    terms: T
    quote: Q
    holdings: Mapping[PositionKey, H]
    block: BlockRef


def searched(store: Store, market: Market, kind: str = DEBT) -> tuple[Span, ...]:
    """The blocks whose logs are certainly read, in order."""
    found = select(DISCOVERY.c.first, DISCOVERY.c.last).join(MARKET).where(*_is(market), DISCOVERY.c.kind == kind)
    with store.read() as connection:
        return tuple((first, last) for first, last in connection.execute(found.order_by(DISCOVERY.c.first)))


def note(store: Store, market: Market, kind: str, span: Span, members: Members) -> None:
    """The logs of these blocks are read, and these are whom they name: both or neither. Ranges that touch become one."""
    with store.write() as connection:
        of = market_id(connection, market)
        _enter(connection, of, members)
        _read(connection, of, kind, span)


def unread(store: Store, market: Market, kind: str, spans: Iterable[Span]) -> None:
    """These blocks must be asked for again; who was found stays."""
    with store.write() as connection:
        of = market_id(connection, market)
        for low, high in spans:
            touching = (*_kind(of, kind), DISCOVERY.c.first <= high, DISCOVERY.c.last >= low)
            cut = connection.execute(select(DISCOVERY.c.first, DISCOVERY.c.last).where(*touching)).all()
            connection.execute(delete(DISCOVERY).where(*touching))
            left = [part for first, last in cut for part in ((first, low - 1), (high + 1, last)) if part[0] <= part[1]]
            insert(connection, DISCOVERY, [(of, kind, *part) for part in left])


def add(store: Store, market: Market, members: Members) -> None:
    """Members by another's word: what they hold is to be read, and coverage says whether anybody is missing."""
    with store.write() as connection:
        _enter(connection, market_id(connection, market), members)


def members(store: Store, market: Market) -> dict[PositionKey, int | None]:
    """Who is in the book, and the first block known to name it."""
    found = select(POSITION.c.key, MEMBER.c.since).select_from(MEMBER.join(POSITION).join(MARKET)).where(*_is(market))
    with store.read() as connection:
        return {
            PositionKey(market.name, bytes.fromhex(key)): since
            for key, since in connection.execute(found.order_by(POSITION.c.id))
        }


def enter(
    store: Store,
    market: Market,
    book: Book[Any, Any, Any],
    since: Members,
    proofs: Collection[Proof],
    upto: Span | None = None,
) -> None:
    """The book stands at its block, and those in `since` are its members. Only holdings that changed are written. `upto` are blocks
    whose debt logs are read by now.

    `StoreError` when the block's number is stored with another hash: `history.orphan` that one first.
    """
    number = book.block.number
    with store.write() as connection:
        of = surveyed(connection, market, book.block, book.terms, book.quote, len(book.holdings))
        _enter(connection, of, since)
        insert(connection, HOLDING, list(_changed(connection, of, number, book.holdings)), new=False)
        stands(connection, of, book.block)
        prove(connection, of, proofs)
        if upto is not None:
            _read(connection, of, DEBT, upto)


def standing(store: Store, of: Adapter[T, Q, H], market: Market) -> Book[T, Q, H] | None:
    """The book as it was entered last; None where there is none that stands."""
    with store.read() as connection:
        row = connection.execute(select(FOLLOW).join(MARKET).where(*_is(market))).first()
        if row is None:
            return None
        block = BlockRef(row.number, row.timestamp, market.chain, row.hash)
        facts = [trail.last(connection, table, row.market_id, row.number) for table in (TERMS, QUOTE)]
        if facts[0] is None or facts[1] is None:
            return None
        holdings = {
            PositionKey(market.name, bytes.fromhex(key)): decode(of.holding_type, body)
            for key, _, body in _held(connection, row.market_id, row.number)
            if body is not None
        }
        return Book(decode(of.terms_type, facts[0].body), decode(of.quote_type, facts[1].body), holdings, block)


def prove(connection: Connection, market: int, proofs: Iterable[Proof]) -> None:
    """Proofs of a block in place of earlier ones of the same block and token."""
    for one in proofs:
        here = (COVERAGE.c.market_id == market, COVERAGE.c.number == one.number, COVERAGE.c.token == one.token)
        connection.execute(delete(COVERAGE).where(*here))
        insert(connection, COVERAGE, [(market, one.number, one.token, one.booked, one.total)])


def covered(store: Store, market: Market, proofs: Collection[Proof]) -> None:
    """The coverage of a book at a block."""
    with store.write() as connection:
        prove(connection, market_id(connection, market), proofs)


def audited(store: Store, market: Market, audit: Audit) -> None:
    """The outcome of one audit."""
    with store.write() as connection:
        of = market_id(connection, market)
        connection.execute(delete(SAMPLE).where(SAMPLE.c.market_id == of, SAMPLE.c.number == audit.number))
        insert(connection, SAMPLE, [(of, audit.number, audit.looked, audit.mismatches)])


def proofs(store: Store, market: Market) -> tuple[Proof, ...]:
    """The coverage of the newest block that has one."""
    newest = select(func.max(COVERAGE.c.number)).join(MARKET).where(*_is(market)).scalar_subquery()
    found = select(COVERAGE).join(MARKET).where(*_is(market), COVERAGE.c.number == newest).order_by(COVERAGE.c.token)
    with store.read() as connection:
        return tuple(
            Proof(row.number, to_checksum_address(row.token), row.booked, row.total)
            for row in connection.execute(found)
        )


def audits(store: Store, market: Market) -> tuple[Audit, ...]:
    """Every audit, newest first."""
    found = select(SAMPLE).join(MARKET).where(*_is(market)).order_by(SAMPLE.c.number.desc())
    with store.read() as connection:
        return tuple(Audit(row.number, row.looked, row.mismatches) for row in connection.execute(found))


def _is(market: Market) -> list[Any]:
    return [
        MARKET.c.chain == market.chain,
        MARKET.c.protocol == market.protocol,
        MARKET.c.address == market.address,
        MARKET.c.ident == market.id.hex(),
    ]


def _kind(market: int, kind: str) -> tuple[Any, Any]:
    return DISCOVERY.c.market_id == market, DISCOVERY.c.kind == kind


def _enter(connection: Connection, market: int, members: Members) -> None:
    """Positions and members that are not there yet. An earlier block takes the place of a later one."""
    keys = [key.key.hex() for key in members]
    insert(connection, POSITION, [(market, key) for key in keys], new=False)
    known: dict[str, tuple[int, bool, int | None]] = {}
    for start in range(0, len(keys), MANY):
        known |= _members(connection, market, keys[start : start + MANY])
    sinces = {key.key.hex(): since for key, since in members.items()}
    insert(connection, MEMBER, [(row, sinces[key]) for key, (row, there, _) in known.items() if not there])
    for key, (row, there, before) in known.items():
        since = sinces[key]
        if there and since is not None and (before is None or since < before):
            connection.execute(update(MEMBER).where(MEMBER.c.position_id == row).values(since=since))


def _members(connection: Connection, market: int, keys: Sequence[str]) -> dict[str, tuple[int, bool, int | None]]:
    """By key: the position's row, whether it is a member, and since when."""
    found = select(POSITION.c.key, POSITION.c.id, MEMBER.c.position_id, MEMBER.c.since)
    where = (POSITION.c.market_id == market, POSITION.c.key.in_(keys))
    rows = connection.execute(found.select_from(POSITION.outerjoin(MEMBER)).where(*where))
    return {key: (row, member is not None, since) for key, row, member, since in rows}


def _read(connection: Connection, market: int, kind: str, span: Span) -> None:
    """One more range; those that it touches or overlaps become one with it."""
    touching = (*_kind(market, kind), DISCOVERY.c.first <= span[1] + 1, DISCOVERY.c.last >= span[0] - 1)
    known = connection.execute(select(DISCOVERY.c.first, DISCOVERY.c.last).where(*touching)).all()
    connection.execute(delete(DISCOVERY).where(*touching))
    first = min([span[0], *(row.first for row in known)])
    last = max([span[1], *(row.last for row in known)])
    insert(connection, DISCOVERY, [(market, kind, first, last)])


def _held(connection: Connection, market: int, number: int) -> Iterator[tuple[str, int, bytes | None]]:
    """Every member's key and row, with the holding that is true at a block."""
    body = (
        select(HOLDING.c.body)
        .where(HOLDING.c.position_id == POSITION.c.id, HOLDING.c.number <= number)
        .order_by(HOLDING.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = select(POSITION.c.key, POSITION.c.id, body).select_from(MEMBER.join(POSITION))
    rows = connection.execute(found.where(POSITION.c.market_id == market).order_by(POSITION.c.id))
    yield from (tuple(row) for row in rows)


def _changed(
    connection: Connection, market: int, number: int, holdings: Mapping[PositionKey, Any]
) -> Iterator[tuple[int, int, None, bytes]]:
    """Rows for the holdings that are not the ones that held there already."""
    by_key = {key.key.hex(): holding for key, holding in holdings.items()}
    for key, row, before in _held(connection, market, number):
        if key in by_key and (body := encode(by_key[key])) != before:
            yield row, number, None, body
