"""What a book keeps of a holding: the same, however many were read with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.adapter import Adapter
from watcher.model import PositionKey


def bare(of: Adapter[Any, Any, Any], held: Mapping[PositionKey, Any]) -> dict[PositionKey, Any]:
    """As thousands are read: what a book holds does not hang on how many were read with it."""
    return dict(held) if of.bare is None else {key: of.bare(one) for key, one in held.items()}
