"""What an Aave V3 pool's terms are made of, as the chain stores it: the reads in dependent groups, and their answers put together.

Known terms still hold exactly when all of these words are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.formula.aave.version import Version
from watcher.oracle.feed import NOBODY
from watcher.query import Read, Rows, each, one, pairs

MODES: Final = range(1, 256)


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of pool.getReserveData, without what changes by itself. `stable` is zero where it never was."""

    word: int
    id: int
    deposit: ChecksumAddress
    stable: ChecksumAddress
    debt: ChecksumAddress
    strategy: ChecksumAddress


@dataclass(frozen=True, slots=True)
class Mode:
    """One e-mode's own words; `price_source` exists until 3.1 and is zero later."""

    id: int
    ltv: int
    threshold: int
    bonus: int
    price_source: ChecksumAddress


@dataclass(frozen=True, slots=True)
class Head:
    """Which code runs, and what is listed."""

    revision: int
    provider: ChecksumAddress
    tokens: tuple[ChecksumAddress, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """Reserves in the order of `Head.tokens`, and the e-modes that exist."""

    oracle: ChecksumAddress
    configurator: ChecksumAddress
    sentinel: ChecksumAddress
    listed: tuple[Listed, ...]
    modes: tuple[Mode, ...]

    def assets(self, head: Head) -> tuple[ChecksumAddress, ...]:
        """What the oracle is asked for: the tokens, then the e-modes' price sources."""
        sources = (mode.price_source for mode in self.modes if mode.price_source != NOBODY)
        return tuple(dict.fromkeys((*head.tokens, *sources)))


@dataclass(frozen=True, slots=True)
class Tail:
    """`sources` follow `Body.assets`, `grace` and `curves` the tokens, `bitmaps` the modes. A curve is None where it cannot be read."""

    base: ChecksumAddress
    unit: int
    sources: tuple[ChecksumAddress, ...]
    grace: tuple[int, ...]
    curves: tuple[tuple[int, ...] | None, ...]
    bitmaps: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Words:
    head: Head
    body: Body
    tail: Tail


def head_reads(pool: ChecksumAddress) -> tuple[Read, ...]:
    names = ("POOL_REVISION", "ADDRESSES_PROVIDER", "getReservesList")
    return tuple(one(f"aave_v3/pool.{name}", pool) for name in names)


def dating(pool: ChecksumAddress) -> Read:
    """A function that every pool from 3.1 on has, and none before: of a fork, the revision alone does not tell."""
    return one("aave_v3/pool.getLiquidationGracePeriod", pool, ((pool,),), optional=True)


def head(answers: Sequence[Rows]) -> Head:
    revision, provider, tokens = (rows[0][0] for rows in answers)
    return Head(revision, provider, tuple(tokens))


def body_reads(pool: ChecksumAddress, release: Version, known: Head) -> tuple[Read, ...]:
    names = ("getPriceOracle", "getPoolConfigurator", "getPriceOracleSentinel")
    modes = "getEModeCategoryCollateralConfig" if release >= Version.V3_2 else "getEModeCategoryData"
    return (
        *(one(f"aave_v3/provider.{name}", known.provider) for name in names),
        one("aave_v3/pool.getReserveData", pool, ((token,) for token in known.tokens)),
        one(f"aave_v3/pool.{modes}", pool, ((mode,) for mode in MODES)),
    )


def body(release: Version, answers: Sequence[Rows]) -> Body:
    oracle, configurator, sentinel = (rows[0][0] for rows in answers[:3])
    listed = tuple(Listed(row[0], row[7], row[8], row[9], row[10], row[11]) for row in answers[3])
    modes = (_mode(release, id, row) for id, row in zip(MODES, answers[4], strict=True))
    return Body(oracle, configurator, sentinel, listed, tuple(mode for mode in modes if mode.threshold))


def _mode(release: Version, id: int, row: tuple[Any, ...]) -> Mode:
    """A category without a liquidation threshold does not exist: nobody can enter it."""
    if release >= Version.V3_2:
        return Mode(id, row[0], row[1], row[2], NOBODY)
    ltv, threshold, bonus, source, _ = row[0]
    return Mode(id, ltv, threshold, bonus, source)


def tail_reads(pool: ChecksumAddress, release: Version, known: Head, found: Body) -> tuple[Read, ...]:
    assets = tuple((asset,) for asset in found.assets(known))
    tokens = tuple((token,) for token in known.tokens)
    return (
        one("aave_v3/oracle.BASE_CURRENCY", found.oracle),
        one("aave_v3/oracle.BASE_CURRENCY_UNIT", found.oracle),
        one("aave_v3/oracle.getSourceOfAsset", found.oracle, assets),
        one("aave_v3/pool.getLiquidationGracePeriod", pool, tokens if release >= Version.V3_1 else ()),
        *_curve_reads(release, known, found),
        *(one(f"aave_v3/pool.{name}", pool, ((mode.id,) for mode in found.modes)) for name in _bitmaps(release)),
    )


def _curve_reads(release: Version, known: Head, found: Body) -> tuple[Read, ...]:
    places = tuple(row.strategy for row in found.listed)
    if release >= Version.V3_1:
        asked = ((place, (token,)) for place, token in zip(places, known.tokens, strict=True))
        return (pairs("aave_v3/strategy_v2.getInterestRateDataBps", asked, optional=True),)
    names = ("OPTIMAL_USAGE_RATIO", "getBaseVariableBorrowRate", "getVariableRateSlope1", "getVariableRateSlope2")
    return tuple(each(f"aave_v3/strategy.{name}", places, optional=True) for name in names)


def _bitmaps(release: Version) -> tuple[str, ...]:
    names = ["getEModeCategoryCollateralBitmap", "getEModeCategoryBorrowableBitmap"]
    if release < Version.V3_2:
        return ()
    if release >= Version.V3_6:
        names.append("getEModeCategoryLtvzeroBitmap")
    if release >= Version.V3_7:
        names.append("getIsEModeCategoryIsolated")
    return tuple(names)


def tail(release: Version, answers: Sequence[Rows]) -> Tail:
    base, unit, sources, grace = answers[:4]
    curves = answers[4:5] if release >= Version.V3_1 else answers[4:8]
    return Tail(
        base=base[0][0],
        unit=unit[0][0],
        sources=tuple(row[0] for row in sources),
        grace=tuple(row[0] for row in grace),
        curves=tuple(joined(rows) for rows in zip(*curves, strict=True)),
        bitmaps=tuple(tuple(int(row[0]) for row in rows) for rows in zip(*answers[4 + len(curves) :], strict=True)),
    )


def joined(rows: tuple[tuple[int, ...] | None, ...]) -> tuple[int, ...] | None:
    """The outputs of one strategy's getters behind one another; None when any of them does not answer."""
    values: list[int] = []
    for row in rows:
        if row is None:
            return None
        values.extend(row)
    return tuple(values)
