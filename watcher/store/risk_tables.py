"""Tables of what risk stands on and what it came to: the past of prices, and appraisals of positions."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sqlalchemy import Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from watcher.store.columns import big, real


class PriceSource(SQLModel, table=True):
    """Who says what a pair was worth: a feed, a market's stored quotes, an exchange, a file. `called` is the pair by its common name."""

    __tablename__: ClassVar[Any] = "price_source"
    __table_args__ = (UniqueConstraint("pair", "name", "decimals", name="uq_price_source"),)

    id: int | None = Field(default=None, primary_key=True)
    pair: str  # "1:0x…/USD" for a token by chain id and address, or "ETH/USD"
    name: str
    called: str | None = None
    decimals: int


class Price(SQLModel, table=True):
    """An integer of the source's decimals as decimal digits, zero and below too. Two of one second are two rows."""

    __tablename__: ClassVar[Any] = "price"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}

    source_id: int = Field(primary_key=True, foreign_key="price_source.id")
    time: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    answer: str = Field(primary_key=True)


class Appraisal(SQLModel, table=True):
    """What the risk of a position was held to be at a block that was read, in floats. Money is in the market's unit, ratios are plain.

    None where there is no such figure; `missing` says why, as JSON texts. A chance has its standard error, None where it is not simulated.
    `reaction` is the owner's own horizon in seconds, `details` JSON.
    """

    __tablename__: ClassVar[Any] = "appraisal"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}

    position_id: int = Field(primary_key=True, foreign_key="position.id")
    number: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    equity: float = Field(sa_column=real(False))
    maintenance: float = Field(sa_column=real(False))
    initial: float = Field(sa_column=real(False))
    health: float | None = Field(sa_column=real())
    equity_over_mm: float | None = Field(sa_column=real())
    mm_over_equity: float | None = Field(sa_column=real())
    margin_utilisation: float | None = Field(sa_column=real())
    borrow_utilisation: float | None = Field(sa_column=real())
    leverage: float | None = Field(sa_column=real())
    ltv: float | None = Field(sa_column=real())
    threshold: float | None = Field(sa_column=real())
    sigmas: float | None = Field(sa_column=real())
    chance_1h: float | None = Field(sa_column=real())
    error_1h: float | None = Field(sa_column=real())
    chance_1d: float | None = Field(sa_column=real())
    error_1d: float | None = Field(sa_column=real())
    chance_7d: float | None = Field(sa_column=real())
    error_7d: float | None = Field(sa_column=real())
    chance_30d: float | None = Field(sa_column=real())
    error_30d: float | None = Field(sa_column=real())
    reaction: int | None = Field(sa_column=big(nullable=True))
    chance_reaction: float | None = Field(sa_column=real())
    error_reaction: float | None = Field(sa_column=real())
    var_1d: float | None = Field(sa_column=real())
    var_error_1d: float | None = Field(sa_column=real())
    es_1d: float | None = Field(sa_column=real())
    es_error_1d: float | None = Field(sa_column=real())
    model: str | None = Field(sa_column=Column(Text, nullable=True))
    seed: int | None = Field(sa_column=big(nullable=True))
    missing: str | None = Field(sa_column=Column(Text, nullable=True))
    details: str | None = Field(sa_column=Column(Text, nullable=True))


PRICE_SOURCE: Final = SQLModel.metadata.tables["price_source"]
PRICE: Final = SQLModel.metadata.tables["price"]
APPRAISAL: Final = SQLModel.metadata.tables["appraisal"]
