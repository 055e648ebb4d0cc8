"""The fixed layout against eth-abi, which is the codec of record: same values, same refusals, on honest and on broken bytes."""

from __future__ import annotations

import time
from typing import Any

import pytest
from eth_abi import abi as eth
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.chain.abi import Function, function
from watcher.chain.codec import decode, decode_types, encode
from watcher.errors import AnswerError

WORD = st.binary(min_size=32, max_size=32)
EDGES = [0, 1, 2, 7, 8, 9, 39, 40, 127, 128, 159, 160, 161, 254, 255]
EDGE_WORD = st.sampled_from(
    [value.to_bytes(32) for bit in EDGES for value in (1 << bit, (1 << bit) - 1, (1 << 256) - (1 << bit))]
)
STATIC = st.sampled_from(
    [
        "uint256",
        "uint128",
        "uint40",
        "uint8",
        "int256",
        "int128",
        "int8",
        "bool",
        "address",
        "bytes32",
        "bytes4",
        "bytes1",
    ]
)
NESTED = st.sampled_from(["(uint128,(address,bool))", "uint16[3]", "(int64,bytes8)[2]"])
DYNAMIC = st.sampled_from(
    ["bytes", "uint256[]", "address[]", "(uint16,bytes)", "(uint8,bytes)[]", "uint256[][]", "bytes[2]"]
)


def reference(types: tuple[str, ...], data: bytes) -> tuple[Any, ...] | None:
    """What eth-abi itself says, addresses checksummed; None when it refuses."""
    try:
        return tuple(_checksummed(kind, value) for kind, value in zip(types, eth.decode(types, data), strict=True))
    except (DecodingError, OverflowError):
        return None


def _checksummed(kind: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_checksummed("", part) for part in value)
    return to_checksum_address(value) if isinstance(value, str) else value


def ours(types: tuple[str, ...], data: bytes) -> tuple[Any, ...] | None:
    try:
        return decode_types(types, data, "test/test.test")
    except AnswerError:
        return None


@settings(deadline=None)
@given(st.lists(STATIC | NESTED, min_size=1, max_size=5), st.data())
def test_any_words_mean_the_same_as_to_eth_abi_or_are_refused_by_both(kinds: list[str], data: st.DataObject) -> None:
    types = tuple(kinds)
    size = sum({"(uint128,(address,bool))": 3, "uint16[3]": 3, "(int64,bytes8)[2]": 4}.get(kind, 1) for kind in types)
    payload = b"".join(data.draw(st.lists(WORD | EDGE_WORD, min_size=size, max_size=size)))
    assert ours(types, payload) == reference(types, payload)


@settings(deadline=None)
@given(st.lists(STATIC | NESTED | DYNAMIC, min_size=1, max_size=4), st.data())
def test_every_value_that_eth_abi_encodes_comes_back(kinds: list[str], data: st.DataObject) -> None:
    types = tuple(kinds)
    payload = eth.encode(types, [data.draw(_values(kind)) for kind in types])
    expected = reference(types, payload)
    assert expected is not None
    assert ours(types, payload) == expected


@settings(deadline=None)
@given(st.lists(STATIC | DYNAMIC, min_size=1, max_size=3), st.data())
def test_truncated_answers_are_refused(kinds: list[str], data: st.DataObject) -> None:
    types = tuple(kinds)
    payload = eth.encode(types, [data.draw(_values(kind)) for kind in types])
    cut = data.draw(st.integers(0, len(payload) - 1))
    assert ours(types, payload[:cut]) is None


