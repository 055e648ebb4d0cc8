from __future__ import annotations

import pytest

from tests.health.toy import BLOCK, KEY, ONE, A, B, position
from watcher.errors import CallReverted, WatcherError
from watcher.health.status import read, status, urgency
from watcher.model import Doubt, DoubtKind, PositionKey, Status

PRICES = {A: 100, B: 100}
LT = {A: 8_000}
STALE = Doubt(DoubtKind.STALE, "the price of A is a day old")


def test_the_contract_comparison_decides_at_the_line() -> None:
    # 10 A at 80 % is 8.00: owing 8.00 stands, one raw unit more (a hundredth of a cent, rounded up to a cent) falls
    assert status(position(PRICES, LT, {A: 10 * ONE}, {B: 8 * ONE}).value()) is Status.OWING
    assert status(position(PRICES, LT, {A: 10 * ONE}, {B: 8 * ONE + 1}).value()) is Status.LIQUIDATABLE


def test_f41_extremes_have_states_of_their_own() -> None:
    assert status(position(PRICES, LT, {A: 10 * ONE}, {}).value()) is Status.NO_DEBT
    assert status(position(PRICES, LT, {}, {}).value()) is Status.NO_DEBT
    assert status(position(PRICES, LT, {A: 10 * ONE}, {B: 1}).value()) is Status.OWING
    naked = position(PRICES, LT, {}, {B: 1})
    assert naked.value().health == 0
    assert status(naked.value()) is Status.LIQUIDATABLE


def test_f27_a_price_of_zero_is_unknown_with_the_reason() -> None:
    reading = read(KEY, BLOCK, position({A: 0, B: 100}, LT, {A: 10 * ONE}, {B: ONE}))
    assert reading.status is Status.UNKNOWN
    assert reading.valuation is None
    assert reading.reason == f"no usable price for {A.address}: the answer is 0"


def test_a_position_that_could_not_be_read_is_unknown_with_the_reason() -> None:
    reading = read(KEY, BLOCK, CallReverted("pool.getUserEMode"))
    assert (reading.status, reading.valuation, reading.reason) == (
        Status.UNKNOWN,
        None,
        "pool.getUserEMode reverted",
    )


def test_a_position_that_cannot_be_made_is_unknown_with_the_reason() -> None:
    def missing() -> object:
        raise WatcherError("not at this block")

    assert read(KEY, BLOCK, missing).reason == "not at this block"  # type: ignore[arg-type]


def test_a_bug_stays_loud() -> None:
    def broken() -> object:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        read(KEY, BLOCK, broken)  # type: ignore[arg-type]


def test_a_doubt_stands_beside_the_status_and_never_replaces_it() -> None:
    reading = read(KEY, BLOCK, position(PRICES, LT, {A: 10 * ONE}, {B: 9 * ONE}), (STALE,))
    assert reading.status is Status.LIQUIDATABLE
    assert reading.doubts == (STALE,)


def test_f41_readings_sort_worst_first_and_unknown_never_among_the_healthy() -> None:
    def reading(letter: bytes, debt: int, price: int = 100) -> tuple[tuple[int, int], bytes]:
        debts = {B: debt} if debt else {}
        answer = read(PositionKey("toy", letter), BLOCK, position({A: price, B: 100}, LT, {A: 10 * ONE}, debts))
        return urgency(answer), letter

    rows = [
        reading(b"nothing owed", 0),
        reading(b"dust", 1),
        reading(b"close", 7 * ONE),
        reading(b"unknown", ONE, price=0),
        reading(b"over", 9 * ONE),
        reading(b"far over", 90 * ONE),
    ]
    assert [name for _, name in sorted(rows)] == [b"far over", b"over", b"unknown", b"close", b"dust", b"nothing owed"]
