"""One position as a flat-enough record for json, jsonl and csv: exact integers as text beside decimals, every unit named."""

from __future__ import annotations

from typing import Any, Final

from eth_utils.address import to_checksum_address

from watcher.adapter import Liquidation, Price, Refusal, Whole
from watcher.config import Chain
from watcher.cycle import MarketCycle, Row
from watcher.errors import WatcherError
from watcher.figures import exact
from watcher.health.correlated import Correlated
from watcher.health.fall import STEPS, Fall
from watcher.health.judge import Judgement
from watcher.health.liquidation_price import LiquidationPrice
from watcher.health.outlook import Outlook
from watcher.model import BlockRef, Doubt, Early, Leg, Status, Token, Valuation
from watcher.search import Entered
from watcher.units import RAY, Raw
from watcher.watching.told import crossed as beyond

Record = dict[str, Any]
NOBODYS: Final[Record] = {"account": None, "position": None}


def of_position(chain: Chain, row: Row, outlook: Outlook | None, prices: tuple[Price, ...]) -> Record:
    """A position that was read, or that is unknown for the reason given."""
    reading = row.reading
    record: Record = {
        "kind": "position",
        **at(chain, reading.block),
        "market": row.market.name,
        "protocol": row.market.protocol,
        "account": to_checksum_address(reading.key.key[:20]),
        "position": reading.key.key,
        "status": reading.status,
        "reason": reading.reason,
    }
    if reading.valuation is not None:
        record |= of_valuation(reading.valuation)
    if outlook is not None:
        record |= of_outlook(outlook)
    return record | {
        "prices": [of_price(price, reading.block) for price in prices],
        "doubts": of_doubts(reading.doubts),
        "audited": row.audited,
        "mismatches": [{"field": m.field, "ours": m.ours, "contract": m.theirs} for m in row.mismatches],
    }


def of_failure(chain: Chain, cycle: MarketCycle) -> Record:
    """A market that could not be read: whatever is held there is unknown."""
    where = {**at(chain, cycle.block), "market": cycle.market.name, "protocol": cycle.market.protocol}
    return {"kind": "market", **where, **NOBODYS, "status": Status.UNKNOWN, "reason": str(cycle.error)}


def of_chain(chain: Chain, error: WatcherError) -> Record:
    """A chain that could not be read at all."""
    where = {**at(chain, None), "market": None, "protocol": None}
    return {"kind": "chain", **where, **NOBODYS, "status": Status.UNKNOWN, "reason": str(error)}


def of_lost(chain: Chain, block: BlockRef | None, reason: str) -> Record:
    """What else of a chain could not be read and may hold something."""
    where = {**at(chain, block), "market": None, "protocol": None}
    return {"kind": "chain", **where, **NOBODYS, "status": Status.UNKNOWN, "reason": reason}


def of_entered(chain: Chain, block: BlockRef | None, entered: Entered) -> Record:
    """Up to which block the markets are known that the accounts have entered; what lies beyond is unknown where it is not `complete`."""
    singleton = entered.singleton
    return {
        "kind": "entered",
        **at(chain, block),
        "market": singleton.name,
        "protocol": singleton.protocol,
        **NOBODYS,
        "status": None if entered.complete else Status.UNKNOWN,
        "reason": entered.reason,
        "what": entered.what,
        "known_up_to": entered.known,
        "complete": entered.complete,
    }


def at(chain: Chain, block: BlockRef | None) -> Record:
    return at_block(chain.name, chain.id, block)


def at_block(chain: str, chain_id: int, block: BlockRef | None) -> Record:
    where: Record = {"chain": chain, "chain_id": chain_id}
    if block is None:
        return where | {"block": None, "block_hash": None, "block_time": None}
    return where | {"block": block.number, "block_hash": block.hash, "block_time": block.timestamp}


def of_valuation(seen: Valuation) -> Record:
    """`health` as a decimal and as a wad; values in `unit` as decimals; thresholds as fractions of one."""
    decimals, scale = seen.unit.decimals, len(str(seen.scale)) - 1
    return {
        "health": None if seen.health is None else exact(seen.health, 18),
        "health_wad": seen.health,
        "liquidatable": seen.liquidatable,
        "blocked": seen.blocked,
        "unit": seen.unit.symbol,
        "collateral": exact(seen.collateral, decimals),
        "debt": exact(seen.debt, decimals),
        "available_borrow": exact(seen.available, decimals),
        "threshold": exact(seen.threshold, scale),
        "ltv": exact(seen.ltv, scale),
        "legs": [of_leg(leg, decimals, scale) for leg in seen.legs],
        "early_lines": [of_early(early) for early in seen.early],
    }


def of_early(early: Early) -> Record:
    """A line before the protocol's own: where `open` its contract acts now; without a `health` it has no price, for the `reason`."""
    return {
        "contract": early.contract,
        "oracle": early.oracle,
        "health": None if early.health is None else exact(early.health, 18),
        "health_wad": early.health,
        "weighted": None if early.line is None else exact(early.line.weighted, early.line.unit.decimals),
        "open": early.open,
        "reason": early.reason,
    }


