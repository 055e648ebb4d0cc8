"""The columns of `export liquidations`: what the logs say, the health before, the delay, and the repayment that would have saved it."""

from __future__ import annotations

from typing import Final

from watcher.export.field import Field, Kind

LOG: Final = (
    Field("chain", Kind.TEXT, "", "the chain's name"),
    Field("chain_id", Kind.COUNT, "chain id", "the chain"),
    Field("market", Kind.TEXT, "", "the market's name in chains.toml"),
    Field("protocol", Kind.TEXT, "", "the adapter that read it"),
    Field("block", Kind.COUNT, "block number", "the block of the liquidation"),
    Field("block_hash", Kind.TEXT, "0x hex", "the hash of that block"),
    Field("block_time", Kind.TIME, "UTC", "when that block was made"),
    Field("final", Kind.FLAG, "", "no reorg takes it back any more"),
    Field("log_index", Kind.COUNT, "", "the log's place in the block"),
    Field("nth_in_block", Kind.COUNT, "", "which liquidation of that borrower in the block, from 1"),
    Field("borrower", Kind.TEXT, "0x hex", "who was liquidated"),
    Field("liquidator", Kind.TEXT, "0x hex", "who paid"),
    Field("debt_token", Kind.TEXT, "0x hex", "the token that was repaid"),
    Field("debt_symbol", Kind.TEXT, "", "its symbol: a label, never an identity"),
    Field("repaid", Kind.TEXT, "debt_token", "what the liquidator paid, as a decimal"),
    Field("repaid_raw", Kind.EXACT, "raw debt_token", "the same"),
    Field("collateral_token", Kind.TEXT, "0x hex", "the token that was seized"),
    Field("collateral_symbol", Kind.TEXT, "", "its symbol"),
    Field("received", Kind.TEXT, "collateral_token", "what the liquidator received, as a decimal"),
    Field("received_raw", Kind.EXACT, "raw collateral_token", "the same"),
    Field("received_along", Kind.WORDS, "raw tokens", "other collateral that the same call took, by token"),
    Field("absorbed", Kind.FLAG, "", "the protocol repaid and took the collateral itself; the liquidator only called"),
    Field(
        "protocol_fee",
        Kind.TEXT,
        "collateral_token",
        "what the protocol took beside it; empty where the log leaves it out",
    ),
    Field("protocol_fee_raw", Kind.EXACT, "raw collateral_token", "the same"),
)
MONEY: Final = (
    Field("unit", Kind.TEXT, "", "symbol of what the market counts values in"),
    Field("bonus", Kind.TEXT, "unit", "received less repaid at the block's oracle prices, before gas and swaps"),
    Field("bad_debt_value", Kind.TEXT, "unit", "value of the debt that nobody will repay"),
    Field("bad_debt", Kind.WORDS, "raw tokens", "that debt by token"),
)
BEFORE: Final = (
    Field("health_before", Kind.TEXT, "1", "health at the end of the block before, as a decimal"),
    Field("health_before_wad", Kind.EXACT, "wad: 1e18 is 1", "the same"),
    Field("liquidatable_before", Kind.FLAG, "", "by the contract's own comparison, one block before"),
    Field("blocked_before", Kind.TEXT, "", "why the protocol would have refused all the same"),
    Field("price_token", Kind.TEXT, "0x hex", "whose price the trigger is"),
    Field("price_symbol", Kind.TEXT, "", "its symbol"),
    Field("price_unit", Kind.TEXT, "", "what prices are counted in"),
    Field(
        "trigger_price", Kind.TEXT, "price_unit", "the price at which it crossed the line, everything else as it was"
    ),
    Field("price_before", Kind.TEXT, "price_unit", "the oracle's price one block before"),
    Field("price_held", Kind.TEXT, "price_unit", "the oracle's price at the end of the liquidation's block"),
    Field("trigger_answer", Kind.EXACT, "the oracle's integer", "the trigger price"),
    Field("trigger_reason", Kind.TEXT, "", "why there is none"),
    Field("saving_repay", Kind.TEXT, "debt_token", "the smallest repayment that would have saved it, as a decimal"),
    Field("saving_repay_raw", Kind.EXACT, "raw debt_token", "the same"),
    Field("saving_foreseen", Kind.FLAG, "", "computed under the prices and at the time of the liquidation's own block"),
    Field("saving_reason", Kind.TEXT, "", "why there is none"),
)
DELAY: Final = (
    Field(
        "liquidatable_since",
        Kind.COUNT,
        "block number",
        "the first block of the stretch in which it could be liquidated",
    ),
    Field("delay_blocks", Kind.COUNT, "blocks", "from that block to the liquidation"),
    Field("delay_s", Kind.COUNT, "seconds", "the same"),
    Field("delay_at_least", Kind.FLAG, "", "the search ended before the beginning was found"),
)
LIQUIDATION: Final = (
    *LOG,
    *MONEY,
    *BEFORE,
    *DELAY,
    Field("unknown", Kind.TEXT, "", "why something is empty, one after the other"),
)
