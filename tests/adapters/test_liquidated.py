"""Liquidations out of the logs of a block: whose fee and whose deficit is which."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import ChecksumAddress, HexStr

from tests.adapters.situations import ASSETS, OWNERS, POOL, aave_terms, address
from watcher.adapter import Event, Liquidated
from watcher.adapters.aave_v3 import ADAPTER
from watcher.adapters.aave_v3.liquidated import CALL, DEFICIT, TRANSFER
from watcher.formula.aave.version import Version
from watcher.oracle.feed import NOBODY

ADA, BOB, LIQUIDATOR = OWNERS
TREASURY = address(0x99)
WETH, USDC = ASSETS[0][0].address, ASSETS[2][0].address
RECEIPT = address(0x30)  # the aToken of WETH
Row = tuple[str, ChecksumAddress, tuple[Any, ...]]


def told(rows: list[Row], version: Version = Version.V3_6) -> tuple[Liquidated, ...]:
    """The logs of one block, in order, through the adapter."""
    terms = aave_terms(version)
    events = [Event(name, at, args, 7, HexStr("0x" + "00" * 32), index) for index, (name, at, args) in enumerate(rows)]
    assert ADAPTER.liquidations is not None
    assert ADAPTER.beside is not None
    read = ADAPTER.liquidations(terms).read
    called = [(event, read(event)) for event in events if event.name == CALL]
    return ADAPTER.beside.settle(terms, called, [event for event in events if event.name != CALL])


def call(who: ChecksumAddress, taken: int = 1_000, *, keep: bool = False) -> Row:
    return CALL, POOL.address, (WETH, USDC, who, 500, taken, LIQUIDATOR, keep)


def moved(who: ChecksumAddress, to: ChecksumAddress, amount: int, token: ChecksumAddress = RECEIPT) -> Row:
    return TRANSFER, token, (who, to, amount)


def fees(rows: list[Row]) -> list[int | None]:
    return [one.fee for one in told(rows)]


def test_the_fee_follows_the_burnt_seizure() -> None:
    assert fees([moved(ADA, NOBODY, 1_000), moved(ADA, TREASURY, 40), call(ADA)]) == [40]
    assert fees([moved(ADA, NOBODY, 1_000), call(ADA)]) == [0]


def test_a_liquidator_who_keeps_the_receipt_is_not_the_treasury() -> None:
    assert fees([moved(ADA, LIQUIDATOR, 1_000), moved(ADA, TREASURY, 40), call(ADA, keep=True)]) == [40]
    assert fees([moved(ADA, LIQUIDATOR, 1_000), call(ADA, keep=True)]) == [0]


def test_where_interest_exceeds_the_seizure_only_the_fee_is_seen_to_leave() -> None:
    assert fees([moved(ADA, TREASURY, 40), call(ADA)]) == [40]
    assert fees([call(ADA)]) == [0]


def test_what_a_borrower_moved_before_and_what_others_moved_is_no_fee() -> None:
    before = [moved(ADA, BOB, 7), moved(ADA, NOBODY, 1_000), call(ADA)]
    assert fees(before) == [0]
    others = [moved(ADA, NOBODY, 1_000), moved(ADA, TREASURY, 9, address(0x31)), moved(BOB, TREASURY, 9), call(ADA)]
    assert fees(others) == [0]


def test_several_liquidations_of_one_block_keep_what_is_theirs() -> None:
    rows = [
        *(moved(ADA, NOBODY, 1_000), moved(ADA, TREASURY, 40), call(ADA)),
        *(moved(BOB, NOBODY, 800), (DEFICIT, POOL.address, (BOB, USDC, 5)), moved(BOB, TREASURY, 30), call(BOB, 800)),
        *(moved(ADA, NOBODY, 600), moved(ADA, TREASURY, 20), (DEFICIT, POOL.address, (ADA, WETH, 3)), call(ADA, 600)),
    ]
    found = told(rows)
    assert [(one.fee, one.taken) for one in found] == [(40, 1_000), (30, 800), (20, 600)]
    assert [one.written_off for one in found] == [(), ((USDC, 5),), ((WETH, 3),)]


@pytest.mark.parametrize(("version", "expected"), [(Version.V3_2, None), (Version.V3_3, ())])
def test_a_version_that_never_writes_off_says_so(version: Version, expected: object) -> None:
    (one,) = told([moved(ADA, NOBODY, 1_000), call(ADA)], version)
    assert one.written_off == expected
