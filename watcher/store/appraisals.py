"""What the risk of positions was held to be, hour by hour: entered where the block they were read at is stored, and read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any, Final

from sqlalchemy import Connection, Row, func, or_, select

from watcher.errors import StoreError
from watcher.model import BlockRef, Market, PositionKey
from watcher.store.history import market_id
from watcher.store.open import Store
from watcher.store.risk_tables import APPRAISAL
from watcher.store.rows import insert
from watcher.store.tables import BLOCK, MARKET, POSITION

HORIZONS: Final = {"1h": 3_600, "1d": 86_400, "7d": 604_800, "30d": 2_592_000}  # seconds
REACTION: Final = "reaction"  # the name of the owner's own horizon


@dataclass(frozen=True, slots=True)
class Figures:
    """The margin of one position. Money is in whole units of the market; a ratio is None where its denominator is not above zero."""

    equity: float
    maintenance: float
    initial: float
    health: float | None
    equity_over_mm: float | None
    mm_over_equity: float | None
    margin_utilisation: float | None
    borrow_utilisation: float | None
    leverage: float | None
    ltv: float | None
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Chance:
    """How likely the line is reached within `horizon` seconds, and the standard error of that; None: it is no simulated figure."""

    horizon: int
    chance: float
    error: float | None


@dataclass(frozen=True, slots=True)
class Loss:
    """Money in whole units of the market, and its standard error; None: it is no simulated figure."""

    amount: float
    error: float | None


@dataclass(frozen=True, slots=True)
class Appraised:
    """One position at the block it was read at. `chances` are by the names of `HORIZONS`, and `REACTION`; what is not in there, and what
    is None, has its reason in `missing`. `details` is whatever JSON can hold: liquidation prices, sensitivities, parts of a chance.
    """

    key: PositionKey
    block: BlockRef
    margin: Figures
    sigmas: float | None = None
    chances: Mapping[str, Chance] = field(default_factory=dict)
    var_1d: Loss | None = None
    es_1d: Loss | None = None
    model: str | None = None
    seed: int | None = None
    missing: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Foretold:
    """A chance that was told at `time` for the `horizon` seconds after it."""

    key: PositionKey
    time: int
    horizon: int
    chance: float


def enter(store: Store, market: Market, appraised: Iterable[Appraised]) -> int:
    """Store what one market's positions were held to be; how many rows. None of a block that is not stored (any more) with this hash, and
    one that is there already stays. `ValueError` for a figure that is no finite number.
    """
    with store.write() as connection:
        row = market_id(connection, market)
        kept = [one for one in appraised if _stands(connection, one.block)]
        insert(connection, POSITION, [(row, one.key.key.hex()) for one in kept], new=False)
        ours = select(POSITION.c.key, POSITION.c.id).where(POSITION.c.market_id == row)
        known = ours.where(POSITION.c.key.in_([one.key.key.hex() for one in kept]))
        places = {here.key: here.id for here in connection.execute(known)}
        insert(connection, APPRAISAL, [_row(places[one.key.key.hex()], one) for one in kept], new=False)
    return len(kept)


def course(store: Store, account: bytes, since: int = 0) -> tuple[Appraised, ...]:
    """Everything of the account's positions from the time `since` on, market by market, oldest first."""
    return _read(store, POSITION.c.key == account.hex(), BLOCK.c.timestamp >= since)


def latest(store: Store, chain: int) -> dict[PositionKey, Appraised]:
    """The newest of every position of a chain."""
    return _newest(store, chain)


def latest_told(store: Store, chain: int) -> dict[PositionKey, Appraised]:
    """Of every position of a chain the newest that tells a chance."""
    return _newest(store, chain, or_(*(APPRAISAL.c[f"chance_{name}"].is_not(None) for name in (*HORIZONS, REACTION))))


