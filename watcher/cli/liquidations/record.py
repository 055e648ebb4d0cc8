"""One liquidation as a flat record for json, jsonl and csv: exact integers as text beside decimals, every unit named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eth_utils.address import to_checksum_address

from watcher.chronicle.case import Before, Case, Delay, Money, Unknown
from watcher.cli.output import Column
from watcher.config import Chain
from watcher.figures import exact
from watcher.model import Market, Token

Record = dict[str, Any]


def of_case(chain: Chain, market: Market, case: Case, final: int) -> Record:
    """What is not known is null, and `unknown` says why. `final` is the newest block that no reorg takes back."""
    told, block = case.told, case.block
    return {
        "kind": "liquidation",
        "chain": chain.name,
        "chain_id": chain.id,
        "market": market.name,
        "protocol": market.protocol,
        "block": block.number,
        "block_hash": block.hash,
        "block_time": block.timestamp,
        "final": block.number <= final,
        "log_index": case.log.index,
        "nth_in_block": case.nth,
        "borrower": to_checksum_address(told.key.key[:20]),
        "position": told.key.key,
        "liquidator": told.liquidator,
        "debt_token": told.debt,
        "debt_symbol": case.debt.symbol,
        **amount("repaid", told.repay, case.debt),
        "collateral_token": told.collateral,
        "collateral_symbol": case.collateral.symbol,
        **amount("received", told.taken, case.received),
        "received_token": case.received.address,
        "received_symbol": case.received.symbol,
        "received_along": [
            {"token": token.address, "symbol": token.symbol, **amount("amount", raw, token)}
            for token, raw in case.along
        ],
        "absorbed": told.absorbed,
        **amount("protocol_fee", told.fee, case.collateral),
        "protocol_fees_along": [
            {"token": token.address, "symbol": token.symbol, **amount("amount", raw, token)} for token, raw in case.fees
        ],
        **of_money(case.money),
        **of_before(case.before),
        **of_delay(case.delay),
        "unknown": list(case.unknown),
    }


def amount(name: str, raw: int | None, token: Token) -> Record:
    return {name: None if raw is None else exact(raw, token.decimals), f"{name}_raw": raw}


def of_money(money: Money | Unknown) -> Record:
    """At the oracle's prices at the end of the block; `bonus` before gas and whatever the liquidator paid to swap."""
    if isinstance(money, Unknown):
        return dict.fromkeys(("unit", "bonus", "bad_debt", "bad_debt_value"))
    decimals = money.unit.decimals
    return {
        "unit": money.unit.symbol,
        "bonus": exact(money.bonus, decimals),
        "bad_debt": [
            {"token": token.address, "symbol": token.symbol, **amount("amount", raw, token)} for token, raw in money.bad
        ],
        "bad_debt_value": exact(money.bad_value, decimals),
    }


def of_before(before: Before | Unknown) -> Record:
    """At the end of the block before. `saving_foreseen`: under the prices and at the time of the liquidation's own block."""
    if isinstance(before, Unknown):
        return dict.fromkeys(BEFORE)
    trigger, saving = before.trigger, before.saving
    places = trigger.price.unit.decimals
    prices = {"trigger_price": trigger.answer, "price_before": trigger.before, "price_held": trigger.held}
    return {
        "health_before": None if before.health is None else exact(before.health, 18),
        "health_before_wad": before.health,
        "liquidatable_before": before.liquidatable,
        "blocked_before": before.blocked,
        "price_token": trigger.price.token.address,
        "price_symbol": trigger.price.token.symbol,
        "price_unit": trigger.price.unit.symbol,
        **{name: None if answer is None else exact(answer, places) for name, answer in prices.items()},
        "trigger_answer": trigger.answer,
        "trigger_reason": trigger.reason,
        **amount("saving_repay", saving.amount, saving.token),
        "saving_foreseen": saving.foreseen,
        "saving_reason": saving.reason,
    }


def of_delay(delay: Delay | Unknown) -> Record:
    """`delay_at_least`: the search ended before the beginning was found."""
    if isinstance(delay, Unknown):
        return dict.fromkeys(("liquidatable_since", "delay_blocks", "delay_s", "delay_at_least"))
    return {
        "liquidatable_since": delay.since,
        "delay_blocks": delay.blocks,
        "delay_s": delay.seconds,
        "delay_at_least": delay.bounded,
    }


BEFORE: Final = (
    "health_before",
    "health_before_wad",
    "liquidatable_before",
    "blocked_before",
    "price_token",
    "price_symbol",
    "price_unit",
    "trigger_price",
    "price_before",
    "price_held",
    "trigger_answer",
    "trigger_reason",
    "saving_repay",
    "saving_repay_raw",
    "saving_foreseen",
    "saving_reason",
)
COLUMNS: Final[Sequence[Column]] = tuple(
    Column(name, name)
    for name in (
        "chain",
        "chain_id",
        "market",
        "protocol",
        "block",
        "block_hash",
        "block_time",
        "final",
        "log_index",
        "nth_in_block",
        "borrower",
        "liquidator",
        "debt_token",
        "debt_symbol",
        "repaid",
        "repaid_raw",
        "collateral_token",
        "collateral_symbol",
        "received",
        "received_raw",
        "received_token",
        "received_symbol",
        "received_along",
        "absorbed",
        "protocol_fee",
        "protocol_fee_raw",
        "protocol_fees_along",
        "unit",
        "bonus",
        "bad_debt_value",
        "bad_debt",
        *BEFORE,
        "liquidatable_since",
        "delay_blocks",
        "delay_s",
        "delay_at_least",
        "unknown",
    )
)
