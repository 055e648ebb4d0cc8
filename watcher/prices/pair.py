"""What a price is of: a token of one chain by its address, or a common name, in a currency or another token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import is_address, to_checksum_address

from watcher.errors import UsageError

TOKEN: Final = re.compile(r"([0-9]{1,18}):(0x[0-9a-fA-F]{40})")
WORD: Final = re.compile(r"[A-Za-z0-9.+_-]{1,32}")


@dataclass(frozen=True, slots=True)
class Pair:
    """Units of `quote` for one whole `base`; written "1:0xC02a…/USD" or "ETH/USD"."""

    base: str
    quote: str

    def __str__(self) -> str:
        return f"{self.base}/{self.quote}"


def token(chain: int, address: ChecksumAddress) -> str:
    """The name of a token: no symbol, because anybody may take any."""
    return f"{chain}:{address}"


def parsed(text: str) -> Pair:
    """A pair as people type it; names are in capitals. `UsageError` for anything else."""
    parts = [side(part.strip()) for part in text.split("/")]
    if len(parts) != 2 or None in parts:
        raise UsageError(f"{text!r} is no pair: write ETH/USD, or 1:0x…/USD for a token by chain id and address")
    return Pair(parts[0] or "", parts[1] or "")


def side(text: str) -> str | None:
    """One side of a pair in its one form; None for what is neither."""
    found = TOKEN.fullmatch(text)
    if found is not None and is_address(found[2]):
        return token(int(found[1]), to_checksum_address(found[2]))
    return text.upper() if WORD.fullmatch(text) else None


def called(description: str) -> str | None:
    """The common name that a feed's description holds ("ETH / USD"); None where it is no plain pair."""
    parts = [side(part.strip()) for part in description.split("/")]
    return None if len(parts) != 2 or None in parts else f"{parts[0]}/{parts[1]}"