def _newest(store: Store, chain: int, *where: Any) -> dict[PositionKey, Appraised]:
    """The newest block's of every position, of the rows that are meant."""
    of = APPRAISAL.c
    last = select(of.position_id, func.max(of.number).label("number")).where(*where).group_by(of.position_id).subquery()
    here = (of.position_id == last.c.position_id, of.number == last.c.number)
    return {one.key: one for one in _read(store, MARKET.c.chain == chain, *here)}


def foretold(store: Store, market: str | None = None) -> Iterator[Foretold]:
    """Every stored chance of one market by its name, or of all, in the order of time within each position."""
    for one in _read(store, *(() if market is None else (MARKET.c.name == market,))):
        seen = {chance.horizon: chance.chance for chance in one.chances.values()}
        for horizon, chance in sorted(seen.items()):
            yield Foretold(one.key, one.block.timestamp, horizon, chance)


def _stands(connection: Connection, block: BlockRef) -> bool:
    here = select(BLOCK.c.hash).where(BLOCK.c.chain == block.chain, BLOCK.c.number == block.number)
    return bool(connection.scalar(here) == block.hash)


def _read(store: Store, *where: Any) -> tuple[Appraised, ...]:
    joined = APPRAISAL.join(POSITION).join(MARKET)
    joined = joined.join(BLOCK, (BLOCK.c.chain == MARKET.c.chain) & (BLOCK.c.number == APPRAISAL.c.number))
    columns = (APPRAISAL, MARKET.c.chain, MARKET.c.name, POSITION.c.key, BLOCK.c.hash, BLOCK.c.timestamp)
    found = select(*columns).select_from(joined).where(*where).order_by(APPRAISAL.c.position_id, APPRAISAL.c.number)
    with store.read() as connection:
        return tuple(_appraised(row) for row in connection.execute(found))


def _row(position: int, one: Appraised) -> tuple[Any, ...]:
    """The values in the table's order."""
    values: dict[str, Any] = {"position_id": position, "number": one.block.number}
    values |= {each.name: getattr(one.margin, each.name) for each in fields(Figures)}
    for name in (*HORIZONS, REACTION):
        said = one.chances.get(name)
        values |= {f"chance_{name}": said and said.chance, f"error_{name}": said and said.error}
        if name == REACTION:
            values[REACTION] = said and said.horizon
    for name, loss in (("var", one.var_1d), ("es", one.es_1d)):
        values |= {f"{name}_1d": loss and loss.amount, f"{name}_error_1d": loss and loss.error}
    values |= {"sigmas": one.sigmas, "model": one.model, "seed": one.seed}
    values["missing"] = json.dumps(one.missing) if one.missing else None
    values["details"] = json.dumps(one.details, allow_nan=False) if one.details else None
    endless = [name for name, value in values.items() if isinstance(value, float) and not isfinite(value)]
    if endless:
        raise ValueError(f"{', '.join(endless)} of {one.key} is no finite number")
    return tuple(values[column.name] for column in APPRAISAL.columns)


def _appraised(row: Row[Any]) -> Appraised:
    of = row._mapping
    chances = {}
    for name in (*HORIZONS, REACTION):
        horizon = HORIZONS.get(name, row.reaction)
        if of[f"chance_{name}"] is not None:
            if horizon is None:
                raise StoreError(f"the appraisal of {row.key} at block {row.number} has a chance without its horizon")
            chances[name] = Chance(horizon, of[f"chance_{name}"], of[f"error_{name}"])
    return Appraised(
        PositionKey(row.name, bytes.fromhex(row.key)),
        BlockRef(row.number, row.timestamp, row.chain, row.hash),
        Figures(**{each.name: of[each.name] for each in fields(Figures)}),
        row.sigmas,
        chances,
        None if row.var_1d is None else Loss(row.var_1d, row.var_error_1d),
        None if row.es_1d is None else Loss(row.es_1d, row.es_error_1d),
        row.model,
        row.seed,
        tuple(json.loads(row.missing)) if row.missing else (),
        json.loads(row.details) if row.details else {},
    )
