"""Linking, encoding and decoding, without a node."""

from __future__ import annotations

from typing import Any, cast

import pytest
from eth_utils.address import to_checksum_address as checksum

from watcher.errors import AnswerError, ConfigError
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import ZERO, Artifact, Contract

TOKEN = checksum("0x" + "12" * 20)
ABI: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": "transfer",
        "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}],
        "outputs": [{"name": "", "type": "bool"}],
    },
    {"type": "function", "name": "pause", "inputs": [], "outputs": []},
    {"type": "function", "name": "pause", "inputs": [{"name": "grace", "type": "uint40"}], "outputs": []},
]


def contract() -> Contract:
    return Contract(cast(Anvil, None), TOKEN, ABI)  # nothing here talks to a node


def test_a_library_is_put_in_every_place_that_the_compiler_names() -> None:
    references = {"lib/Logic.sol": {"Logic": [{"start": 1, "length": 20}, {"start": 22, "length": 20}]}}
    artifact = Artifact.build("Pool", [], "0xaa" + "__$placeholder$__".ljust(40, "_") + "bb" + "0" * 40, references)
    library = "12" * 20
    assert artifact.linked({"Logic": TOKEN}).hex() == f"aa{library}bb{library}"


def test_a_missing_library_is_named() -> None:
    artifact = Artifact("Pool", [], "00" * 21, (("Logic", 1),))
    with pytest.raises(ConfigError, match="Pool must be linked with Logic"):
        artifact.linked({})


def test_calldata_is_what_every_erc20_knows() -> None:
    data = contract().data("transfer", ZERO, 7).hex()
    assert data == "a9059cbb" + "0" * 64 + "0" * 63 + "7"


def test_overloaded_names_need_a_signature() -> None:
    with pytest.raises(ConfigError, match="names 2 functions"):
        contract().data("pause")
    assert contract().data("pause()").hex() == "8456cb59"


def test_an_answer_of_the_wrong_shape_is_not_a_value() -> None:
    assert contract().decode("transfer", bytes(31) + b"\x01") is True
    with pytest.raises(AnswerError, match="answered 0 bytes"):
        contract().decode("transfer", b"")
