"""A market as people read it: the rules in words, then tables of what its assets count for, their prices, and who uses them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Final

from watcher.adapter import Panel, Weight
from watcher.cli.market.paths import PATHS, rows
from watcher.cli.market.spread import COLUMNS as SPREAD
from watcher.cli.market.spread import lines
from watcher.cli.market.view import Asset, View
from watcher.cli.options import Format
from watcher.cli.output import Column, Row, show
from watcher.figures import age, percent, short
from watcher.text import clean_line
from watcher.units import RAY

RULES: Final = (Column("topic", "rule"), Column("text", "", wide=True))
WEIGHTS: Final = tuple(
    Column(key, title, right=True)
    for key, title in (("ltv", "LTV"), ("threshold", "threshold"), ("bonus", "bonus"), ("fee", "of it to the protocol"))
)
ASSETS: Final = (
    Column("asset", "asset"),
    *WEIGHTS,
    Column("price", "price", right=True),
    Column("age", "age", right=True),
    Column("path", "path", wide=True),
    Column("state", "state", wide=True),
)
USE: Final = (
    Column("asset", "asset"),
    *(
        Column(key, title, right=True)
        for key, title in (
            ("supplied", "supplied"),
            ("supply_full", "of cap"),
            ("borrowed", "borrowed"),
            ("borrow_full", "of cap"),
            ("utilisation", "utilisation"),
            ("free", "free"),
            ("earns", "earns a year"),
            ("pays", "pays a year"),
        )
    ),
)
MODES: Final = (Column("mode", "e-mode", right=True), Column("asset", "asset"), *WEIGHTS)


def show_market(seen: View) -> None:
    """Print it, table after table. Foreign text is text: nothing in it is markup."""
    heading(f"{seen.market.name}  {seen.makeup.rules}  block {seen.block.number}")
    show([{"topic": clause.topic, "text": clause.text} for clause in seen.rulebook.clauses], RULES, Format.TABLE)
    for text in (*seen.makeup.limits, *seen.stops):
        heading(text)
    part("Assets", [assets(seen, asset) for asset in seen.assets], ASSETS)
    part("Price paths", list(rows(seen)), PATHS)
    modes = [{"mode": weight.mode, "asset": weight.token.symbol, **weighed(seen, weight)} for weight in seen.modes]
    part("Inside e-modes", modes, MODES)
    part("Use", [use(asset.panel) for asset in seen.assets if asset.panel is not None], USE)
    found = seen.spread
    if found is not None and found.unit is not None:
        lost = f", {found.unknown} positions unknown" if found.unknown else ""
        part(f"Debt by health, block {found.block.number}{lost}", lines(found, found.unit), SPREAD)


def part(title: str, rows: Sequence[Row], columns: tuple[Column, ...]) -> None:
    """A table under its title; nothing where there are no rows."""
    if rows:
        sys.stdout.write("\n")
        heading(title)
        show(rows, columns, Format.TABLE)


def heading(text: str) -> None:
    sys.stdout.write(clean_line(text) + "\n")


def assets(seen: View, asset: Asset) -> dict[str, Any]:
    return {
        "asset": asset.token.symbol,
        **({} if asset.weight is None else weighed(seen, asset.weight)),
        **priced(seen, asset),
        "state": ", ".join(states(seen, asset)),
    }


def weighed(seen: View, weight: Weight) -> dict[str, str]:
    scale = seen.rulebook.scale
    return {
        "ltv": percent(weight.ltv, scale),
        "threshold": percent(weight.threshold, scale),
        "bonus": percent(max(0, weight.incentive - scale), scale),
        "fee": percent(weight.fee, scale),
    }


def priced(seen: View, asset: Asset) -> dict[str, str]:
    """Nothing for what needs no price; a question mark for a price that is missing."""
    price = asset.price
    if price is None:
        return {}
    old = "" if price.updated is None else age(seen.block.timestamp - price.updated)
    path = " ← ".join(price.path) or price.description
    if price.answer is None:
        return {"price": "?", "age": old, "path": path}
    places = 2 if len(str(price.answer)) > price.unit.decimals + 2 else 4
    return {
        "price": f"{short(price.answer, price.unit.decimals, places)} {price.unit.symbol}",
        "age": old,
        "path": path,
    }


def states(seen: View, asset: Asset) -> list[str]:
    """What stops somebody now, and what speaks against the price."""
    found, panel = [], asset.panel
    if panel is not None:
        found += ["paused"] if panel.paused else []
        found += ["frozen"] if panel.frozen else []
        if panel.grace_until is not None and panel.grace_until >= seen.block.timestamp:
            found.append(f"no liquidation for {age(panel.grace_until - seen.block.timestamp)}")
    doubts = () if asset.price is None else asset.price.doubts
    return [*found, *(doubt.text for doubt in doubts)]


def use(panel: Panel) -> dict[str, str]:
    token = panel.token
    return {
        "asset": token.symbol,
        "supplied": short(panel.supplied, token.decimals),
        "supply_full": "no cap" if panel.supply_cap is None else percent(panel.supplied, panel.supply_cap, up=True),
        "borrowed": short(panel.borrowed, token.decimals, up=True),
        "borrow_full": "no cap" if panel.borrow_cap is None else percent(panel.borrowed, panel.borrow_cap, up=True),
        "utilisation": percent(panel.utilisation, RAY, up=True),
        "free": short(panel.free, token.decimals),
        "earns": percent(panel.supply_rate, RAY),
        "pays": percent(panel.borrow_rate, RAY, up=True),
    }
