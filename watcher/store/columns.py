"""Columns that every database holds alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Integer


def big(*given: Any, **named: Any) -> Any:
    return Column(BigInteger, *given, **named)


def real(nullable: bool = True) -> Any:
    return Column(Double, nullable=nullable)


def serial() -> Any:
    """Numbers itself; SQLite does that for its own INTEGER alone."""
    return Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
