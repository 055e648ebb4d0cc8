"""The [risk] table of watcher.toml and its [[risk.tokens]]: how paths are drawn, and what tokens are said to follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from watcher.config.chain import Config, nearest
from watcher.config.risk import DAY, MODELS, Assumed, Risk
from watcher.config.table import Table
from watcher.errors import UsageError

PEGS: Final = ("stable", "staked")
FEEDS: Final = ("market", "rate", "fixed")
YEAR: Final = 365  # days
SHORTEST: Final = 21  # days of a window: fewer hours than its 504 tell neither volatility nor tails
SIDE: Final = "[A-Za-z0-9.+_-]{1,32}"
PAIR: Final = re.compile(f"{SIDE}/{SIDE}")
PERCENT: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?%")


def risk(table: Table | None, config: Config) -> Risk:
    """What is written over the defaults; all of them where there is no such table."""
    usual = Risk()
    if table is None:
        return usual
    found = Risk(
        reaction=_within(table, "reaction", 0, YEAR),
        scenarios=whole(table, "scenarios", usual.scenarios, 100, 1_000_000),
        seed=whole(table, "seed", usual.seed, 0, 2**63 - 1),
        window=_within(table, "window", SHORTEST, 10 * YEAR) or usual.window,
        deviation=number(table, "deviation", usual.deviation, 0, Decimal("0.1")),
        model=one_of(table, "model", MODELS) or usual.model,
        every=table.duration("every") or usual.every,
        tokens=tuple(_tokens(table, config)),
    )
    table.close()
    return found


def _within(table: Table, key: str, least: int, most: int) -> int | None:
    """A duration of so many days at least and at most, None when absent."""
    seconds = table.duration(key)
    if seconds is not None and not least * DAY <= seconds <= most * DAY:
        table.fail(key, f"expected a time from {least}d to {most}d" if least else f"expected a time of {most}d at most")
    return seconds


def whole(table: Table, key: str, default: int, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    value = table.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        table.fail(key, f"expected a whole number from {least:,} to {most:,}, written without commas")
    return value


def number(table: Table, key: str, default: float, least: int, most: int | Decimal) -> float:
    """A number from `least` to `most`, or the same as a text in percent: 0.005 is "0.5%"."""
    value = table.get(key)
    if value is None:
        return default
    percent = PERCENT.fullmatch(value) if isinstance(value, str) else None
    if percent is not None:
        value = Decimal(percent[1]).scaleb(-2)
    usable = isinstance(value, int | Decimal) and not isinstance(value, bool) and Decimal(value).is_finite()
    if not usable or not least <= value <= most:
        table.fail(key, f'expected a number from {least} to {most}; percent as a text, as in "0.5%" for 0.005')
    return float(value)


def one_of(table: Table, key: str, words: tuple[str, ...]) -> str | None:
    """One of a few words, None when absent."""
    word = table.text(key, "") or None
    if word is not None and word not in words:
        table.fail(key, f"expected {', '.join(words)}; {nearest(word, list(words))}")
    return word


def _tokens(table: Table, config: Config) -> Iterator[Assumed]:
    """Every token once. What says nothing of its token is refused, and a beta of no factor too."""
    seen: set[tuple[int, str]] = set()
    for row in table.tables("tokens"):
        try:
            chain = config.chain(str(row.need("chain", "the name or the id of a watched chain")))
        except UsageError as error:
            row.fail("chain", str(error))
        token, factor = row.address("token"), row.text("factor", "") or None
        if factor is not None and not PAIR.fullmatch(factor):
            row.fail("factor", "expected a pair of names, as in ETH/USD")
        if factor is None and row.get("beta") is not None:
            row.fail("beta", "says how much of a factor's return the token takes: name the factor, as in ETH/USD")
        one = Assumed(
            chain.id,
            token,
            None if factor is None else factor.upper(),
            number(row, "beta", 1.0, -10, 10),
            number(row, "residual", 0.0, 0, 10),
            one_of(row, "peg", PEGS),
            one_of(row, "feed", FEEDS),
        )
        if one == Assumed(chain.id, token, None):
            row.fail(None, f"says nothing of {token}: write factor, residual, peg or feed")
        if (chain.id, token) in seen:
            row.fail("token", f"{token} of {chain.name} is listed twice")
        seen.add((chain.id, token))
        row.close()
        yield one
