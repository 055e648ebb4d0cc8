"""What the backtest of a factor says, beside the figures that stand on it."""

from __future__ import annotations

from watcher.cli.provenance import figure
from watcher.risk.forecast import Judgement


def line(one: Judgement | str) -> str:
    """In words, a failed test first."""
    if isinstance(one, str):
        return one
    told = [f"FAILS {', '.join(one.failed)}"] if one.failed else ["no test fails"]
    if one.against.powerless:
        told.append(f"no power: {', '.join(one.against.powerless)}")
    return (
        f"one-hour VaR 99 % was exceeded {one.exceptions} times in {one.forecasts:,} forecasts"
        f" ({one.expected:.1f} expected): {'; '.join(told)}"
    )


def record(one: Judgement | str) -> dict[str, object]:
    if isinstance(one, str):
        return {"judged": False, "reason": one}
    return {
        "judged": True,
        "reason": None,
        "forecasts": one.forecasts,
        "exceptions": one.exceptions,
        "expected": figure(one.expected),
        "kupiec_p": figure(one.coverage.p_value),
        "christoffersen_p": figure(one.independence.p_value),
        "conditional_p": figure(one.conditional.p_value),
        "z2": figure(one.z2),
        "z2_critical": figure(one.against.critical.value),
        "failed": [str(check) for check in one.failed],
        "no_power": [str(check) for check in one.against.powerless],
    }
