"""A row of the Aave V3 vectors as the facts that the adapter would have read: see vectors/README.md."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Which
from watcher.adapters.aave_v3.facts import Balance, Category, Holding, Quote, Reserve, State, Terms, configuration
from watcher.adapters.aave_v3.quote import accrue
from watcher.adapters.aave_v3.words import Body, Head, Tail, Words
from watcher.formula.aave.version import Version, version
from watcher.model import Market, Moment, PositionKey, Token, Unit
from watcher.oracle.feed import NOBODY
from watcher.units import Raw, Ray

VECTORS = Path(__file__).with_name("vectors")
Row: TypeAlias = dict[str, Any]


@cache
def vectors(name: str) -> Row:
    found: Row = json.loads((VECTORS / f"aave_v3_{name}.json").read_text())
    return found


def rows(release: str, table: str) -> list[Row]:
    """The rows of a table by the names of its columns, nested rows too."""
    found = vectors(f"{release}_actions" if table == "actions" else release)[table]
    named = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
    for row in named:
        for inner, columns in (("reserves", "reserve_columns"), ("categories", "category_columns")):
            if inner in row:
                row[inner] = [dict(zip(found[columns], each, strict=True)) for each in row[inner]]
        if "out" in row:
            row["out"] = dict(zip(found["out_columns"], row["out"], strict=True))
    return named


def address(kind: int, place: int) -> ChecksumAddress:
    return to_checksum_address((kind * 1000 + place + 1).to_bytes(20, "big"))


PLACES = {
    "ltv": 0,
    "lt": 16,
    "bonus": 32,
    "decimals": 48,
    "active": 56,
    "frozen": 57,
    "borrowable": 58,
    "paused": 60,
    "isolation_borrowable": 61,
    "siloed": 62,
    "factor": 64,
    "borrow_cap": 80,
    "supply_cap": 116,
    "fee": 152,
    "category": 168,
    "debt_ceiling": 212,
    "virtual": 252,
}
POOL = address(9, 0)
MARKET = Market(1, "aave-v3", "test/aave-v3", POOL)
KEY = PositionKey(MARKET.name, bytes.fromhex(address(8, 0)[2:]))


def word(reserve: Row) -> int:
    """The configuration word as the pool packs it (DataTypes.ReserveConfigurationMap)."""
    return sum(int(reserve.get(name, name in ("active", "borrowable"))) << start for name, start in PLACES.items())


def terms(release: Version, row: Row) -> Terms:
    reserves = tuple(
        Reserve(
            id=place,
            token=Token(address(1, place), f"T{place}", reserve["decimals"]),
            deposit=address(2, place),
            debt=address(3, place),
            stable=address(4, place) if release < Version.V3_2 else None,
            rules=configuration(word(reserve)),
            strategy=None,
            grace_until=reserve.get("grace", 0),
        )
        for place, reserve in enumerate(row["reserves"])
    )
    categories = tuple(category(release, place, each, reserves) for place, each in enumerate(row["categories"]))
    sources = tuple(Token(each.price_source, "e-mode", 0) for each in categories if each.price_source)
    empty = Words(Head(0, NOBODY, ()), Body(NOBODY, NOBODY, NOBODY, (), ()), Tail(NOBODY, 10**8, (), (), (), ()))
    assets = (*(reserve.token for reserve in reserves), *sources)
    return Terms(
        market=MARKET,
        version=release,
        words=empty,
        unit=Unit("USD", 8),
        sentinel=address(6, 0) if row.get("sentinel") and release < Version.V3_7 else None,
        reserves=reserves,
        categories=categories,
        assets=assets,
        sources=(NOBODY,) * len(assets),
        feeds=(),
    )


def category(release: Version, place: int, each: Row, reserves: tuple[Reserve, ...]) -> Category:
    """Until 3.1 a reserve names its one category; the adapter's terms hold that as a bitmap."""
    members = sum(1 << reserve.id for reserve in reserves if reserve.rules.mode == place + 1)
    old = release < Version.V3_2
    return Category(
        id=place + 1,
        ltv=each["ltv"],
        threshold=each["lt"],
        bonus=each["bonus"],
        collateral=members if old else each["collateral_bitmap"],
        borrowable=members if old else each["borrowable_bitmap"],
        ltv_zero=each["ltvzero_bitmap"],
        isolated=bool(each["isolated"]),
        price_source=None if each["price"] is None else address(5, place),
    )


def quote(row: Row) -> Quote:
    states = tuple(
        State(
            index=Ray(reserve["liquidity_index"]),
            rate=Ray(reserve["liquidity_rate"]),
            debt_index=Ray(reserve["borrow_index"]),
            debt_rate=Ray(reserve["borrow_rate"]),
            updated=reserve["last"],
            deposits=reserve.get("total_balance", reserve["scaled_balance"]),
            debts=reserve.get("total_debt", reserve["scaled_debt"]),
            treasury=reserve.get("treasury", 0),
            unbacked=Raw(0),
            deficit=Raw(0),
            isolated=0,
            free=Raw(reserve.get("free", 0)),
            stable_principal=Raw(0),
            stable_rate=Ray(0),
            stable_updated=row["now"],
            income=Ray(0),
            owed=Ray(0),
        )
        for reserve in row["reserves"]
    )
    shared = (each["price"] for each in row["categories"] if each["price"] is not None)
    prices = (*(reserve["price"] for reserve in row["reserves"]), *shared)
    allowed = not row.get("sentinel") or bool(row["sentinel_allows"])
    return Quote(at=None, states=states, prices=prices, pulses=(), can_borrow=allowed, can_liquidate=allowed)


def holding(row: Row) -> Holding:
    """Stable debt is given as the token's balance now: a principal that has just been taken."""
    flags = sum(
        (each["borrowing"] | each["collateral"] << 1) << 2 * place for place, each in enumerate(row["reserves"])
    )
    balances = (
        Balance(place, each["scaled_balance"], each["scaled_debt"], each["stable_debt"], 0, row["now"])
        for place, each in enumerate(row["reserves"])
    )
    held = tuple(each for each in balances if each.deposit or each.debt or each.principal)
    return Holding(KEY, flags, row["mode"], held)


def position(release: str, row: Row) -> tuple[Terms, Quote, Holding]:
    """The row as the adapter would have read it, brought to its moment."""
    known = terms(version(vectors(release)["pool_revision"]), row)
    return known, accrue(known, quote(row), Moment(1, row["now"]), Which.ALL), holding(row)
