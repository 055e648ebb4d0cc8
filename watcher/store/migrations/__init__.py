"""The store's schema, revision by revision (Alembic). `REVISIONS` lets a store be judged without importing Alembic."""

from __future__ import annotations

from typing import Final

REVISIONS: Final = ("0001", "0002", "0003", "0004")  # oldest first
