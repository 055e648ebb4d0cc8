"""How a market's debt is spread over health, from a book of everybody who owes: as a table with bars, and for programs."""

from __future__ import annotations

from typing import Any, Final

from watcher.cli.liquidations.sheet import worth
from watcher.cli.output import Column
from watcher.figures import exact
from watcher.model import Unit
from watcher.scan.distribution import Distribution, Share

WIDTH: Final = 40  # characters of the longest bar
COLUMNS: Final = (
    Column("health", "health", right=True),
    *(
        Column(key, title, right=True)
        for key, title in (
            ("accounts", "accounts"),
            ("debt", "debt"),
            ("loops", "loops"),
            ("loops_debt", "their debt"),
            ("volatile", "volatile"),
            ("volatile_debt", "their debt"),
        )
    ),
    Column("bar", ""),
)


def lines(found: Distribution, unit: Unit) -> list[dict[str, Any]]:
    most = max(one.loops[1] + one.volatile[1] for one in found.shares)
    return [_line(one, unit, most) for one in found.shares]


def _line(one: Share, unit: Unit, most: int) -> dict[str, Any]:
    debt = one.loops[1] + one.volatile[1]
    low = "" if one.low is None else exact(one.low, 18)
    return {
        "health": f"below {exact(one.high, 18)}" if one.low is None and one.high else f"{low} and more",
        "accounts": one.loops[0] + one.volatile[0],
        "debt": worth(debt, unit, up=True),
        "loops": one.loops[0],
        "loops_debt": worth(one.loops[1], unit, up=True),
        "volatile": one.volatile[0],
        "volatile_debt": worth(one.volatile[1], unit, up=True),
        "bar": "█" * (debt * WIDTH // most if most else 0),
    } | ({"health": f"{low} to {exact(one.high, 18)}"} if one.low is not None and one.high is not None else {})


def of_distribution(found: Distribution | None) -> dict[str, Any] | None:
    """Health from `low` on and below `high`; debt in `unit`. Null: there is no book of this market."""
    if found is None:
        return None
    unit = found.unit
    return {
        "block": found.block.number,
        "block_hash": found.block.hash,
        "unit": None if unit is None else unit.symbol,
        "unknown": found.unknown,
        "shares": [
            {
                "low": None if one.low is None else exact(one.low, 18),
                "high": None if one.high is None else exact(one.high, 18),
                **{
                    f"{name}{key}": value
                    for name, (accounts, debt) in (("correlated_", one.loops), ("volatile_", one.volatile))
                    for key, value in (
                        ("accounts", accounts),
                        ("debt", None if unit is None else exact(debt, unit.decimals)),
                    )
                },
            }
            for one in found.shares
        ],
    }
