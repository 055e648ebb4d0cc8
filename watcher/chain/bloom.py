"""The bloom filter of a block's header: it proves that a block holds no such log, and that some logs are not all of a block.

Yellow Paper 4.3.1, M3:2048: of the keccak of the emitter and of each topic, three pairs of bytes name a bit each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from eth_utils.crypto import keccak

from watcher.chain.log import Log

ALL: Final = (1 << 2048) - 1
WRITTEN: Final = re.compile(r"0x[0-9a-fA-F]{512}")


def bloom(header: Mapping[str, Any]) -> int | None:
    """The filter of a header as one number; None where it says nothing: absent, malformed, or every bit set, as some chains do."""
    text = header.get("logsBloom")
    if not isinstance(text, str) or not WRITTEN.fullmatch(text):
        return None
    found = int(text, 16)
    return None if found == ALL else found


@lru_cache(maxsize=1 << 12)
def bits(item: str) -> int:
    """The three bits of an address or a topic in hex."""
    digest = keccak(hexstr=item)
    return sum({1 << (int.from_bytes(digest[at : at + 2], "big") & 2047) for at in (0, 2, 4)})


def filled(logs: Iterable[Log]) -> int:
    """The filter that these logs make."""
    made = 0
    for item in {item.lower() for log in logs for item in (log.address, *log.topics)}:
        made |= bits(item)
    return made


def may_hold(bloom: int, wanted: Mapping[str, Any]) -> bool:
    """Whether a block with this filter may hold a log that a filter of `eth_getLogs` asks for; False is a proof that it does not."""
    choices = [choice for choice in (wanted["address"], *wanted["topics"]) if choice is not None]
    return all(any(bits(item.lower()) & ~bloom == 0 for item in choice) for choice in choices)