@settings(deadline=None)
@given(st.lists(DYNAMIC, min_size=1, max_size=3), st.data())
def test_no_damage_makes_a_dynamic_answer_mean_something_that_eth_abi_would_not_say(
    kinds: list[str], data: st.DataObject
) -> None:
    types = tuple(kinds)
    payload = bytearray(eth.encode(types, [data.draw(_values(kind)) for kind in types]))
    at = data.draw(st.integers(0, len(payload) // 32 - 1)) * 32
    payload[at : at + 32] = data.draw(EDGE_WORD | st.integers(0, 40).map(lambda number: (32 * number).to_bytes(32)))
    answer = ours(types, bytes(payload))
    assert answer is None or answer == reference(types, bytes(payload))


def _values(kind: str) -> st.SearchStrategy[Any]:
    if kind.endswith("]"):
        item, _, count = kind[:-1].rpartition("[")
        low, high = (int(count), int(count)) if count else (0, 3)
        return st.lists(_values(item), min_size=low, max_size=high)
    if kind.startswith("("):
        return st.tuples(*(_values(part) for part in _parts(kind[1:-1])))
    if kind == "bytes":
        return st.binary(max_size=70)
    if kind.startswith("bytes"):
        return st.binary(min_size=int(kind[5:]), max_size=int(kind[5:]))
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
    if kind == "bool":
        return st.booleans()
    bits = int(kind.removeprefix("u").removeprefix("int"))
    return st.integers(0, 2**bits - 1) if kind[0] == "u" else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _parts(text: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


@settings(deadline=None)
@given(st.lists(STATIC | NESTED | DYNAMIC, max_size=4), st.data())
def test_arguments_are_encoded_as_eth_abi_encodes_them(kinds: list[str], data: st.DataObject) -> None:
    types = tuple(kinds)
    args = [data.draw(_values(kind)) for kind in types]
    assert encode(Function("test/test.test", b"\1\2\3\4", types, ()), args) == b"\1\2\3\4" + eth.encode(types, args)


@pytest.mark.parametrize(
    ("kind", "value"), [("uint8", 256), ("uint256", -1), ("uint256", True), ("address", "0x12"), ("bytes32", b"1" * 33)]
)
def test_an_argument_that_does_not_fit_its_type_is_a_bug_and_stays_loud(kind: str, value: Any) -> None:
    with pytest.raises(EncodingError):
        encode(Function("test/test.test", b"\1\2\3\4", (kind,), ()), (value,))


def test_the_largest_and_the_smallest_integers_are_exact() -> None:
    answer = decode_types(("uint256", "int256"), b"\xff" * 32 + (2**255).to_bytes(32), "test/test.test")
    assert answer == (2**256 - 1, -(2**255))


class TestF32WhatIsNotExactlyAnAnswerIsNeverZero:
    """F32: empty, short or extra data is an error."""

    balance = function("erc20/token.balanceOf")

    def test_f32_an_address_without_code_has_no_balance(self) -> None:
        with pytest.raises(AnswerError, match="is there a contract"):
            decode(self.balance, b"")

    @pytest.mark.parametrize("size", [1, 31, 33, 64])
    def test_f32_a_word_has_32_bytes(self, size: int) -> None:
        with pytest.raises(AnswerError, match=f"{size} bytes where 32"):
            decode(self.balance, bytes(size))

    def test_f32_an_empty_list_of_reserves_must_be_said_not_left_out(self) -> None:
        reserves = function("aave_v3/pool.getReservesList")
        assert decode(reserves, eth.encode(["address[]"], [[]])) == ((),)
        with pytest.raises(AnswerError):
            decode(reserves, b"")


class TestF33PointerBombs:
    """F33: re-used pointers and huge lengths cost nothing and decode to nothing."""

    def test_f33_an_answer_whose_pointers_all_lead_to_the_same_array_is_refused_at_once(self) -> None:
        inner = (2_000).to_bytes(32) + bytes(32 * 2_000)
        pointers = 2_500
        bomb = (32).to_bytes(32) + pointers.to_bytes(32) + (32 * pointers).to_bytes(32) * pointers + inner
        started = time.process_time()
        with pytest.raises(AnswerError, match="cannot hold"):
            decode_types(("uint256[][]",), bomb, "test/test.bomb")
        spent = time.process_time() - started
        started = time.process_time()
        eth.decode(["uint256[]"], (32).to_bytes(32) + inner)  # what only one of the 2,500 would have cost
        assert spent < 50 * (time.process_time() - started)

    @pytest.mark.parametrize("length", [2**256 - 1, 2**63, 2**31, 1_000])
    @pytest.mark.parametrize("kind", ["bytes", "string", "address[]", "uint256[][]", "(uint16,bytes)[]"])
    def test_f33_a_length_beyond_the_answer_is_refused(self, kind: str, length: int) -> None:
        with pytest.raises(AnswerError):
            decode_types((kind,), (32).to_bytes(32) + length.to_bytes(32) + bytes(64), "test/test.bomb")

    def test_f33_a_dynamic_answer_has_a_largest_size(self) -> None:
        with pytest.raises(AnswerError, match="more than"):
            decode_types(("bytes",), eth.encode(["bytes"], [bytes(1 << 20)]), "test/test.bomb")


class TestF34AnUnknownLayoutStops:
    """F34: a proxy that was upgraded to answer something else is an error with a name, not another number."""

    def test_f34_a_reserve_with_one_field_more_is_refused_by_name(self) -> None:
        shape = function("aave_v3/pool.getReserveData")
        with pytest.raises(AnswerError, match=r"aave_v3/pool\.getReserveData: 512 bytes where 480 belong"):
            decode(shape, bytes(16 * 32))

    def test_f34_a_value_wider_than_its_declared_type_is_refused(self) -> None:
        with pytest.raises(AnswerError, match=r"chainlink/feed\.decimals"):
            decode(function("chainlink/feed.decimals"), (256).to_bytes(32))


class TestF35Symbols:
    """F35 and F36: a symbol is a string or bytes32, bounded, and clean when it leaves the codec."""

    symbol = function("erc20/token.symbol")

    def test_f35_a_string_and_a_bytes32_symbol_read_the_same(self) -> None:
        assert decode(self.symbol, eth.encode(["string"], ["MKR"])) == ("MKR",)
        assert decode(self.symbol, b"MKR".ljust(32, b"\0")) == ("MKR",)

    def test_f35_a_megabyte_of_name_is_refused(self) -> None:
        with pytest.raises(AnswerError):
            decode(self.symbol, eth.encode(["string"], ["A" * 1_000_000]))

    @pytest.mark.parametrize("hostile", ["\x1b[2Jx", "a\u202eb", "a\u200bb", "a\nb\0"])
    def test_f36_a_symbol_comes_out_without_what_a_terminal_obeys(self, hostile: str) -> None:
        (text,) = decode(self.symbol, eth.encode(["string"], [hostile]))
        assert text.isprintable()

    def test_f36_a_symbol_that_is_not_utf8_is_still_a_label(self) -> None:
        (text,) = decode(self.symbol, eth.encode(["bytes"], [b"\xffUSD\xfe"]))
        assert "USD" in text and text.isprintable()

    def test_f35_decimals_beyond_a_byte_are_refused_and_255_is_read(self) -> None:
        assert decode(function("erc20/token.decimals"), (255).to_bytes(32)) == (255,)
