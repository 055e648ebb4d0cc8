"""A backtest as records: what was judged, on what, and every rule's verdicts; and what could not be judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from watcher.cli.provenance import figure, instant, versions
from watcher.risk.forecast import Judgement, Rule
from watcher.risk.power import DRAWS, Check, Yardstick
from watcher.risk.sample import Sample
from watcher.risk.series import Series

Record: TypeAlias = dict[str, Any]
DEFAULT: Final = Rule.FHS


@dataclass(frozen=True, slots=True)
class Backtest:
    """One pair. `sources` are the most trusted first: the first one's prices, without what the others dispute, are judged. `listing` is the
    command that lists what was left out of them.
    """

    pair: str
    listing: str
    sources: tuple[str, ...]
    series: Series
    sample: Sample
    window: int
    decay: float
    seed: int
    against: Yardstick
    judged: Mapping[Rule, Judgement]


@dataclass(frozen=True, slots=True)
class Refused:
    """What was not judged, why, and what would bring it."""

    what: str
    reason: str
    command: str

    def __str__(self) -> str:
        return f"{self.what}: not judged, {self.reason}; {self.command}"


def numbers(row: Mapping[str, Any]) -> Record:
    """A flat record for a file that holds floats."""
    return {key: float(value) if isinstance(value, Decimal) else value for key, value in row.items()}


def rejected(of: Series) -> dict[str, int]:
    """How much was left out, by reason."""
    return {fault.value: count for fault, count in sorted(Counter(one.fault for one in of.rejected).items())}


def document(of: Backtest) -> Record:
    """Everything, as json has it."""
    return {
        "kind": "backtest",
        **stretch(of),
        "sources": of.sources,
        "rejected": rejected(of.series),
        "listing": of.listing,
        "z2_critical": figure(of.against.critical.value),
        "z2_critical_error": figure(of.against.critical.error),
        "draws": DRAWS,
        "power": {check.value: figure(often) for check, often in of.against.power.items()},
        "powerless": of.against.powerless,
        "rules": [{"rule": rule, "default": rule is DEFAULT, **verdicts(one)} for rule, one in of.judged.items()],
        **versions(),
    }


def refusal(of: Refused) -> Record:
    return {"kind": "refused", "what": of.what, "reason": of.reason, "command": of.command}


def stretch(of: Backtest) -> Record:
    """What was judged."""
    return {
        "pair": of.pair,
        "first": instant(of.sample.start),
        "last": instant(of.sample.end),
        "step": of.sample.step,
        "prices": len(of.series.ticks),
        "returns": int(of.sample.returns.size),
        "holes": of.sample.holes,
        "window": of.window,
        "decay": figure(of.decay),
        "seed": of.seed,
    }


def verdicts(of: Judgement) -> Record:
    return {
        "forecasts": of.forecasts,
        "exceptions": of.exceptions,
        "expected": figure(of.expected),
        "kupiec": figure(of.coverage.p_value),
        "christoffersen": figure(of.independence.p_value),
        "conditional": figure(of.conditional.p_value),
        "z2": figure(of.z2),
        "failed": of.failed,
    }


def flat(of: Backtest) -> Iterator[Record]:
    """A row for each rule, of plain numbers and text."""
    critical = of.against.critical
    for rule, one in of.judged.items():
        yield {
            **stretch(of),
            "sources": "; ".join(of.sources),
            "rejected": sum(rejected(of.series).values()),
            "rule": rule.value,
            **verdicts(one),
            "z2_critical": figure(critical.value),
            "z2_critical_error": figure(critical.error),
            "failed": listed(one.failed),
            "powerless": listed(of.against.powerless),
            **versions(),
        }


def listed(checks: tuple[Check, ...]) -> str:
    return ", ".join(checks)
