"""The interface of an adapter: a frozen value of pure functions over its own three facts, and the types of their results.

`Terms` (T) say the rules, a `Quote` (Q) says what the chain stores for everyone, a `Holding` (H) says what one position has. Their
insides belong to the adapter; outside, only `Valuation`, `Price`, `Liquidation` and the other types below are seen.
"""

from __future__ import annotations

from watcher.adapter.action import Acted, Action, Borrow, Refusal, Repay, SetMode, Supply, Withdraw
from watcher.adapter.governance import Change, Clause, Governance, Measure, Rulebook, Setting, Weight
from watcher.adapter.interface import Adapter, Position
from watcher.adapter.linear import Column, Factor, Linear, Ratio, Share, Slack
from watcher.adapter.liquidation import Beside, Liquidated, Liquidation, Whole
from watcher.adapter.logs import Event, LogQuery, Moves, Touch
from watcher.adapter.view import Curve, Makeup, Panel, Price, Reported, Shares
from watcher.adapter.which import Accrued, H, Q, T, Which

__all__ = [
    "Accrued",
    "Acted",
    "Action",
    "Adapter",
    "Beside",
    "Borrow",
    "Change",
    "Clause",
    "Column",
    "Curve",
    "Event",
    "Factor",
    "Governance",
    "H",
    "Linear",
    "Liquidated",
    "Liquidation",
    "LogQuery",
    "Makeup",
    "Measure",
    "Moves",
    "Panel",
    "Position",
    "Price",
    "Q",
    "Ratio",
    "Refusal",
    "Repay",
    "Reported",
    "Rulebook",
    "SetMode",
    "Setting",
    "Share",
    "Shares",
    "Slack",
    "Supply",
    "T",
    "Touch",
    "Weight",
    "Which",
    "Whole",
    "Withdraw",
]
