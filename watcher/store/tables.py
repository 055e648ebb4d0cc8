"""The tables. Storage, never domain types: SQLModel does not check what goes in, and `history` alone turns facts into rows.

Every fact and reading stands at a (chain, number) of `block`, which holds that block's one hash and its time. Facts are written when
their stored words change and hold until the next row of the same key. Times are Unix seconds; hashes and addresses are text.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sqlalchemy import Column, Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from watcher.store.columns import big, serial
from watcher.store.u256 import U256


class Block(SQLModel, table=True):
    """A block that something was read at. There is one per number: another hash means a reorg, and that its rows must go first."""

    __tablename__: ClassVar[Any] = "block"
    __table_args__ = (Index("ix_block_time", "chain", "timestamp"), {"sqlite_with_rowid": False})

    chain: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    number: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    hash: str
    timestamp: int = Field(sa_column=big(nullable=False))


class Market(SQLModel, table=True):
    """Who a market is: chain, protocol, contract and id. `name`, and the unit of its values, are the latest."""

    __tablename__: ClassVar[Any] = "market"
    __table_args__ = (UniqueConstraint("chain", "protocol", "address", "ident", name="uq_market"),)

    id: int | None = Field(default=None, primary_key=True)
    chain: int = Field(sa_column=big(nullable=False))
    protocol: str
    address: str
    ident: str  # hex of the id within the contract, empty where there is none
    name: str
    unit: str | None = None
    decimals: int | None = None


class Position(SQLModel, table=True):
    """`key` is the hex of what the protocol calls a position."""

    __tablename__: ClassVar[Any] = "position"
    __table_args__ = (UniqueConstraint("market_id", "key", name="uq_position"), Index("ix_position_key", "key"))

    id: int | None = Field(default=None, primary_key=True)
    market_id: int = Field(foreign_key="market.id")
    key: str


class Account(SQLModel, table=True):
    """What people call an address. `ens` is the name that it was resolved from; a change of it is a warning."""

    __tablename__: ClassVar[Any] = "account"

    address: str = Field(primary_key=True)
    label: str | None = None
    team: str | None = None  # the group of watcher.toml
    ens: str | None = None


class Terms(SQLModel, table=True):
    """`base` is the number of the row of this key that `body` is the difference to; None where it stands alone. So in the next two."""

    __tablename__: ClassVar[Any] = "terms"

    market_id: int = Field(primary_key=True, foreign_key="market.id")
    number: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    base: int | None = Field(sa_column=big(nullable=True))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Quote(SQLModel, table=True):
    """The unaccrued words."""

    __tablename__: ClassVar[Any] = "quote"

    market_id: int = Field(primary_key=True, foreign_key="market.id")
    number: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    base: int | None = Field(sa_column=big(nullable=True))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Holding(SQLModel, table=True):
    __tablename__: ClassVar[Any] = "holding"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}

    position_id: int = Field(primary_key=True, foreign_key="position.id")
    number: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    base: int | None = Field(sa_column=big(nullable=True))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Reading(SQLModel, table=True):
    """What a position came to. Derived: the three facts give an `exact` one again. Where endpoints differed or facts were pruned it is not.

    `health` is a wad, None without debt; all three amounts are None when the status is unknown. `clears` and `confirmed` are those of
    `model.Sighting`. `doubts` is JSON, [kind, text] each.
    """

    __tablename__: ClassVar[Any] = "reading"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}

    position_id: int = Field(primary_key=True, foreign_key="position.id")
    number: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    status: str
    clears: str | None = None
    health: int | None = Field(sa_column=Column(U256, nullable=True))
    collateral: int | None = Field(sa_column=Column(U256, nullable=True))
    debt: int | None = Field(sa_column=Column(U256, nullable=True))
    confirmed: bool = False
    exact: bool = False
    backfilled: bool = False
    reason: str | None = Field(sa_column=Column(Text, nullable=True))
    doubts: str | None = Field(sa_column=Column(Text, nullable=True))


class Cycle(SQLModel, table=True):
    """One market in one run of the cycle. `number` is None where not even a block could be had. `time` is this machine's clock.

    `followed` says that the stored holding of everybody who was in the market's book is true at this block, and terms and quote are stored.
    """

    __tablename__: ClassVar[Any] = "cycle"
    __table_args__ = (UniqueConstraint("market_id", "number", name="uq_cycle"), Index("ix_cycle_time", "time"))

    id: int | None = Field(default=None, sa_column=serial())
    market_id: int = Field(foreign_key="market.id")
    number: int | None = Field(sa_column=big(nullable=True))
    time: int = Field(sa_column=big(nullable=False))
    program: str  # version that wrote it
    positions: int
    audited: int
    mismatches: int
    error: str | None = Field(sa_column=Column(Text, nullable=True))
    kind: str | None = None  # the error's class
    followed: bool = False


class Transition(SQLModel, table=True):
    """`model.Transition`, and with its deliveries the outbox. It outlives its block: `orphaned` says that a reorg took that away.

    `place` rises in the order of the causes. `said` are cause, distance, runway and fixes, as `facts` writes them.
    """

    __tablename__: ClassVar[Any] = "transition"
    __table_args__ = (
        UniqueConstraint("id", name="uq_transition"),
        Index("ix_transition_block", "chain", "number"),
        Index("ix_transition_position", "position_id", "number"),
    )

    place: int | None = Field(default=None, sa_column=serial())
    id: str
    chain: int = Field(sa_column=big(nullable=False))
    position_id: int = Field(foreign_key="position.id")
    number: int = Field(sa_column=big(nullable=False))
    hash: str
    timestamp: int = Field(sa_column=big(nullable=False))
    read_at: int = Field(sa_column=big(nullable=False))
    before: str | None = None
    after: str
    health_before: int | None = Field(sa_column=Column(U256, nullable=True))
    health: int | None = Field(sa_column=Column(U256, nullable=True))
    confirmed: bool
    due: int | None = Field(sa_column=big(nullable=True))
    retracts: str | None = None
    recovers: str | None = None
    said: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    orphaned: bool = False


class Delivery(SQLModel, table=True):
    """One transition to one channel. `state` is pending, sent, parked or dropped; `due` is when to try (again), by the watcher's clock."""

    __tablename__: ClassVar[Any] = "delivery"
    __table_args__ = (Index("ix_delivery_due", "state", "due"),)

    transition_id: str = Field(primary_key=True, foreign_key="transition.id")
    channel: str = Field(primary_key=True)
    state: str
    attempts: int = 0
    due: int = Field(sa_column=big(nullable=False))
    error: str | None = Field(sa_column=Column(Text, nullable=True))


