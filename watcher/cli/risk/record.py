"""An appraisal as records: one for each position, one for the owner, one for each structure, and what all of them stand on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np

from watcher.appraisal.appraise import Appraisal
from watcher.appraisal.estimate import Estimate, Loss
from watcher.appraisal.held import Held
from watcher.appraisal.margins import Owner, Standing, owner
from watcher.appraisal.prospect import Horizon, Prospect
from watcher.appraisal.structure import Structure
from watcher.cli.provenance import figure
from watcher.cli.risk.ground import of_ground
from watcher.figures import exact
from watcher.risk.outcome import Chance

Record = dict[str, Any]
NOT_INCLUDED: Final = "not included"
PARTS: Final = ("price", "carry", "rate_path", "oracle_cap", "depeg")


def records(found: Appraisal, blocks: Sequence[Record]) -> Iterator[Record]:
    """`blocks` say which chains were read at which block."""
    for one in found.standings:
        yield {"kind": "risk_position", **of_standing(one), "horizons": of_position(found, one)}
    yield {
        "kind": "risk_owner",
        **of_owner(owner(found.standings)),
        "horizons": [of_horizon(one, found.held) for one in found.horizons],
    }
    for structure in found.structures:
        yield {"kind": "risk_structure", **of_structure(structure)}
    yield {"kind": "risk_basis", **of_basis(found), "blocks": list(blocks)}


def of_standing(one: Standing) -> Record:
    """Money is in `money`; ratios and factors are fractions; a sensitivity is per unit of ln price, rate or threshold."""
    held, margin = one.held, one.margin
    names = [asset.name for asset in dict.fromkeys(asset for asset, _ in held.legs)]
    figures = {key: number(getattr(margin, key)) for key in margin.__dataclass_fields__}
    return {
        "chain_id": held.row.market.chain,
        "market": held.name,
        "protocol": held.row.market.protocol,
        "account": held.account,
        "position": "0x" + held.row.reading.key.key.hex(),
        "status": held.row.reading.status,
        "money": held.money,
        "usd_missing": held.unpriced,
        **figures,
        "health_contract": None if held.valuation.health is None else exact(held.valuation.health, 18),
        "toxic_ltv": number(one.toxic),
        "in_toxic_zone": None if one.toxic is None or margin.ltv is None else margin.ltv > one.toxic,
        "breakeven_slippage": number(one.slippage),
        "closed_at_line": None if one.at_line is None else number(one.at_line.repaid),
        "bonus_at_line": None if one.at_line is None else number(one.at_line.bonus),
        "collateral_fall": number(one.fall),
        "basket_move": number(one.basket),
        "basket_move_crisis": number(one.crisis),
        "sigmas_1d": None if one.distance is None else number(one.distance.sigmas),
        "seconds_to_line": one.runway.present,
        "seconds_to_line_full": one.runway.full,
        "seconds_to_line_full_reason": one.runway.reason,
        "assets": [of_asset(one, place, name) for place, name in enumerate(names)],
    }


def of_owner(one: Owner) -> Record:
    """US dollars; `usd_missing` says what is not in them."""
    return {
        "equity": number(one.equity),
        "maintenance": number(one.maintenance),
        "initial": number(one.initial),
        "collateral": number(one.collateral),
        "debt": number(one.debt),
        "leverage": number(one.leverage),
        "usd_missing": list(one.missing),
    }


def of_asset(one: Standing, place: int, name: str) -> Record:
    seen, felt, far = one.exposure, one.sensitivities, one.distance
    factor = one.breaking[place]
    return {
        "asset": name,
        "symbol": seen.assets[place],
        "collateral": number(seen.collateral[place]),
        "debt": number(seen.debt[place]),
        "threshold": number(seen.threshold[place]),
        "price_factor_at_line": number(factor),
        "beta": None if one.betas is None else number(one.betas[place]),
        "likeliest_return_at_line": None if far is None else number(np.expm1(far.breach[place])),
        "equity_per_log_price": None if felt is None else number(felt.equity[place]),
        "margin_per_log_price": None if felt is None else number(felt.margin[place]),
        "health_per_log_price": None if felt is None else number(felt.health[place]),
        "health_per_threshold": None if felt is None else number(felt.health_threshold[place]),
        "health_per_rate_earned": None if felt is None else number(felt.health_earned[place]),
        "health_per_rate_paid": None if felt is None else number(felt.health_paid[place]),
    }


def of_position(found: Appraisal, one: Standing) -> list[Record]:
    """Its prospects by horizon; none where it could not be simulated, for the reason that the basis tells."""
    places = [place for place, held in enumerate(found.held) if held is one.held]
    return [of_prospect(each.seconds, each.positions[place]) for place in places for each in found.horizons]


def of_prospect(seconds: int, one: Prospect) -> Record:
    return {
        "seconds": seconds,
        **of_chance("liquidated", one.liquidated),
        "closed_form": number(one.closed),
        **of_chance("sooner", one.sooner),
        **of_chance("later", one.later),
        "parts": of_parts(one),
        **of_estimate("cost", one.cost),
        **of_estimate("cost_given_liquidation", one.given),
        **of_estimate("slippage", one.slippage),
        **of_loss(one.loss),
    }


def of_parts(one: Prospect) -> Record:
    """What each part adds to those before it, with its error; said in words where it is in no path."""
    return {
        name: {"chance": number(part.value), "error": number(part.error)} if part is not None else NOT_INCLUDED
        for name in PARTS
        for part in (one.parts.get(name),)
    }


def of_horizon(one: Horizon, held: Sequence[Held]) -> Record:
    """`held` are its positions: two accounts may have one each in the same market."""
    whole = one.together
    made: Record = {
        "seconds": one.seconds,
        **of_chance("any", one.joint.any),
        **of_chance("all", one.joint.all),
        "first": [
            {"market": each.name, "account": each.account, "chance": number(share)}
            for each, share in zip(held, one.joint.first, strict=True)
        ],
    }
    if whole is None:
        return made
    return made | {
        **of_estimate("cost", whole.cost),
        **of_loss(whole.loss),
        "es_by_asset": [{"symbol": name, "part": number(part)} for name, part in whole.by_asset],
        "es_by_position": [
            {"market": name, "account": each.account, "part": number(part)}
            for each, (name, part) in zip(
                (each for each in held if each.each is not None), whole.by_position, strict=True
            )
        ],
        "es_slippage": number(whole.slippage),
        "es_borne_by_lenders": number(whole.forgiven),
    }


def of_structure(one: Structure) -> Record:
    return {
        "structure": one.name,
        "pools": one.pools,
        "health": [number(health) for health in one.health],
        **of_chance("liquidated", one.liquidated),
        **of_estimate("cost_given_liquidation", one.given),
        **of_loss(one.loss),
    }


def of_basis(found: Appraisal) -> Record:
    """What is in no figure, and what all of them stand on."""
    asked = found.asked
    return {
        **of_ground(found.basis, asked.model, asked.scenarios, asked.seed, found.judged),
        "oracle_deviation": number(asked.deviation),
        "reaction_seconds": asked.reaction,
        "not_shown": list(found.lost),
        "not_included": list(found.excluded),
        "notes": list(found.notes),
    }


def of_chance(name: str, one: Chance) -> Record:
    return {name: number(one.value), f"{name}_error": number(one.error)}


def of_estimate(name: str, one: Estimate | None) -> Record:
    return {
        name: None if one is None else number(one.value),
        f"{name}_error": None if one is None else number(one.error),
    }


def of_loss(one: Loss) -> Record:
    return {
        **of_estimate("lost", one.mean),
        "var_99": number(one.var),
        "var_99_low": number(one.var_low),
        "var_99_high": number(one.var_high),
        **of_estimate("es_97_5", one.es),
    }


def number(value: float | None) -> Decimal | None:
    """None for None."""
    return None if value is None else figure(value)


def flat(found: Appraisal, blocks: Sequence[Record]) -> list[Record]:
    """For a file: a row for each position and horizon, and for the owner; what is nested is left to json."""
    rows: list[Record] = []
    for record in records(found, blocks):
        own = _plain(record)
        each: list[Record] = record.get("horizons") or [{}]
        rows += [own | _plain(horizon) for horizon in each]
    return rows


def _plain(record: Record) -> Record:
    """What is not nested, floats for decimals."""
    return {
        key: float(value) if isinstance(value, Decimal) else value
        for key, value in record.items()
        if not isinstance(value, list | dict)
    }
