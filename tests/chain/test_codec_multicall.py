"""`aggregate3` against eth-abi: the same calldata, the same results, and no layout of bytes that only we accept."""

from __future__ import annotations

import pytest
from eth_abi import abi as eth
from eth_abi.exceptions import DecodingError
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.chain.multicall import AGGREGATE3, Result, Sent, pack, unpack
from watcher.errors import AnswerError

ADDRESS = st.binary(min_size=20, max_size=20).map(lambda raw: ChecksumAddress(to_checksum_address(raw)))
CALL = st.builds(Sent, ADDRESS, st.binary(max_size=70))
RESULT = st.builds(Result, st.booleans(), st.binary(max_size=70) | st.just(bytes(192)))


def encoded(results: list[Result]) -> bytes:
    return eth.encode(["(bool,bytes)[]"], [results])


def reference(data: bytes) -> list[Result] | None:
    try:
        (rows,) = eth.decode(["(bool,bytes)[]"], data)
    except (DecodingError, OverflowError):
        return None
    return [Result(*row) for row in rows]


@settings(deadline=None)
@given(st.lists(CALL, max_size=6))
def test_calldata_is_what_eth_abi_writes(calls: list[Sent]) -> None:
    rows = [(target, True, data) for target, data in calls]
    assert pack(calls) == AGGREGATE3.selector + eth.encode(AGGREGATE3.inputs, [rows])


@settings(deadline=None)
@given(st.lists(RESULT, max_size=8))
def test_results_come_back_failed_rows_of_any_length_among_them(results: list[Result]) -> None:
    assert unpack(encoded(results), len(results)) == results


@settings(deadline=None)
@given(st.lists(RESULT, min_size=1, max_size=5), st.data())
def test_a_damaged_answer_is_refused_or_means_what_eth_abi_says(results: list[Result], data: st.DataObject) -> None:
    payload = bytearray(encoded(results))
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at] = data.draw(st.integers(0, 255))
    expected = reference(bytes(payload))
    try:
        found = unpack(bytes(payload), len(results))
    except AnswerError:
        return
    assert found == expected


@settings(deadline=None)
@given(st.lists(RESULT, min_size=1, max_size=5), st.data())
def test_a_truncated_answer_is_refused(results: list[Result], data: st.DataObject) -> None:
    payload = encoded(results)
    with pytest.raises(AnswerError):
        unpack(payload[: data.draw(st.integers(0, len(payload) - 1))], len(results))


def test_another_number_of_results_than_calls_is_refused() -> None:
    payload = encoded([Result(True, bytes(32))] * 3)
    for count in (0, 2, 4):
        with pytest.raises(AnswerError):
            unpack(payload, count)


def test_f33_results_that_share_their_bytes_are_refused() -> None:
    row = (1).to_bytes(32) + (64).to_bytes(32) + (3_200).to_bytes(32) + bytes(3_200)
    count = 400
    bomb = (32).to_bytes(32) + count.to_bytes(32) + (32 * count).to_bytes(32) * count + row
    assert reference(bomb) is not None  # eth-abi would have copied it 400 times
    with pytest.raises(AnswerError, match="cannot hold"):
        unpack(bomb, count)


def test_results_in_another_order_in_memory_are_left_to_eth_abi() -> None:
    first, second = ((1).to_bytes(32) + (64).to_bytes(32) + (32).to_bytes(32) + n.to_bytes(32) for n in (7, 9))
    swapped = (32).to_bytes(32) + (2).to_bytes(32) + (64 + 128).to_bytes(32) + (64).to_bytes(32) + second + first
    assert unpack(swapped, 2) == [Result(True, (7).to_bytes(32)), Result(True, (9).to_bytes(32))]
