"""Which logs to ask for, and what each one says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeAlias

from eth_typing import ChecksumAddress, HexStr

from watcher.adapter.which import T
from watcher.model import PositionKey


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log. `name` is "folder/contract.event"; `args` are in the ABI's order, indexed ones included."""

    name: str
    address: ChecksumAddress
    args: tuple[Any, ...]
    block: int
    block_hash: HexStr
    index: int  # within the block


class Touch(Enum):
    """What a log moved when it is not one position: every position of the market, or the terms themselves."""

    EVERYONE = "everyone"
    TERMS = "terms"


@dataclass(frozen=True, slots=True)
class LogQuery(Generic[T]):
    """Logs to ask for and what each one means. `events` are names below `abis/`; `indexed` narrows topics 1 to 3 (32-byte words).

    The contract that emits is one of `addresses`. `read` turns a decoded log into what it says.
    """

    addresses: tuple[ChecksumAddress, ...]
    events: tuple[str, ...]
    read: Callable[[Event], T]
    indexed: tuple[tuple[bytes, ...] | None, ...] = ()


Moves: TypeAlias = frozenset[PositionKey] | Touch
