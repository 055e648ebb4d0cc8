"""A curve as one json document, and its points as rows: decimals exact, every unit named."""

from __future__ import annotations

from typing import Any, Final

from eth_utils.address import to_checksum_address

from watcher.cli.account.record import at
from watcher.cli.curve.view import View
from watcher.cli.output import Column
from watcher.figures import exact
from watcher.health.fall import STEPS
from watcher.scan.curve import BAD_DEBT, Point, Sum

Record = dict[str, Any]
PLACES: Final = len(str(STEPS)) - 1
SUMS: Final = ("accounts", "debt", "collateral", "bad_debt")
COLUMNS: Final = tuple(
    Column(name, name)
    for name in (
        "chain",
        "chain_id",
        "block",
        "block_hash",
        "block_time",
        "market",
        "falls",
        "unit",
        "fall",
        *SUMS,
        *(f"correlated_{name}" for name in SUMS),
    )
)


def document(seen: View) -> Record:
    """`thresholds` are the least falls at which an account is liquidatable, as fractions of one, smallest first."""
    return {
        "kind": "curve",
        **of_view(seen),
        "bad_debt": BAD_DEBT,
        "points": [of_point(seen, point) for point in seen.curve.points],
        "thresholds": [
            {
                "account": to_checksum_address(one.key.key[:20]),
                "position": one.key.key,
                "fall": exact(one.steps, PLACES),
            }
            for one in seen.curve.thresholds
        ],
        "unknown": [
            {"account": to_checksum_address(one.key.key[:20]), "position": one.key.key, "reason": one.reason}
            for one in seen.curve.unplaced
        ],
        "coverage_exact": seen.covered,
    }


def rows(seen: View) -> list[Record]:
    return [{"kind": "point", **of_view(seen), **of_point(seen, point)} for point in seen.curve.points]


def of_view(seen: View) -> Record:
    unit = seen.curve.unit
    return {
        **at(seen.chain, seen.block),
        "market": seen.market.name,
        "falls": seen.falls,
        "unit": None if unit is None else unit.symbol,
    }


def of_point(seen: View, point: Point) -> Record:
    """`correlated_…`: of the accounts whose collateral and debt are in one group."""
    correlated = of_sum(seen, point.loops)
    return {
        "fall": exact(point.steps, PLACES),
        **of_sum(seen, point.all),
        **{f"correlated_{name}": value for name, value in correlated.items()},
    }


def of_sum(seen: View, one: Sum) -> Record:
    unit = seen.curve.unit
    values = {"debt": one.debt, "collateral": one.collateral, "bad_debt": one.bad_debt}
    return {
        "accounts": one.accounts,
        **{name: None if unit is None else exact(value, unit.decimals) for name, value in values.items()},
    }
