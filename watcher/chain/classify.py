"""What an endpoint's refusal means, read from its code and text: one place for the many wordings of the same few things."""

from __future__ import annotations

import re

from watcher.chain.parse import Fault
from watcher.chain.redact import shown
from watcher.errors import EndpointError, RangeTooWide, RateLimited, Refused, Transient

LONGEST_PARKING = 300.0  # seconds; a longer Retry-After is cut to this


class UnknownBlock(Refused):
    """The endpoint does not know the block, or no longer has its state at hand: lagging, or the block is gone. Never zero."""


class NotCanonical(UnknownBlock):
    """The endpoint knows the block and says that it is no longer part of its chain."""


class ExecutionFailed(Refused):
    """The EVM ran the call and it failed: revert, out of gas, invalid opcode. Another endpoint would say the same."""

    @property
    def revert(self) -> bytes:
        """The raw revert data; empty where the call reverted without any, or the endpoint keeps it to itself."""
        return bytes.fromhex(self.data[2:]) if isinstance(self.data, str) else b""


class TimedOut(Transient):
    """No complete answer before the deadline. Not tried again at once: the time is gone."""


class Oversized(Transient):
    """The body was longer than the cap for its method; reading stopped there. A smaller question may fit."""


RANGE = re.compile(
    r"block range|range \d+ exceeds|ranges over \d+ blocks|blocks range|returned more than \d+|response size|range is too (?:wide|large)"
    r"|too many (?:results|logs|blocks)|query timeout|limited to (?:a )?(?:0 - )?[\d,]+ (?:blocks?|range)"
    r"|exceeds? (?:max|limit).*(?:block|results|logs)|(?:max|maximum) (?:block )?range",
    re.IGNORECASE,
)
RATE = re.compile(
    r"rate.?limit|too many requests|request limit|requests? per (?:second|minute|day)|compute units|throughput|quota|daily (?:request )?"
    r"(?:count|limit)|limit exceeded|exceeded.{0,30}(?:capacity|credits)|\bslow down\b|call rate",
    re.IGNORECASE,
)
UNKNOWN = re.compile(
    r"header not found|header for hash not found|unknown block|block (?:not found|does not exist|.{0,80}not found)|resource not found"
    r"|could not find block|block ?out ?of ?range|block height is \d+ but requested|after last accepted block|unfinalized data"
    r"|block is not (?:yet )?available|cannot find block",
    re.IGNORECASE,
)
CANONICAL = re.compile(r"not currently canonical|not canonical", re.IGNORECASE)
EXECUTION = re.compile(
    r"revert|out of gas|invalid opcode|invalid jump|stack (?:under|over)flow|vm execution error|gas required exceeds"
    r"|execution (?:aborted|error|failed|timeout)|gas (?:limit|cap)|intrinsic gas|EVM error",
    re.IGNORECASE,
)
PASSING = re.compile(
    r"internal error|internal server|timed? ?out|temporar|unavailable|try again|upstream|overload|busy", re.IGNORECASE
)
EXECUTING = frozenset({"eth_call", "eth_estimateGas"})
RATE_CODES = frozenset({429, -32005, -32016, -32029, -32090, -32097})
HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
NUMBER = r"(\d[\d,_]*)"
SUGGESTED_SPAN = re.compile(r"\[\s*(0x[0-9a-f]+|\d+)\s*,\s*(0x[0-9a-f]+|\d+)\s*\]", re.IGNORECASE)
SUGGESTED_COUNT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"up to (?:a )?{NUMBER} block",
        rf"exceeds? (?:the )?(?:limit|max(?:imum)?) (?:of )?{NUMBER}(?! results)",
        rf"ranges over {NUMBER} blocks",
        rf"(?:0 - ){NUMBER} blocks",
        rf"limited to (?:a )?{NUMBER} (?:blocks?|range)",
        rf"block range:? {NUMBER}",
        rf"maximum (?:is |allowed is )?{NUMBER}",
    )
)


def classify(endpoint: str, method: str, fault: Fault, secrets: tuple[str, ...] = ()) -> EndpointError:
    """The error class of one JSON-RPC error answered to `method`. Its text is cleaned of the endpoint's secrets."""
    text = fault.message
    reason = shown(f"{method}: {text or f'refused without a reason, code {fault.code}'}", secrets)
    if method == "eth_getLogs" and RANGE.search(text):
        return RangeTooWide(endpoint, reason, suggested(text))
    # Execution first: the contract chooses the words after "execution reverted", so they may not mean anything else here.
    if method in EXECUTING and (fault.code == 3 or EXECUTION.search(text)):
        return ExecutionFailed(endpoint, reason, fault.code, revert_data(fault.data))
    if CANONICAL.search(text):
        return NotCanonical(endpoint, reason, fault.code)
    if fault.code == -32001 or UNKNOWN.search(text):
        return UnknownBlock(endpoint, reason, fault.code)
    if fault.code in RATE_CODES or RATE.search(text):
        return RateLimited(endpoint, reason, wait_in(text))
    if fault.code == -32603 or PASSING.search(text):
        return Transient(endpoint, reason)
    return Refused(endpoint, reason, fault.code)


def revert_data(data: object) -> str | None:
    """The hex of the revert data wherever nodes put it: bare, within an object, or after the word Reverted. None without any."""
    if isinstance(data, dict):
        data = data.get("data") or data.get("result")
    if not isinstance(data, str):
        return None
    text = data.removeprefix("Reverted ").strip()
    return text if HEX.fullmatch(text) else None


def suggested(text: str) -> int | None:
    """The block count that a log-range refusal names, if it names one: never zero."""
    span = SUGGESTED_SPAN.search(text)
    if span:
        first, last = (int(bound, 0) for bound in span.groups())
        return last - first + 1 if last >= first else None
    for pattern in SUGGESTED_COUNT:
        found = pattern.search(text)
        if found:
            return int(re.sub(r"[,_]", "", found[1])) or None
    return None


def wait_in(text: str) -> float:
    """Seconds that a rate-limit text asks to wait ("try again in 10s"); 0 when it says nothing."""
    found = re.search(r"(?:again|retry|wait)[^\d]{0,20}(\d+(?:\.\d+)?) ?(ms|s|sec|m|min)?", text, re.IGNORECASE)
    if not found:
        return 0.0
    unit = {"ms": 0.001, "m": 60.0, "min": 60.0}.get((found[2] or "s").lower(), 1.0)
    return min(float(found[1]) * unit, LONGEST_PARKING)
