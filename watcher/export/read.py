"""Rows out of the store, one at a time and in one consistent view, with where they come from."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from importlib.metadata import version
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from watcher.adapters import adapter
from watcher.errors import StoreError
from watcher.export.appraisal import PLAIN
from watcher.export.schema import Sheet
from watcher.store import trail
from watcher.store.facts import decode
from watcher.store.open import Store
from watcher.store.outbox import Said
from watcher.store.risk_tables import APPRAISAL
from watcher.store.tables import BLOCK, CYCLE, HOLDING, MARKET, POSITION, QUOTE, READING, TERMS, TRANSITION

AT_ONCE: Final = 1_000  # rows that the database hands over together
SOURCE: Final = {
    Sheet.READINGS: READING,
    Sheet.HOLDINGS: HOLDING,
    Sheet.QUOTES: QUOTE,
    Sheet.TERMS: TERMS,
    Sheet.TRANSITIONS: TRANSITION,
    Sheet.CYCLES: CYCLE,
    Sheet.APPRAISALS: APPRAISAL,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What to export: rows from the time `since` on (Unix seconds), of one chain, some markets, one position's key; all by default."""

    since: int = 0
    chain: int | None = None
    markets: tuple[str, ...] = ()
    account: bytes | None = None


@dataclass(frozen=True, slots=True)
class Extract:
    """`origin` as plain json, and the rows, which can be had once."""

    origin: Mapping[str, Any]
    rows: Iterator[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Formulas:
    """By which rules each market was computed at a block: the words of its adapter about the terms that held there."""

    connection: Connection
    known: dict[int, list[tuple[int, str]]] = field(default_factory=dict)

    def of(self, market: int, protocol: str) -> list[tuple[int, str]]:
        """From which block on which rules."""
        if market not in self.known:
            found: list[tuple[int, str]] = []
            for mark in trail.walk(self.connection, TERMS, market, -1):
                rules = _rules(protocol, mark.body)
                if not found or found[-1][1] != rules:
                    found.append((mark.number, rules))
            self.known[market] = found
        return self.known[market]

    def at(self, row: Row[Any]) -> str | None:
        return None if row.number is None else self.by(row.market, row.protocol, row.number)

    def by(self, market: int, protocol: str, number: int) -> str | None:
        """The rules at a block; None where no terms of it are stored."""
        found = self.of(market, protocol)
        place = bisect_right(found, number, key=lambda one: one[0])
        return found[place - 1][1] if place else None


@contextmanager
def extract(store: Store, sheet: Sheet, scope: Scope) -> Iterator[Extract]:
    """All rows of a sheet within `scope`, in the order of positions or markets and blocks, as of now whatever is written meanwhile."""
    with store.read() as connection:
        formulas = Formulas(connection)
        chosen = _chosen(sheet, scope)
        origin = {
            "export": sheet.value,
            "program": version("lending-watcher"),
            "written_by": _programs(connection, scope),
            "since": scope.since or None,
            "blocks": _blocks(connection, chosen),
            "formulas": _formulas(connection, formulas, scope),
        }
        found = connection.execution_options(stream_results=True, yield_per=AT_ONCE).execute(chosen)
        read = _opened(connection, sheet) if sheet in (Sheet.TERMS, Sheet.QUOTES) else READERS[sheet]
        yield Extract(origin, ({**_common(row, formulas), **read(row)} for row in found))


def _within(scope: Scope) -> list[Any]:
    where = [] if scope.chain is None else [MARKET.c.chain == scope.chain]
    return [*where, MARKET.c.name.in_(scope.markets)] if scope.markets else where


def _chosen(sheet: Sheet, scope: Scope) -> Select[Any]:
    """Rows of the sheet's table with their market, block and cycle."""
    table = SOURCE[sheet]
    cells = [
        column for column in table.c if column.name not in {"market_id", "position_id", "chain", "timestamp", "hash"}
    ]
    labels = (MARKET.c.id.label("market"), MARKET.c.name, MARKET.c.chain, MARKET.c.protocol, MARKET.c.unit)
    found, where = select(*cells, *labels, MARKET.c.decimals), _within(scope)
    joined: Any = table
    if "position_id" in table.c:
        joined = joined.join(POSITION, POSITION.c.id == table.c.position_id)
        joined = joined.join(MARKET, MARKET.c.id == POSITION.c.market_id)
        found = found.add_columns(POSITION.c.key)
        if scope.account is not None:
            where.append(POSITION.c.key == scope.account.hex())
    else:
        joined = joined.join(MARKET, MARKET.c.id == table.c.market_id)
    if table is TRANSITION:  # it outlives its block
        found, time = found.add_columns(TRANSITION.c.hash, TRANSITION.c.timestamp), TRANSITION.c.timestamp
    else:
        here = (BLOCK.c.chain == MARKET.c.chain) & (BLOCK.c.number == table.c.number)
        joined, found = joined.outerjoin(BLOCK, here), found.add_columns(BLOCK.c.hash, BLOCK.c.timestamp)
        time = CYCLE.c.time if table is CYCLE else BLOCK.c.timestamp
    if table is not CYCLE:
        joined = joined.outerjoin(CYCLE, (CYCLE.c.market_id == MARKET.c.id) & (CYCLE.c.number == table.c.number))
        found = found.add_columns(CYCLE.c.program)
    if scope.since:
        where.append(time >= scope.since)
    order = {TRANSITION: (TRANSITION.c.place,), CYCLE: (CYCLE.c.id,)}.get(table, tuple(table.primary_key.columns))
    return found.select_from(joined).where(*where).order_by(*order)


def _blocks(connection: Connection, chosen: Select[Any]) -> list[dict[str, int]]:
    """Of every chain the first and the last block, and how many rows."""
    rows = chosen.order_by(None).subquery()
    per = select(rows.c.chain, func.min(rows.c.number), func.max(rows.c.number), func.count()).group_by(rows.c.chain)
    return [
        {"chain": chain, "first": first, "last": last, "rows": count}
        for chain, first, last, count in connection.execute(per.order_by(rows.c.chain))
    ]


def _programs(connection: Connection, scope: Scope) -> list[str]:
    found = select(CYCLE.c.program).join(MARKET, MARKET.c.id == CYCLE.c.market_id).where(*_within(scope)).distinct()
    return sorted(connection.scalars(found))


def _formulas(connection: Connection, formulas: Formulas, scope: Scope) -> list[dict[str, Any]]:
    found = select(MARKET.c.id, MARKET.c.chain, MARKET.c.name, MARKET.c.protocol, MARKET.c.address, MARKET.c.ident)
    return [
        {
            "chain": row.chain,
            "market": row.name,
            "protocol": row.protocol,
            "contract": row.address,
            "id": f"0x{row.ident}" if row.ident else None,
            "rules": [{"from_block": number, "rules": rules} for number, rules in formulas.of(row.id, row.protocol)],
        }
        for row in connection.execute(found.where(*_within(scope)).order_by(MARKET.c.id)).all()
    ]


def _rules(protocol: str, body: bytes) -> str:
    of = adapter(protocol)
    try:
        terms = decode(of.terms_type, body)
    except StoreError as error:
        return f"{protocol}: not known to this program ({error})"
    return protocol if of.makeup is None else of.makeup(terms).rules


def _common(row: Row[Any], formulas: Formulas) -> dict[str, Any]:
    """What every sheet has of its market, position and block."""
    common = {
        "chain": row.chain,
        "market": row.name,
        "protocol": row.protocol,
        "formula": formulas.at(row),
        "program": row.program,
        "block": row.number,
        "block_hash": row.hash,
        "time": row.timestamp,
    }
    return {**common, "position": f"0x{row.key}"} if "key" in row._fields else common


def _reading(row: Row[Any]) -> dict[str, Any]:
    plain = ("status", "unit", "decimals", "confirmed", "exact", "backfilled", "reason")
    doubts = "; ".join(f"{kind}: {text}" for kind, text in json.loads(row.doubts or "[]"))
    return {
        **{name: row._mapping[name] for name in plain},
        **both("health", row.health, 18),
        **both("collateral", row.collateral, row.decimals),
        **both("debt", row.debt, row.decimals),
        "doubts": doubts or None,
    }


def _holding(row: Row[Any]) -> dict[str, Any]:
    return {"words": words(decode(adapter(row.protocol).holding_type, row.body))}


def _opened(connection: Connection, sheet: Sheet) -> Callable[[Row[Any]], dict[str, Any]]:
    """Terms or quotes, market by market in the order of blocks: most are differences to the one before."""
    known: dict[int, trail.Mark] = {}

    def read(row: Row[Any]) -> dict[str, Any]:
        of = adapter(row.protocol)
        change = (row.number, row.base, row.body)
        mark = trail.read(connection, SOURCE[sheet], row.market, change, known.get(row.market))
        known[row.market] = mark
        return {"words": words(decode(of.terms_type if sheet is Sheet.TERMS else of.quote_type, mark.body))}

    return read


def _transition(row: Row[Any]) -> dict[str, Any]:
    plain = ("id", "read_at", "before", "after", "confirmed", "due", "retracts", "recovers", "orphaned")
    return {
        **{name: row._mapping[name] for name in plain},
        **both("health_before", row.health_before, 18),
        **both("health", row.health, 18),
        "cause": decode(Said, row.said).cause or None,
    }


def _cycle(row: Row[Any]) -> dict[str, Any]:
    counts = {name: row._mapping[name] for name in ("positions", "audited", "mismatches", "error")}
    return {**counts, "run_at": row.time, "error_kind": row.kind}


def _appraisal(row: Row[Any]) -> dict[str, Any]:
    return {
        **{name: row._mapping[name] for name in PLAIN},
        "missing": "; ".join(json.loads(row.missing or "[]")) or None,
        "details": json.loads(row.details or "{}"),
    }


READERS: Final[dict[Sheet, Callable[[Row[Any]], dict[str, Any]]]] = {
    Sheet.READINGS: _reading,
    Sheet.HOLDINGS: _holding,
    Sheet.TRANSITIONS: _transition,
    Sheet.CYCLES: _cycle,
    Sheet.APPRAISALS: _appraisal,
}


def both(name: str, integer: int | None, decimals: int | None) -> dict[str, Any]:
    """The exact integer and the nearest float; the float is missing where the unit is."""
    whole = None if integer is None or decimals is None else integer / 10**decimals
    return {f"{name}_exact": integer, name: whole}


def words(fact: Any) -> Any:
    """A fact as plain json: every integer as text, bytes as 0x hex."""
    if isinstance(fact, Enum):
        return words(fact.value)
    if fact is None or isinstance(fact, (bool, str)):
        return fact
    if isinstance(fact, int):
        return str(fact)
    if isinstance(fact, bytes):
        return f"0x{fact.hex()}"
    if isinstance(fact, tuple):
        return [words(one) for one in fact]
    if is_dataclass(fact):
        return {one.name: words(getattr(fact, one.name)) for one in fields(fact)}
    raise TypeError(f"no exact json for {type(fact).__name__}")
