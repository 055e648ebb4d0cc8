"""What a well-known method may answer. Pure checks of types, ranges and of the answer against the question.

Methods that are not named here are passed on as they are.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

QUANTITY = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})")
WORD = re.compile(r"0x[0-9a-fA-F]{64}")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
TAGS = frozenset({"latest", "safe", "finalized", "earliest", "pending"})


class Malformed(ValueError):
    """An answer that cannot be true; the message names the field."""


def quantity(value: Any, field: str) -> int:
    """A hex quantity: no leading zeros, no sign, at most 2**256 − 1."""
    if not isinstance(value, str) or not QUANTITY.fullmatch(value):
        raise Malformed(f"{field} is not a hex quantity")
    return int(value, 16)


def word(value: Any, field: str) -> str:
    """32 bytes in hex, in lower case."""
    if not isinstance(value, str) or not WORD.fullmatch(value):
        raise Malformed(f"{field} is not 32 bytes of hex")
    return value.lower()


def address(value: Any, field: str) -> str:
    """20 bytes in hex, in lower case."""
    if not isinstance(value, str) or not ADDRESS.fullmatch(value):
        raise Malformed(f"{field} is not an address")
    return value.lower()


def octets(value: Any, field: str) -> None:
    """Whole bytes in hex, possibly none."""
    try:
        if not isinstance(value, str) or not value.startswith("0x"):
            raise Malformed(f"{field} is not hex data")
        binascii.unhexlify(value[2:])
    except ValueError:  # Malformed is one, binascii.Error too, and so is a character outside ASCII
        raise Malformed(f"{field} is not hex data") from None


def block(value: Any, field: str = "block") -> None:
    """Number, hash, parentHash and timestamp are there and typed."""
    if not isinstance(value, dict):
        raise Malformed(f"{field} is not an object")
    quantity(value.get("number"), f"{field}.number")
    word(value.get("hash"), f"{field}.hash")
    word(value.get("parentHash"), f"{field}.parentHash")
    if quantity(value.get("timestamp"), f"{field}.timestamp") >= 1 << 64:
        raise Malformed(f"{field}.timestamp is no time")


def _block_by_number(params: Sequence[Any], value: Any) -> None:
    asked = params[0] if params else "latest"
    if asked == "pending":
        return
    if value is None:
        if asked in TAGS:
            raise Malformed(f"the {asked} block is null")
        return
    block(value)
    if asked not in TAGS and int(value["number"], 16) != int(asked, 16):
        raise Malformed("block.number is not the number that was asked")


def _block_by_hash(params: Sequence[Any], value: Any) -> None:
    if value is None:
        return
    block(value)
    if str(value["hash"]).lower() != str(params[0]).lower():
        raise Malformed("block.hash is not the hash that was asked")


def _logs(params: Sequence[Any], value: Any) -> None:
    if not isinstance(value, list):
        raise Malformed("logs are not a list")
    wanted = Wanted(params[0] if params else {})
    for log in value:
        wanted.accepts(log)


class Wanted:
    """The filter of one `eth_getLogs`, to hold its answer against."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self.hash = _lower(asked.get("blockHash"))
        self.first = _bound(asked.get("fromBlock"))
        self.last = _bound(asked.get("toBlock"))
        self.addresses = _choices(asked.get("address"))
        self.topics = [_choices(topic) for topic in asked.get("topics") or ()]

    def accepts(self, log: Any) -> None:
        """Raises `Malformed` for a log that is not well formed or that nobody asked for."""
        if not isinstance(log, dict):
            raise Malformed("a log is not an object")
        emitter = address(log.get("address"), "log.address")
        topics = log.get("topics")
        if not isinstance(topics, list) or len(topics) > 4:
            raise Malformed("log.topics is not a list of at most four")
        words = [word(topic, "log.topics") for topic in topics]
        octets(log.get("data"), "log.data")
        number = quantity(log.get("blockNumber"), "log.blockNumber")
        quantity(log.get("logIndex"), "log.logIndex")
        mined = word(log.get("blockHash"), "log.blockHash")
        if log.get("removed", False) is not False:
            raise Malformed("log.removed in an answer about the canonical chain")
        if self.hash is not None and mined != self.hash:
            raise Malformed("log.blockHash is not the block that was asked")
        if (self.first is not None and number < self.first) or (self.last is not None and number > self.last):
            raise Malformed("log.blockNumber is outside the range that was asked")
        if self.addresses is not None and emitter not in self.addresses:
            raise Malformed("log.address was not asked for")
        if len(words) < len(self.topics):
            raise Malformed("log.topics are fewer than were asked for")
        if any(choice is not None and topic not in choice for topic, choice in zip(words, self.topics, strict=False)):
            raise Malformed("log.topics were not asked for")


def _lower(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) else None


def _bound(value: Any) -> int | None:
    return None if not isinstance(value, str) or value in TAGS else int(value, 16)


def _choices(value: Any) -> frozenset[str] | None:
    """None where anything goes; web3 and nodes accept one value, or a list of alternatives."""
    if not value:
        return None
    return frozenset(one.lower() for one in ([value] if isinstance(value, str) else value))


def _plain(read: Callable[[Any, str], object]) -> Callable[[Sequence[Any], Any], None]:
    def checked(_: Sequence[Any], value: Any) -> None:
        read(value, "result")

    return checked


CHECKS: Mapping[str, Callable[[Sequence[Any], Any], None]] = {
    "eth_chainId": _plain(quantity),
    "eth_blockNumber": _plain(quantity),
    "eth_gasPrice": _plain(quantity),
    "eth_getBalance": _plain(quantity),
    "eth_getTransactionCount": _plain(quantity),
    "eth_estimateGas": _plain(quantity),
    "eth_call": _plain(octets),
    "eth_getCode": _plain(octets),
    "eth_getStorageAt": _plain(word),
    "eth_getBlockByNumber": _block_by_number,
    "eth_getBlockByHash": _block_by_hash,
    "eth_getLogs": _logs,
}


def check(method: str, params: Sequence[Any], value: Any) -> None:
    """Raises `Malformed` when `value` cannot be an answer to `method` with `params`."""
    checked = CHECKS.get(method)
    if checked is not None:
        checked(params, value)
