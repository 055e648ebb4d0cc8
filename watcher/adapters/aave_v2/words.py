"""What an Aave V2 pool's terms are made of, as the chain stores it: the reads in dependent groups, and their answers put together.

They fill the words of V3 (no e-mode, no grace period); what only V2 has stands beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapters.aave_v3.words import Body, Head, Listed, Tail, joined
from watcher.errors import AnswerError
from watcher.oracle.feed import NOBODY
from watcher.query import Read, Rows, each, one
from watcher.units import WAD

UNNAMED: Final = 0  # of a pool that does not tell its revision
CURVE: Final = ("OPTIMAL_UTILIZATION_RATE", "baseVariableBorrowRate", "variableRateSlope1", "variableRateSlope2")


@dataclass(frozen=True, slots=True)
class Words:
    head: Head
    body: Body
    tail: Tail
    paused: bool
    manager: ChecksumAddress
    fallback: ChecksumAddress
    fee_to: ChecksumAddress | None
    rebasing: tuple[ChecksumAddress, ...]


def head_reads(pool: ChecksumAddress) -> tuple[Read, ...]:
    names = ("getAddressesProvider", "getReservesList", "paused")
    return (
        *(one(f"aave_v2/pool.{name}", pool) for name in names),
        one("aave_v2/pool.LENDINGPOOL_REVISION", pool, optional=True),
    )


def head(answers: Sequence[Rows]) -> tuple[Head, bool]:
    """The head, and whether the pool is paused."""
    provider, tokens, paused, revision = (rows[0] for rows in answers)
    return Head(revision[0] if revision else UNNAMED, provider[0], tuple(tokens[0])), paused[0]


def body_reads(pool: ChecksumAddress, known: Head) -> tuple[Read, ...]:
    names = ("getPriceOracle", "getLendingPoolConfigurator", "getLendingPoolCollateralManager")
    return (
        *(one(f"aave_v2/provider.{name}", known.provider) for name in names),
        one("aave_v2/provider.getLiquidationFeeTo", known.provider, optional=True),
        one("aave_v2/pool.getReserveData", pool, ((token,) for token in known.tokens)),
    )


def body(answers: Sequence[Rows]) -> tuple[Body, ChecksumAddress, ChecksumAddress | None]:
    """The body, the collateral manager, and who a fork pays its fee to."""
    oracle, configurator, manager = (rows[0][0] for rows in answers[:3])
    fee = answers[3][0]
    listed = tuple(Listed(row[0], row[11], row[7], row[8], row[9], row[10]) for row in answers[4])
    return Body(oracle, configurator, NOBODY, listed, ()), manager, fee[0] if fee else None


def tail_reads(known: Head, found: Body) -> tuple[Read, ...]:
    places = tuple(row.strategy for row in found.listed)
    return (
        one("aave_v3/oracle.BASE_CURRENCY", found.oracle, optional=True),
        one("aave_v3/oracle.BASE_CURRENCY_UNIT", found.oracle, optional=True),
        one("aave_v2/oracle.WETH", found.oracle, optional=True),
        one("aave_v2/oracle.getFallbackOracle", found.oracle),
        one("aave_v2/oracle.getSourceOfAsset", found.oracle, ((token,) for token in known.tokens)),
        *(each(f"aave_v2/strategy.{name}", places, optional=True) for name in CURVE),
        each("aave_v2/atoken.internalTotalSupply", (row.deposit for row in found.listed), optional=True),
    )


def tail(known: Head, answers: Sequence[Rows]) -> tuple[Tail, ChecksumAddress, tuple[ChecksumAddress, ...]]:
    """The tail, the fallback oracle, and the tokens whose aToken keeps balances of its own behind the scaled ones.

    The first oracles name no base currency, only the wrapped ether whose price they fix at 1e18: that is their base. `AnswerError` for
    an oracle that names neither.
    """
    currency, unit, ether, (fallback,) = (rows[0] for rows in answers[:4])
    sources, *curves, inside = answers[4:]
    rebasing = tuple(token for token, row in zip(known.tokens, inside, strict=True) if row is not None)
    if currency and unit:
        base = currency[0], unit[0]
    elif ether:
        base = ether[0], WAD
    else:
        raise AnswerError("the pool's oracle does not say what its prices are in")
    found = tuple(joined(rows) for rows in zip(*curves, strict=True))
    return Tail(*base, tuple(row[0] for row in sources), (), found, ()), fallback, rebasing
