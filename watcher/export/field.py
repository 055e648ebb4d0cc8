"""A column of an export: its name, how it is written, its unit and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a column is written. Exact integers are text everywhere: most readers of numbers would round them."""

    TEXT = "text"
    FLAG = "true or false"
    COUNT = "integer"  # below 2**63
    EXACT = "exact integer as text"
    FLOAT = "float"  # for charts; the exact integer is beside it
    TIME = "UTC time"
    WORDS = "json"  # an object; text in csv and parquet


@dataclass(frozen=True, slots=True)
class Field:
    """One column. `unit` is empty where a value has none."""

    name: str
    kind: Kind
    unit: str
    meaning: str
