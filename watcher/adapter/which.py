"""Whose interest a quote is brought up to date with, and the three facts as type variables."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias, TypeVar

from eth_typing import ChecksumAddress

T = TypeVar("T")
Q = TypeVar("Q")
H = TypeVar("H")


class Which(Enum):
    """Whose interest is brought up to date: everyone's, or nobody's (what a stale view sees). A set of tokens names some."""

    ALL = "all"
    NONE = "none"


Accrued: TypeAlias = Which | frozenset[ChecksumAddress]
