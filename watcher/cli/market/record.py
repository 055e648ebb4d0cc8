"""A market as one json document, and its assets as rows: exact decimals as text, every unit named."""

from __future__ import annotations

from typing import Any, Final

from watcher.adapter import Price, Weight
from watcher.cli.account.assets import of_panel
from watcher.cli.account.caps import of_cap, of_step
from watcher.cli.account.record import at, of_price
from watcher.cli.market.spread import of_distribution
from watcher.cli.market.view import Asset, View
from watcher.cli.output import Column
from watcher.figures import exact

Record = dict[str, Any]
PANEL: Final = (
    "supplied",
    "borrowed",
    "free_liquidity",
    "utilisation",
    "supply_rate",
    "borrow_rate",
    "supply_cap",
    "borrow_cap",
    "paused",
    "frozen",
    "grace_until",
)
WEIGHT: Final = ("ltv", "threshold", "liquidation_bonus", "protocol_fee")


def document(seen: View) -> Record:
    """`rules` in words; thresholds, bonus, fee, rates and utilisation as fractions of one; amounts in whole tokens."""
    scale = len(str(seen.rulebook.scale)) - 1
    return {
        "kind": "market",
        **at(seen.chain, seen.block),
        "market": seen.market.name,
        "protocol": seen.market.protocol,
        "id": seen.market.id or None,
        "code": seen.makeup.rules,
        "limits": list(seen.makeup.limits),
        "contracts": [{"role": role, "address": address} for role, address in seen.makeup.contracts],
        "rules": [{"topic": clause.topic, "text": clause.text} for clause in seen.rulebook.clauses],
        "stops": list(seen.stops),
        "assets": [of_asset(seen, asset) for asset in seen.assets],
        "emodes": [
            {
                "emode": weight.mode,
                "token": weight.token.address,
                "symbol": weight.token.symbol,
                **of_weight(weight, scale),
            }
            for weight in seen.modes
        ],
        "debt_by_health": of_distribution(seen.spread),
        "unknown": list(seen.unknown),
    }


def of_asset(seen: View, asset: Asset) -> Record:
    """What is not there is null: Morpho counts no supply of its collateral, a loan token needs no threshold."""
    scale = len(str(seen.rulebook.scale)) - 1
    panel = dict.fromkeys(PANEL) if asset.panel is None else of_panel(asset.panel)
    weight = dict.fromkeys(WEIGHT) if asset.weight is None else of_weight(asset.weight, scale)
    price = None if asset.price is None else of_price(asset.price, seen.block) | of_path(seen, asset.price)
    return {"token": asset.token.address, "symbol": asset.token.symbol, **weight, **panel, "price": price}


def of_path(seen: View, price: Price) -> dict[str, Any]:
    """What the price is made of, and the caps in it; null where that was not read."""
    path = None if seen.sight is None else seen.sight.paths.get(price.source)
    if seen.sight is None or path is None:
        return {"made_of": None, "caps": None}
    return {"made_of": of_step(path), "caps": [of_cap(cap, price) for cap in seen.sight.caps(price)]}


def of_weight(weight: Weight, scale: int) -> Record:
    """The bonus is what exceeds 100 %, the fee the protocol's share of that."""
    bonus = max(0, weight.incentive - 10**scale)
    return {
        "ltv": exact(weight.ltv, scale),
        "threshold": exact(weight.threshold, scale),
        "liquidation_bonus": exact(bonus, scale),
        "protocol_fee": exact(weight.fee, scale),
    }


RESERVE: Final = tuple(
    Column(name, name)
    for name in (
        "chain",
        "chain_id",
        "block",
        "block_hash",
        "block_time",
        "market",
        "token",
        "symbol",
        *WEIGHT,
        "price",
        "price_unit",
        "price_updated",
        "price_source",
        *PANEL,
    )
)


def reserves(seen: View) -> list[Record]:
    """For csv: a row per asset, the price's parts as columns of their own."""
    where = {**at(seen.chain, seen.block), "market": seen.market.name}
    rows = []
    for asset in seen.assets:
        price = asset.price
        rows.append(
            {
                **where,
                **of_asset(seen, asset),
                "price": None if price is None or price.answer is None else exact(price.answer, price.unit.decimals),
                "price_unit": None if price is None else price.unit.symbol,
                "price_updated": None if price is None else price.updated,
                "price_source": None if price is None else price.source,
            }
        )
    return rows
