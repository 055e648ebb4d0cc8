"""What the prices of a market are made of: a table with a row for every step, from the source inwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from watcher.cli.market.view import View
from watcher.cli.output import Column
from watcher.figures import age, exact, percent
from watcher.oracle.path import (
    STEPS,
    WAD,
    Average,
    Cap,
    Discount,
    PeggedCap,
    Quotient,
    RatioCap,
    Scaled,
    StableCap,
    Step,
    caps,
)

PATHS: Final = (
    Column("asset", "asset"),
    Column("step", "step", wide=True),
    Column("answer", "answer", right=True),
    Column("age", "age", right=True),
    Column("rule", "by", wide=True),
    Column("source", "source", wide=True),
)


def rows(seen: View) -> Iterator[dict[str, Any]]:
    """The paths of all prices that stand upon something; a plain feed is told in the table of the assets."""
    for asset in seen.assets:
        path = None if asset.price is None or seen.sight is None else seen.sight.paths.get(asset.price.source)
        if path is not None and path.rule is not None:
            found = {id(cap.step): cap for cap in caps(path, seen.block.timestamp)}
            yield from _rows(asset.token.symbol, path, 0, found, seen.block.timestamp)


def _rows(symbol: str, step: Step, depth: int, found: dict[int, Cap], now: int) -> Iterator[dict[str, Any]]:
    places = 8 if step.decimals is None else step.decimals
    yield {
        "asset": symbol if depth == 0 else "",
        "step": "  " * depth + step.description,
        "answer": "?"
        if step.answer is None
        else exact(step.answer, places)
        if step.decimals is not None
        else step.answer,
        "age": age(now - step.updated) if step.updated else "",
        "rule": " · ".join(words(step, found.get(id(step)), now)),
        "source": step.source,
    }
    for below in step.below:
        yield from _rows("", below, depth + 1, found, now)


def words(step: Step, cap: Cap | None, now: int) -> Iterator[str]:
    """The rule of a step as people say it; nothing for a feed of its own."""
    match step.rule:
        case RatioCap() as rule:
            whose = "" if rule.provider == step.source else f" of {rule.provider}"
            yield f"rate {exact(rule.ratio, rule.decimals)}{whose}"
            yield f"counts up to {exact(rule.most(now), rule.decimals)}"
        case StableCap(limit):
            yield f"at most {exact(limit, step.decimals or 0)}"
        case PeggedCap(ratio, decimals):
            yield f"at most {exact(ratio, decimals)} of the second"
        case Discount(_, rate, maturity) as rule:
            yield f"{percent(rate, WAD)} a year less until {datetime.fromtimestamp(maturity, UTC):%Y-%m-%d}"
            yield f"now {percent(rule.now(now), WAD, 4)}"
        case Quotient(_, _, base, base_rate, quote, quote_rate):
            yield "bases over quotes"
            yield from (f"vault {vault}: {rate}" for vault, rate in ((base, base_rate), (quote, quote_rate)) if vault)
        case Scaled():
            yield "rescaled"
        case Average(seconds):
            yield "moving average" if seconds is None else f"moving average over {seconds} s"
        case None:
            return
        case _:
            yield "computed by the source"
    if cap is not None:
        yield "the cap binds" if cap.binding else f"{percent(cap.room, STEPS, 4)} below its cap"
