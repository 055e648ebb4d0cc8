"""The columns of appraisals: margin, chances with their errors, and losses, as they were stored once an hour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from watcher.export.field import Field, Kind

SPANS: Final = {
    "1h": "an hour",
    "1d": "a day",
    "7d": "7 days",
    "30d": "30 days",
    "reaction": "the owner's reaction time",
}
MONEY: Final = {
    "equity": "what is held as collateral less what is owed",
    "maintenance": "maintenance requirement: collateral less what of it protects debt",
    "initial": "initial requirement: collateral less what may be borrowed against it",
}
RATIOS: Final = {
    "health": "health factor",
    "equity_over_mm": "equity over maintenance requirement: 1 at the line",
    "mm_over_equity": "the inverse: 1 at the line",
    "margin_utilisation": "initial requirement over equity: above 1 nothing more can be borrowed",
    "borrow_utilisation": "what is owed over what may be borrowed",
    "leverage": "collateral over equity",
    "ltv": "what is owed over collateral",
    "threshold": "average liquidation threshold",
    "sigmas": "standard deviations of a day to the line",
}


def _chances() -> Iterator[Field]:
    for name, span in SPANS.items():
        if name == "reaction":
            yield Field(name, Kind.COUNT, "s", "the owner's reaction time")
        yield Field(f"chance_{name}", Kind.FLOAT, "1", f"chance of a liquidation within {span}; empty: not told")
        yield Field(f"error_{name}", Kind.FLOAT, "1", "its standard error")


def _losses() -> Iterator[Field]:
    for name, what in (("var", "VaR at 99 %"), ("es", "Expected Shortfall at 97.5 %")):
        yield Field(f"{name}_1d", Kind.FLOAT, "unit", f"{what} of the loss of equity in a day")
        yield Field(f"{name}_error_1d", Kind.FLOAT, "unit", "its standard error")


APPRAISAL: Final = (
    *(Field(name, Kind.FLOAT, "unit", what) for name, what in MONEY.items()),
    Field("unit", Kind.TEXT, "", "symbol of what the market counts values in"),
    *(Field(name, Kind.FLOAT, "1", f"{what}; empty where it has no meaning") for name, what in RATIOS.items()),
    *_chances(),
    *_losses(),
    Field("model", Kind.TEXT, "", "how prices were drawn: fhs, t or gbm; empty where none were"),
    Field("seed", Kind.COUNT, "", "of the paths"),
    Field("missing", Kind.TEXT, "", "what is not told or not included, and why, one after the other"),
    Field(
        "details", Kind.WORDS, "", "prices at the line, sensitivities, parts of the chances, and what paths stood on"
    ),
)
PLAIN: Final = tuple(field.name for field in APPRAISAL if field.name not in ("missing", "details"))
