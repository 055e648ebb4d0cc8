"""Amounts in a database: the same number comes back, and the order is the order of numbers."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, select
from sqlmodel import col

import watcher.store
from watcher.errors import StoreError
from watcher.store.open import Store
from watcher.store.tables import Reading
from watcher.store.u256 import U256
from watcher.units import MAX

AMOUNTS = st.integers(0, MAX) | st.integers(0, 256).map(lambda bits: min(MAX, 2**bits))
TABLE = Table(
    "amounts", MetaData(), Column("id", Integer, primary_key=True), Column("amount", U256), prefixes=["TEMPORARY"]
)


@given(st.lists(AMOUNTS, min_size=1, max_size=20, unique=True))
@example([0, 9, 10, 2**63 - 1, 2**63, 2**64, 10**77, MAX - 1, MAX])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_amounts_come_back_as_they_were_and_sort_as_numbers(store: Store, amounts: list[int]) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS amounts")
        TABLE.create(connection, checkfirst=False)
        connection.execute(TABLE.insert(), [{"id": n, "amount": amount} for n, amount in enumerate(amounts)])
        middle = sorted(amounts)[len(amounts) // 2]
        assert connection.scalars(select(TABLE.c.amount).order_by(TABLE.c.id)).all() == amounts
        assert connection.scalars(select(TABLE.c.amount).order_by(TABLE.c.amount)).all() == sorted(amounts)
        above = select(TABLE.c.amount).where(TABLE.c.amount >= middle).order_by(TABLE.c.amount)
        assert connection.scalars(above).all() == [amount for amount in sorted(amounts) if amount >= middle]


@pytest.mark.parametrize("amount", [-1, MAX + 1])
def test_what_is_no_unsigned_256_bit_integer_is_refused(store: Store, amount: int) -> None:
    with pytest.raises(StoreError, match="256-bit"), store.write() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS amounts")
        TABLE.create(connection, checkfirst=False)
        connection.execute(TABLE.insert(), [{"id": 1, "amount": amount}])


@pytest.mark.parametrize(
    "reckon", [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod]
)
def test_sql_that_reckons_with_amounts_cannot_be_written(reckon: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(TypeError, match="Python only"):
        reckon(col(Reading.debt), 1)
    with pytest.raises(TypeError, match="Python only"):
        reckon(1, col(Reading.debt))


def test_no_sql_of_the_store_adds_up() -> None:
    for file in Path(watcher.store.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            words = node.value.lower() if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            assert not any(f"{word}(" in words for word in ("sum", "avg", "total")), f"{file.name}:{node.lineno}"  # type: ignore[attr-defined]
            assert not (isinstance(node, ast.Attribute) and ast.unparse(node) in {"func.sum", "func.avg", "func.total"})
