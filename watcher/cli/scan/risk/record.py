"""A market's prospect as one json document, and its accounts as rows. Simulated figures have their standard error beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from watcher.cli.account.record import at, of_valuation
from watcher.cli.output import Column
from watcher.cli.provenance import versions
from watcher.cli.risk.ground import of_ground
from watcher.cli.risk.record import number, of_chance, of_estimate, of_loss
from watcher.cli.scan.record import Record, of_assumed, of_audit, of_coverage, of_mismatch, of_unknown, whose
from watcher.cli.scan.risk.look import Shown, View
from watcher.config.risk import HOUR
from watcher.model import Status
from watcher.scan.prospect import Account, Concentration, Figures, Part, Quantile, Spread
from watcher.scan.risk import Unknown

COLUMNS: Final[Sequence[Column]] = tuple(
    Column(name, name)
    for name in (
        "chain",
        "chain_id",
        "block",
        "block_hash",
        "block_time",
        "market",
        "horizon_seconds",
        "model",
        "seed",
        "scenarios",
        "account",
        "status",
        "reason",
        "unit",
        "health",
        "collateral",
        "debt",
        "liquidatable",
        "chance",
        "chance_error",
        "repaid",
        "cost",
        "told",
        "expected_loss",
        "expected_loss_error",
        "es_bad_debt_part",
    )
)


def document(seen: View) -> Record:
    return summary(seen) | {
        "accounts": [of_shown(seen, one) for one in seen.shown],
        "unknown_accounts": [of_lost(one) for one in seen.prospect.unknown],
    }


def summary(seen: View) -> Record:
    """Everything but the accounts. Money is in `unit`."""
    found = seen.prospect
    return {
        "kind": "scan_risk",
        **at(seen.chain, seen.block),
        "market": seen.market.name,
        "protocol": seen.market.protocol,
        "prices_assumed": [of_assumed(one) for one in seen.prices],
        "unit": None if found.unit is None else found.unit.symbol,
        "horizon_seconds": found.draw.hours * HOUR,
        "simulated": len(found.accounts),
        "liquidatable": found.liquidatable,
        "unknown": len(found.unknown),
        "unknown_debt": number(found.owed_unknown),
        "owe_nothing": found.free,
        "shown": len(seen.shown),
        "figures": None if found.figures is None else of_figures(found.figures),
        "es_accounts": [whose(one.key) | {"es_97_5": number(one.shortfall)} for one in found.drowning],
        "told_by_a_bound": found.bounded,
        "basis": of_basis(seen),
        "not_included": list(found.not_included),
        "notes": list(seen.notes),
        "coverage": of_coverage(seen.coverage, seen.unread),
        "audit": of_audit(seen.audit),
    }


def rows(seen: View) -> Iterator[Record]:
    """For jsonl and csv: the accounts that are shown, then those that are unknown, each complete in itself."""
    for record in (*(of_shown(seen, one) for one in seen.shown), *map(of_lost, seen.prospect.unknown)):
        yield _whose_run(seen) | record


def everybody(seen: View) -> list[Record]:
    """For a file: every account in debt, flat, floats for decimals."""
    shown = {one.account.key: one.account for one in seen.shown}
    known = (of_account(seen, shown.get(one.key, one)) for one in seen.prospect.accounts)
    records = (*known, *map(of_lost, seen.prospect.unknown))
    return [{key: _plain(value) for key, value in (_whose_run(seen) | record).items()} for record in records]


def of_shown(seen: View, one: Shown) -> Record:
    """With the contract's own figures, exact, over those of floats."""
    mismatches = seen.audit.mismatches.get(one.account.key, ())
    return (
        of_account(seen, one.account)
        | of_valuation(one.valuation)
        | {"mismatches": [of_mismatch(each) for each in mismatches]}
    )


def of_account(seen: View, one: Account) -> Record:
    """`chance` of its line being reached. `repaid` and `cost` of its first liquidation are known as `told` says: by the contract for
    itself, by an account alike, or as a bound; the expected loss is their product with the chance."""
    unit = seen.prospect.unit
    return {
        "kind": "account",
        **whose(one.key),
        "status": Status.LIQUIDATABLE if one.now else Status.OWING,
        "reason": None,
        "unit": None if unit is None else unit.symbol,
        "health": number(one.health),
        "collateral": number(one.collateral),
        "debt": number(one.debt),
        "liquidatable": one.now,
        **of_chance("chance", one.chance),
        "repaid": number(one.taken.repaid),
        "cost": number(one.taken.cost),
        "told": one.taken.told,
        **of_estimate("expected_loss", one.expected),
        "es_bad_debt_part": number(one.shortfall),
    }


def of_lost(one: Unknown) -> Record:
    """Its chance may be anything."""
    return of_unknown(one) | {"chance": None}


def of_figures(found: Figures) -> Record:
    return {
        "bad_debt": {"present": number(found.present), **of_loss(found.bad_debt)},
        "es_parts": [of_part(one) for one in found.parts],
        "concentration": [of_concentration(one) for one in found.concentration],
        "liquidations": [of_spread(one) for one in found.spreads],
        "looked_up": found.paired,
    }


def of_part(one: Part) -> Record:
    token = one.token
    return {
        "side": one.side,
        "token": None if token is None else token.address,
        "symbol": None if token is None else token.symbol,
        "es_97_5": number(one.shortfall),
    }


def of_concentration(one: Concentration) -> Record:
    return {"of": one.of, "hhi": number(one.index), "ten_largest": number(one.ten)}


def of_spread(one: Spread) -> Record:
    return {"of": one.of, **of_estimate("mean", one.mean), "quantiles": [of_quantile(each) for each in one.far]}


def of_quantile(one: Quantile) -> Record:
    return {"level": number(one.level), "value": number(one.value), "low": number(one.low), "high": number(one.high)}


def of_basis(seen: View) -> Record:
    """What all figures stand on, and which assets they are not of."""
    basis, draw = seen.basis, seen.prospect.draw
    ground = of_ground(basis, draw.model, draw.scenarios, draw.seed, seen.judged)
    return {**ground, "lost": list(dict.fromkeys(basis.lost.values()))}


def about(seen: View) -> dict[str, str]:
    """The head of a file."""
    draw, basis = seen.prospect.draw, seen.basis
    return {
        "market": seen.market.name,
        "block": f"{seen.block.number} {seen.block.hash}",
        "horizon": f"{draw.hours} h",
        "model": str(draw.model),
        "scenarios": str(draw.scenarios),
        "seed": str(draw.seed),
        "window": f"{basis.grid.start}–{basis.grid.end}, {basis.rows} rows",
        "not included": "; ".join(seen.prospect.not_included),
        **versions(),
    }


def _whose_run(seen: View) -> Record:
    draw = seen.prospect.draw
    return {
        **at(seen.chain, seen.block),
        "market": seen.market.name,
        "horizon_seconds": draw.hours * HOUR,
        "model": draw.model,
        "seed": draw.seed,
        "scenarios": draw.scenarios,
    }


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return float(value)
        case bytes():
            return "0x" + value.hex()
        case str():
            return str(value)
    return value
