"""Toy positions for hypothesis: small enough to try every price, mixed enough that rounding and truncation show."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.health.toy import ONE, A, B, C, Holding, Quote, Terms, position
from watcher.adapter import Position
from watcher.units import BPS

ASSETS = (A, B, C)


@st.composite
def positions(draw: st.DrawFn, top: int = 2_000, most: int = 60 * ONE) -> Position[Terms, Quote, Holding]:
    """Up to three assets, each on any side or both; owing close to what they allow. Prices reach `top`, amounts `most`."""
    prices = {asset: draw(st.integers(1, top)) for asset in ASSETS}
    thresholds = {asset: draw(st.sampled_from((0, 1, 1_000, 5_000, 7_333, 8_000, 8_250, 9_700))) for asset in ASSETS}
    amounts = st.integers(0, most)
    collateral = {asset: draw(amounts) for asset in draw(st.sets(st.sampled_from(ASSETS), min_size=1))}
    debt = {asset: draw(amounts) for asset in draw(st.sets(st.sampled_from(ASSETS), min_size=1))}
    room = sum(a * prices[t] * thresholds[t] for t, a in collateral.items())
    owed = sum(a * prices[t] for t, a in debt.items()) * BPS
    share = draw(st.integers(9_000, 10_050))
    if owed:
        debt = {t: a * room * share // (owed * BPS) for t, a in debt.items()}
    debt = {t: a for t, a in debt.items() if a}
    return position(prices, thresholds, collateral, debt, cuts=draw(st.booleans()))