def of_judgement(judgement: Judgement | None) -> Record:
    """The bands that the status is by, as decimals, and seconds until interest alone reaches the line, of the correlated alone.

    None there: not within a century, or not told for the `reason`; under `runway`: the position has no such clock. `limit` is in words the
    figure other than health that alone makes the status.
    """
    if judgement is None:
        return {}
    bands, left = judgement.bands, judgement.runway
    steps = {"watch": bands.watch, "warn": bands.warn, "danger": bands.danger, "critical": bands.critical}
    clock = None if left is None else {"present_s": left.present, "full_s": left.full, "reason": left.reason}
    limit = None if judgement.crossed is None else beyond(judgement)
    return {"bands": {name: exact(wad, 18) for name, wad in steps.items()}, "runway": clock, "limit": limit}


def of_leg(leg: Leg, decimals: int, scale: int) -> Record:
    return {
        "side": leg.side,
        "token": leg.token.address,
        "symbol": leg.token.symbol,
        "amount": exact(leg.amount, leg.token.decimals),
        "amount_raw": leg.amount,
        "value": exact(leg.value, decimals),
        "threshold": exact(leg.threshold, scale),
        "ltv": exact(leg.ltv, scale),
        "yearly_rate": exact(leg.rate, 27),
    }


def of_outlook(outlook: Outlook) -> Record:
    """`net_carry` is the protocol's own interest only: the yield inside a token's price is not in it."""
    carry = outlook.carry
    return {
        "net_carry_per_year": exact(carry.net, carry.unit.decimals),
        "net_carry_on_equity": None if carry.on_equity is None else exact(carry.on_equity, 4),
        "liquidation": of_liquidation(outlook.largest),
        "early_liquidations": [{"contract": one, **of_liquidation(found)} for one, found in outlook.early],
        "whole_account": [of_whole(way) for way in outlook.whole],
        "liquidation_prices": [of_line(line) for line in outlook.prices],
        "collateral_fall": of_fall(outlook.fall),
        "groups": [of_group(group) for group in outlook.groups],
    }


def of_liquidation(largest: Liquidation | Refusal) -> Record:
    if isinstance(largest, Refusal):
        return {"possible": False, "reason": largest.reason}
    return {
        "possible": largest.blocked is None,
        "reason": largest.blocked,
        "repay": exact(largest.repay, largest.debt.decimals),
        "repay_token": largest.debt.address,
        "repay_symbol": largest.debt.symbol,
        "seize": exact(largest.seize, largest.collateral.decimals),
        "seize_token": largest.collateral.address,
        "seize_symbol": largest.collateral.symbol,
        "seize_along": [
            {"token": token.address, "symbol": token.symbol, "amount": exact(raw, token.decimals)}
            for token, raw in largest.along
        ],
        "credit": exact(largest.credit, largest.debt.decimals),
        "absorbed": largest.absorbed,
        "protocol_fee": exact(largest.fee, largest.collateral.decimals),
        "bonus": exact(largest.bonus, largest.unit.decimals),
        "deficit": exact(largest.deficit, largest.debt.decimals),
    }


def of_whole(way: Whole) -> Record:
    """One way to liquidate all of an account: what the liquidator pays, what is taken, and what nobody pays."""

    def amounts(some: tuple[tuple[Token, Raw], ...]) -> list[Record]:
        return [{"token": one.address, "symbol": one.symbol, "amount": exact(raw, one.decimals)} for one, raw in some]

    return {
        "path": way.path,
        "possible": way.blocked is None,
        "reason": way.blocked,
        "repay": amounts(way.repays),
        "seize": amounts(way.seizes),
        "protocol_fee": amounts(way.fees),
        "written_off": amounts(way.written_off),
        "bonus": exact(way.bonus, way.unit.decimals),
    }


def of_line(line: LiquidationPrice) -> Record:
    decimals = line.price.unit.decimals
    return {
        "token": line.price.token.address,
        "symbol": line.price.token.symbol,
        "unit": line.price.unit.symbol,
        "price": None if line.answer is None else exact(line.answer, decimals),
        "answer": line.answer,
        "present": None if line.price.answer is None else exact(line.price.answer, decimals),
        "reason": line.reason,
    }


def of_fall(fall: Fall) -> Record:
    """`fraction` of one, in millionths."""
    steps = len(str(STEPS)) - 1
    symbols = [token.symbol for token in fall.tokens]
    return {
        "fraction": None if fall.steps is None else exact(fall.steps, steps),
        "reason": fall.reason,
        "symbols": symbols,
    }


def of_group(group: Correlated) -> Record:
    """`ratio` and `present_ratio` are cut to 27 digits; `ratio_answers` are the two whole oracle answers it is made of."""
    ratio = group.ratio
    return {
        "group": group.group.name,
        "fall": of_fall(group.fall),
        "closed": group.closed,
        "ratio": None if ratio is None else exact(ratio.answer * RAY // ratio.under, 27),
        "present_ratio": None if ratio is None else exact(ratio.present * RAY // ratio.under, 27),
        "ratio_answers": None if ratio is None else [ratio.answer, ratio.under],
        "reason": group.reason,
    }


def of_price(price: Price, block: BlockRef) -> Record:
    return {
        "token": price.token.address,
        "symbol": price.token.symbol,
        "price": None if price.answer is None else exact(price.answer, price.unit.decimals),
        "answer": price.answer,
        "unit": price.unit.symbol,
        "source": price.source,
        "description": price.description,
        "path": list(price.path),
        "age_s": None if price.updated is None else block.timestamp - price.updated,
        "doubts": of_doubts(price.doubts),
    }


def of_doubts(doubts: tuple[Doubt, ...]) -> list[Record]:
    return [{"kind": doubt.kind, "text": doubt.text} for doubt in doubts]
