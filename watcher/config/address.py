"""The one rule for addresses that people write: hex, and a right EIP-55 checksum wherever upper and lower case are mixed."""

from __future__ import annotations

from eth_typing import ChecksumAddress
from eth_utils.address import is_address, to_checksum_address


def checksummed(text: str) -> ChecksumAddress:
    """`text` as a checksummed address. `ValueError` says what is wrong; it does not offer the checksum of a mistyped address."""
    word = text.strip()
    if not word.startswith("0x") or not is_address(word.lower()):
        raise ValueError("expected an address of 0x and 40 hex digits")
    right, digits = to_checksum_address(word.lower()), word.removeprefix("0x")
    if word != right and digits not in (digits.lower(), digits.upper()):
        raise ValueError(
            f"{word} has a wrong EIP-55 checksum, so a character may be mistyped: copy it again from its source"
        )
    if int(word, 16) == 0:
        raise ValueError("the zero address is nobody's")
    return right


def may_be_name(text: str) -> bool:
    """Whether `text` is meant as an ENS name: it has a point in it, which no address has."""
    return "." in text
