"""What a `Probe` says about an endpoint, check by check. Pure: the same probe is always judged the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from watcher.check.finding import About, Finding, Result, Verdict
from watcher.check.probe import BATCHES, DEPTHS, Head, LogRange, Probe
from watcher.config import Chain
from watcher.errors import EndpointError, Lying, RateLimited, Transient, WatcherError

OK, WARN, FAIL, UNKNOWN = Result.OK, Result.WARN, Result.FAIL, Result.UNKNOWN
SKEW: Final = 60  # seconds that a block may be ahead of our clock
LAG_SECONDS: Final = 30  # an endpoint so far behind another one is lagging, if it is
LAG_BLOCKS: Final = 3  # blocks behind at least
FEW_BLOCKS: Final = 1_000  # log ranges below this make a search through history slow
LATE: Final = Verdict(UNKNOWN, "not asked before the time was up", "give it more with --timeout")


def endpoint_findings(chain: Chain, probe: Probe, newest: Head | None) -> tuple[Finding, ...]:
    """One finding per check. What cannot be asked of an endpoint that fails at the beginning is left out."""
    verdicts = {"chain id": identity(chain, probe)}
    if verdicts["chain id"].result is OK:
        verdicts["head"] = head(chain, probe)
    if isinstance(probe.head, Head):
        verdicts |= {
            "clock": clock(probe.head),
            "lag": lag(chain, probe.head, newest or probe.head),
            "archive": archive(probe, probe.head),
            "multicall3": multicall(chain, probe, probe.head),
            "logs": logs(probe),
            "batch": batch(probe),
            "latency": Verdict(OK, f"{probe.head.latency} ms"),
        }
    return tuple(Finding(chain.name, About.ENDPOINT, probe.endpoint, *item) for item in verdicts.items())


def usable(chain: Chain, probe: Probe) -> bool:
    """The right chain, a head that can stand for the present, and no aggregate that answers for another block."""
    if identity(chain, probe).result is not OK or head(chain, probe).result is not OK:
        return False
    return not isinstance(probe.head, Head) or multicall(chain, probe, probe.head).result is not FAIL


def on_one_chain(chain: Chain, probes: Sequence[Probe]) -> tuple[Finding, ...]:
    """Whether the endpoints hold the same block, by majority; no finding where there are not two to compare."""
    held = {probe.endpoint: probe.shared for probe in probes if isinstance(probe.shared, tuple)}
    if len(held) < 2:
        return ()
    (block, votes), *_ = Counter(held.values()).most_common(1)
    majority = 2 * votes > len(held)

    def verdict(own: tuple[int, str]) -> Verdict:
        if not majority:
            advice = "name the endpoint that you trust with --rpc URL"
            return Verdict(FAIL, f"the endpoints hold different blocks {own[0]}, and none has a majority", advice)
        if own != block:
            return Verdict(FAIL, f"has another block {own[0]} than most, a fork of its own", "take it out")
        return Verdict(OK, f"block {own[0]} is the same at {votes} of {len(held)} endpoints")

    verdicts = {name: verdict(own) for name, own in held.items()}
    for probe in probes:
        if isinstance(probe.shared, EndpointError):
            verdicts[probe.endpoint] = Verdict(UNKNOWN, probe.shared.reason, "try again later")
    return tuple(Finding(chain.name, About.ENDPOINT, name, "fork", said) for name, said in verdicts.items())


def readable(chain: Chain, good: int) -> Finding:
    """Whether anything of the chain can be read at all: from `good` of its endpoints."""
    detail = f"{good} of {len(chain.endpoints)} endpoints can be read from"
    verdict = Verdict(OK, detail)
    if not good:
        verdict = Verdict(FAIL, detail, f"name one with --rpc URL or WATCHER_RPC_{chain.id}")
    return Finding(chain.name, About.CHAIN, chain.name, "endpoints", verdict)


def identity(chain: Chain, probe: Probe) -> Verdict:
    found = probe.identity
    if found is None:
        return LATE
    if isinstance(found, Lying):
        return Verdict(FAIL, found.reason, "check which chain its URL is for, or take it out")
    if isinstance(found, EndpointError):
        return Verdict(FAIL, found.reason, "check its URL and key, or name another endpoint")
    return Verdict(OK, f"{found} ({chain.name})")


def head(chain: Chain, probe: Probe) -> Verdict:
    found = probe.head
    if found is None:
        return LATE
    if isinstance(found, EndpointError):
        return Verdict(FAIL, found.reason, "name another endpoint")
    age = found.seen - found.timestamp
    detail = f"block {found.number}, {max(age, 0)} s old"
    if age > chain.stale_head:
        advice = "name another endpoint; where all say so, check this machine's clock"
        return Verdict(FAIL, f"{detail}, more than the {chain.stale_head} s that {chain.name} allows", advice)
    return Verdict(OK, detail)


def clock(found: Head) -> Verdict:
    ahead = found.timestamp - found.seen
    if ahead > SKEW:
        return Verdict(WARN, f"the newest block is {ahead} s ahead of this machine's clock", "set this machine's clock")
    return Verdict(OK, f"the newest block is not more than {SKEW} s ahead of this machine's clock")


def lag(chain: Chain, found: Head, newest: Head) -> Verdict:
    behind = newest.number - found.number
    allowed = max(LAG_BLOCKS, int(LAG_SECONDS / chain.block_time))
    if behind > allowed:
        detail = f"{behind} blocks behind the newest endpoint"
        return Verdict(WARN, detail, "prefer another one: it is asked first for the newest block")
    return Verdict(OK, f"{behind} blocks behind the newest endpoint" if behind else "none")


def archive(probe: Probe, at: Head) -> Verdict:
    """By the oldest state that was served. A state that could not be asked for in passing is neither there nor missing."""
    passing = [error for error in probe.states.values() if isinstance(error, (Transient, RateLimited))]
    if passing:
        return Verdict(UNKNOWN, passing[0].reason, "try again later")
    if not probe.states:
        return Verdict(OK, "a chain too young to ask") if at.number <= 1 else LATE
    served = [number for number, error in probe.states.items() if error is None]
    missing = next((error for error in probe.states.values() if error is not None), None)
    if missing is None:
        return Verdict(OK, f"state back to block {min(served)}, the oldest that was asked for")
    if not served:
        detail = f"no state {DEPTHS[0]} blocks back: {missing.reason}"
        return Verdict(WARN, detail, "--block needs another endpoint; so may a read that takes long")
    oldest = min(served)
    detail = f"state back to block {oldest} ({at.number - oldest} below the head), not further: {missing.reason}"
    return Verdict(WARN, detail, "an older --block needs an archive endpoint")


def multicall(chain: Chain, probe: Probe, at: Head) -> Verdict:
    """Where it is missing every call is made alone: slower, but right. Where it answers something else nothing can be believed."""
    alone = "reads go call by call; simulated sequences (the Morpho audit) do not work"
    if chain.multicall3 is None:
        return Verdict(WARN, "none is configured for this chain", alone)
    if probe.code is None:
        return LATE
    if isinstance(probe.code, EndpointError):
        return Verdict(UNKNOWN, probe.code.reason, "try again later")
    if not probe.code:
        return Verdict(WARN, f"no code at {chain.multicall3}", alone)
    if probe.clock is None:
        return LATE
    if isinstance(probe.clock, WatcherError):
        reason = probe.clock.reason if isinstance(probe.clock, EndpointError) else str(probe.clock)
        return Verdict(
            FAIL, f"does not work: {reason}", "name another endpoint, or check the address in the chains file"
        )
    if probe.clock != at.timestamp:
        detail = f"calls ran at time {probe.clock}, block {at.number} is of {at.timestamp}"
        return Verdict(FAIL, detail, "name another endpoint: this one does not keep to the block that it is asked for")
    return Verdict(OK, f"works at {chain.multicall3}")


def logs(probe: Probe) -> Verdict:
    found = probe.logs
    search = "searches through history (unlisted Morpho markets, --audit) take long"
    match found:
        case None:
            return LATE
        case Transient() | RateLimited():
            return Verdict(UNKNOWN, found.reason, "try again later")
        case EndpointError():
            return Verdict(WARN, f"not served: {found.reason}", "unlisted Morpho markets and --audit need another one")
        case LogRange(served=0):
            return Verdict(
                WARN, f"no range was served: {found.reason}", "unlisted Morpho markets and --audit need another one"
            )
        case LogRange(everything=True):
            return Verdict(OK, f"all {found.served} blocks at once")
        case LogRange(refused=None):
            return Verdict(OK, f"{found.served} blocks at once, more was not tried")
    detail = f"{found.served} blocks at once, {found.refused} not: {found.reason}"
    return Verdict(WARN, detail, search) if found.served < FEW_BLOCKS else Verdict(OK, detail)


def batch(probe: Probe) -> Verdict:
    if not probe.batches:
        return LATE
    served = max((size for size, error in probe.batches.items() if error is None), default=0)
    refused = next(((size, error) for size, error in probe.batches.items() if error is not None), None)
    if refused is None:
        return Verdict(OK, f"{served} requests in one") if served == BATCHES[-1] else LATE
    detail = f"{served or 'no'} requests in one, {refused[0]} not: {refused[1].reason}"
    return Verdict(OK, detail) if served else Verdict(WARN, detail, "reads without Multicall3 are slow here")
