"""What a check comes to: one finding per thing looked at, with what to do about it. Plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Result(StrEnum):
    OK = "ok"
    WARN = "warn"  # works, with a limit that may be met
    FAIL = "fail"
    UNKNOWN = "unknown"  # could not be found out


class About(StrEnum):
    """What a finding is about."""

    CHAIN = "chain"
    ENDPOINT = "endpoint"
    MARKET = "market"
    AUDIT = "audit"
    WALLET = "wallet"
    STORE = "store"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`advice` is what to do, empty where nothing has to be done."""

    result: Result
    detail: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is the name of an endpoint, a market, a chain or a channel, never a URL. `facts` are exact values for programs."""

    chain: str | None  # None where it is about the watching itself
    about: About
    subject: str
    check: str
    verdict: Verdict
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def result(self) -> Result:
        return self.verdict.result


def partial(findings: Iterable[Finding]) -> bool:
    """Something of a chain cannot be relied on. One bad endpoint beside a good one is not enough for that."""
    bad = (Result.FAIL, Result.UNKNOWN)
    return any(one.result in bad and one.about is not About.ENDPOINT for one in findings)
