"""Aave V3 of every version against answers of that version's own source: see vectors/README.md for how they came about."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Which
from watcher.adapters.aave_v3.account import account
from watcher.adapters.aave_v3.facts import Balance, Category, Holding, Quote, Reserve, State, Terms, configuration
from watcher.adapters.aave_v3.quote import accrue
from watcher.adapters.aave_v3.value import value
from watcher.adapters.aave_v3.words import NOBODY, Body, Head, Tail, Words
from watcher.formula.aave import interest
from watcher.formula.aave.version import Version, version
from watcher.model import Market, Moment, PositionKey, Token, Unit
from watcher.units import MAX, RAY, WAD, Raw, Ray

VECTORS = Path(__file__).with_name("vectors")
RELEASES = ("3_0", "3_1", "3_2", "3_3", "3_4", "3_5", "3_6", "3_7")
GENERATIONS = (("3_0", "3_1", "3_2", "3_3"), ("3_4",), ("3_5", "3_6", "3_7"))
Row: TypeAlias = dict[str, Any]


@cache
def vectors(release: str) -> Row:
    found: Row = json.loads((VECTORS / f"aave_v3_{release}.json").read_text())
    return found


def rows(release: str, table: str) -> list[Row]:
    """The rows of a table by the names of its columns, nested rows too."""
    found = vectors(release)[table]
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


POOL = address(9, 0)
MARKET = Market(1, "aave-v3", "test/aave-v3", POOL)
KEY = PositionKey(MARKET.name, bytes.fromhex(address(8, 0)[2:]))


def word(reserve: Row) -> int:
    """The configuration word as the pool packs it (DataTypes.ReserveConfigurationMap)."""
    places = (
        ("ltv", 0),
        ("lt", 16),
        ("bonus", 32),
        ("decimals", 48),
        ("fee", 152),
        ("category", 168),
        ("virtual", 252),
    )
    return sum(int(reserve.get(name, 0)) << start for name, start in places) | 1 << 56 | 1 << 58


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
            grace_until=0,
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
        sentinel=None,
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
            deposits=reserve["scaled_balance"],
            debts=reserve["scaled_debt"],
            treasury=0,
            unbacked=Raw(0),
            deficit=Raw(0),
            isolated=0,
            free=Raw(0),
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
    return Quote(at=None, states=states, prices=prices, pulses=(), can_borrow=True, can_liquidate=True)


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


@pytest.mark.parametrize("release", RELEASES)
def test_interest_is_what_that_version_charges(release: str) -> None:
    which = version(vectors(release)["pool_revision"])
    for row in rows(release, "interest"):
        seconds = row["now"] - row["last"]
        assert {
            "income_index": interest.income(row["index"], row["rate"], seconds),
            "debt_index": interest.owed(which, row["index"], row["rate"], seconds),
            "compounded": interest.compounded(which, row["rate"], seconds),
            "linear": interest.linear(row["rate"], seconds),
        }.items() <= row.items()


@pytest.mark.parametrize("release", RELEASES)
def test_every_field_of_an_account_is_what_that_version_answers(release: str) -> None:
    for number, row in enumerate(rows(release, "accounts")):
        known, at, held = position(release, row)
        seen = value(known, at, held)
        ours = {
            "collateral": seen.collateral,
            "debt": seen.debt,
            "available": seen.available,
            "threshold": seen.threshold,
            "ltv": seen.ltv,
            "health": MAX if seen.health is None else seen.health,
            "zero_ltv": int(account(known, at, held).zero_ltv),
        }
        assert ours == row["out"], f"row {number}"


@pytest.mark.parametrize("release", RELEASES)
def test_an_account_is_liquidatable_exactly_when_that_version_puts_it_below_one(release: str) -> None:
    for row in rows(release, "accounts"):
        seen = value(*position(release, row))
        assert seen.liquidatable == (seen.line.weighted < seen.line.owed) == (row["out"]["health"] < WAD)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_vectors_of_a_generation_cover_what_could_go_wrong(generation: tuple[str, ...]) -> None:
    charged = [row for release in generation for row in rows(release, "interest")]
    assert len(charged) >= 200
    assert {0, 1, 2} <= {row["now"] - row["last"] for row in charged}
    assert max(row["now"] - row["last"] for row in charged) > 31_536_000
    found = [row for release in generation for row in rows(release, "accounts")]
    assert len(found) >= 200
    assert counted(found).keys() == {name for name, times in counted(found).items() if times >= 5}


def counted(found: list[Row]) -> dict[str, int]:
    """How many rows show each case of the list in the issue."""
    held = [[each for each in row["reserves"] if each["collateral"]] for row in found]
    modes = [row["categories"][row["mode"] - 1] if row["mode"] else None for row in found]
    gaps = [row["out"]["health"] - WAD for row in found]
    return {
        "no debt": sum(row["out"]["health"] == MAX for row in found),
        "dust": sum(0 < row["out"]["debt"] < 10**8 for row in found),
        "several collaterals": sum(len(each) > 1 for each in held),
        "in e-mode": sum(mode is not None for mode in modes),
        "disabled collateral": sum(
            any(each["scaled_balance"] and not each["collateral"] for each in row["reserves"]) for row in found
        ),
        "loan-to-value 0": sum(row["out"]["zero_ltv"] for row in found),
        "threshold 0": sum(any(each["lt"] == 0 for each in reserves) for reserves in held),
        "threshold 0 in e-mode": sum(
            any(each["lt"] == 0 for each in reserves) and mode is not None
            for reserves, mode in zip(held, modes, strict=True)
        ),
        "just below one": sum(-(10**12) < gap < 0 for gap in gaps),
        "just at or above one": sum(0 <= gap < 10**12 for gap in gaps),
        **{
            f"{digits} decimals": sum(any(each["decimals"] == digits for each in reserves) for reserves in held)
            for digits in (6, 8, 18)
        },
        "fresh, one and two seconds old": min(
            sum(any(row["now"] - each["last"] == age for each in row["reserves"]) for row in found) for age in range(3)
        ),
        "an index that has grown": sum(any(each["borrow_index"] > RAY for each in row["reserves"]) for row in found),
    }
