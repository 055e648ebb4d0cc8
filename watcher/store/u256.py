"""The column type of EVM integers: nothing between 0 and 2**256 - 1 is ever rounded, cut or added up by a database."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from sqlalchemy import Dialect, Numeric, String
from sqlalchemy.types import TypeDecorator, TypeEngine

from watcher.units import MAX

WIDTH: Final = 78  # decimal digits of 2**256 - 1


def _refused(self: object, *operands: object, **named: object) -> NoReturn:
    raise TypeError("amounts are added in Python only: SQLite would do it in floating point without a word")


class U256(TypeDecorator[int]):
    """Decimal digits of fixed width on SQLite, which compare and sort as the numbers do; NUMERIC(78, 0) on PostgreSQL.

    SQLite's INTEGER ends at 2**63 - 1 and its NUMERIC silently stores another number. Arithmetic in SQL raises `TypeError`.
    """

    impl = String
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[int]):
        """Compares and sorts; every other operator is refused."""

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refused
        __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = _refused

    comparator_factory = Comparator

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(WIDTH, 0))
        return dialect.type_descriptor(String(WIDTH))

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """`OverflowError` for what is no unsigned 256-bit integer: it is a bug of the caller."""
        return None if value is None else encoded(value, dialect.name)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)


def encoded(value: int, dialect: str) -> int | str:
    """What is handed to the driver itself."""
    if not 0 <= value <= MAX:
        raise OverflowError(f"{value} is no unsigned 256-bit integer")
    return value if dialect == "postgresql" else f"{value:0{WIDTH}d}"
