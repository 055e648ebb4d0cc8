"""Aave V3 of every version against answers of that version's own source: see vectors/README.md for how they came about."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Acted, Action, Borrow, Liquidation, Refusal, Repay, SetMode, Supply, Which, Withdraw
from watcher.adapters.aave_v3.account import account
from watcher.adapters.aave_v3.act import act
from watcher.adapters.aave_v3.facts import Balance, Category, Holding, Quote, Reserve, State, Terms, configuration
from watcher.adapters.aave_v3.liquidate import liquidate
from watcher.adapters.aave_v3.quote import accrue
from watcher.adapters.aave_v3.value import value
from watcher.adapters.aave_v3.words import NOBODY, Body, Head, Tail, Words
from watcher.formula.aave import interest
from watcher.formula.aave.version import Version, version
from watcher.model import Blocked, Market, Moment, PositionKey, Token, Unit
from watcher.units import MAX, RAY, WAD, Raw, Ray

VECTORS = Path(__file__).with_name("vectors")
RELEASES = ("3_0", "3_1", "3_2", "3_3", "3_4", "3_5", "3_6", "3_7")
GENERATIONS = (("3_0", "3_1", "3_2", "3_3"), ("3_4",), ("3_5", "3_6", "3_7"))
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


def said(reason: str) -> str:
    """The name of an error whatever its spelling: until 3.3 the pool answers with the number of a constant, the vectors with its name."""
    return {"Panic(17)": "arithmetic underflow or overflow"}.get(reason, reason.replace("_", "").casefold())


BLOCKED = {
    "reserveinactive": Blocked.PAUSED,
    "reservepaused": Blocked.PAUSED,
    "liquidationgracesentinelcheckfailed": Blocked.GRACE,
    "priceoraclesentinelcheckfailed": Blocked.SENTINEL,
}


@pytest.mark.parametrize("release", RELEASES)
def test_the_largest_liquidation_is_what_an_unlimited_call_does(release: str) -> None:
    """Where it would leave dust, the vectors hold the largest call that goes through, found by bisection on the contract."""
    for number, row in enumerate(rows(release, "liquidations")):
        if row["cover"] != MAX or row["self"]:
            continue
        known, at, held = position(release, row)
        debt, collateral = (known.reserves[row[side]].token.address for side in ("debt_id", "collateral_id"))
        ours = liquidate(known, at, held, debt, collateral)
        error = said(row["error"] or "")
        if error in BLOCKED:
            assert isinstance(ours, Liquidation) and ours.blocked is BLOCKED[error], f"row {number}"
        elif row["error"] and not row["largest"]:
            assert isinstance(ours, Refusal) and said(ours.reason) == error, f"row {number}: {ours}"
        else:
            repay, seized, fee = row["largest"][1:] if row["largest"] else (row["repay"], row["collateral"], row["fee"])
            assert isinstance(ours, Liquidation) and ours.blocked is None, f"row {number}: {ours}"
            assert (ours.repay, ours.seize, ours.fee) == (repay, seized + fee, fee), f"row {number}"
            if not row["largest"] and known.version >= Version.V3_3:
                assert ours.deficit == row["deficits"][row["debt_id"]], f"row {number}"


@pytest.mark.parametrize("release", RELEASES)
def test_an_action_leaves_what_that_version_leaves_or_is_refused_for_the_same_reason(release: str) -> None:
    for number, row in enumerate(rows(release, "actions")):
        known, at, held = position(release, row)
        ours = act(known, at, held, action(known, row))
        if row["error"]:
            assert isinstance(ours, Refusal) and said(ours.reason) == said(row["error"]), f"row {number}: {ours}"
            continue
        assert isinstance(ours, Acted), f"row {number}: {ours}"
        after = ours.holding
        assert after.flags == row["flags"] and after.mode == row["mode_after"], f"row {number}"
        balances = [after.balance(reserve.id) for reserve in known.reserves]
        assert [each.deposit for each in balances] == row["scaled_balances"], f"row {number}"
        assert [each.debt for each in balances] == row["scaled_debts"], f"row {number}"
        seen = value(known, ours.quote, after)
        health = MAX if seen.health is None else seen.health
        figures = [seen.collateral, seen.debt, seen.available, seen.threshold, seen.ltv, health]
        assert figures == row["account"], f"row {number}"


def action(known: Terms, row: Row) -> Action:
    if row["action"] == "mode":
        return SetMode(row["amount"])
    kinds: dict[str, type[Supply | Withdraw | Borrow | Repay]] = {
        "supply": Supply,
        "withdraw": Withdraw,
        "borrow": Borrow,
        "repay": Repay,
    }
    return kinds[row["action"]](known.reserves[row["reserve_id"]].token.address, row["amount"])


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