class Gap(SQLModel, table=True):
    """Blocks that nobody watched, both ends included. A backfill adds readings inside it and leaves it."""

    __tablename__: ClassVar[Any] = "gap"

    chain: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    first: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    last: int = Field(sa_column=big(nullable=False))
    reason: str
    time: int = Field(sa_column=big(nullable=False))


class Cursor(SQLModel, table=True):
    """The newest block of a chain that was watched."""

    __tablename__: ClassVar[Any] = "cursor"

    chain: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    number: int = Field(sa_column=big(nullable=False))
    hash: str
    timestamp: int = Field(sa_column=big(nullable=False))


class Discovery(SQLModel, table=True):
    """Blocks, both ends included, whose logs of one `kind` (debt, deposit) are certainly read: who they name is a member."""

    __tablename__: ClassVar[Any] = "discovery"

    market_id: int = Field(primary_key=True, foreign_key="market.id")
    kind: str = Field(primary_key=True)
    first: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    last: int = Field(sa_column=big(nullable=False))


class Member(SQLModel, table=True):
    """Who is in a market's book: whoever ever opened debt there. `since` is the first block known to name it, None for a list's word."""

    __tablename__: ClassVar[Any] = "member"

    position_id: int = Field(primary_key=True, foreign_key="position.id")
    since: int | None = Field(sa_column=big(nullable=True))


class Follow(SQLModel, table=True):
    """The block at which every member's stored holding is true, and the one from which on it was so. No row until a book stands."""

    __tablename__: ClassVar[Any] = "follow"

    market_id: int = Field(primary_key=True, foreign_key="market.id")
    since: int = Field(sa_column=big(nullable=False))
    number: int = Field(sa_column=big(nullable=False))
    hash: str
    timestamp: int = Field(sa_column=big(nullable=False))


class Coverage(SQLModel, table=True):
    """What a book's members owe in shares of one token, against the market's own total of the same block."""

    __tablename__: ClassVar[Any] = "coverage"

    market_id: int = Field(primary_key=True, foreign_key="market.id")
    number: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    token: str = Field(primary_key=True)
    booked: int = Field(sa_column=Column(U256, nullable=False))
    total: int = Field(sa_column=Column(U256, nullable=False))


class Sample(SQLModel, table=True):
    """An audit: how many positions of a book were held against the contract's own answer at a block, and how many differed."""

    __tablename__: ClassVar[Any] = "sample"

    market_id: int = Field(primary_key=True, foreign_key="market.id")
    number: int = Field(sa_column=big(primary_key=True, autoincrement=False))
    looked: int
    mismatches: int


BLOCK: Final = SQLModel.metadata.tables["block"]
MARKET: Final = SQLModel.metadata.tables["market"]
POSITION: Final = SQLModel.metadata.tables["position"]
ACCOUNT: Final = SQLModel.metadata.tables["account"]
TERMS: Final = SQLModel.metadata.tables["terms"]
QUOTE: Final = SQLModel.metadata.tables["quote"]
HOLDING: Final = SQLModel.metadata.tables["holding"]
READING: Final = SQLModel.metadata.tables["reading"]
CYCLE: Final = SQLModel.metadata.tables["cycle"]
TRANSITION: Final = SQLModel.metadata.tables["transition"]
DELIVERY: Final = SQLModel.metadata.tables["delivery"]
GAP: Final = SQLModel.metadata.tables["gap"]
CURSOR: Final = SQLModel.metadata.tables["cursor"]
DISCOVERY: Final = SQLModel.metadata.tables["discovery"]
MEMBER: Final = SQLModel.metadata.tables["member"]
FOLLOW: Final = SQLModel.metadata.tables["follow"]
COVERAGE: Final = SQLModel.metadata.tables["coverage"]
SAMPLE: Final = SQLModel.metadata.tables["sample"]
