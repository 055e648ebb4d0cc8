"""All checks of one chain within one deadline: its endpoints side by side, then its markets and the audit over those that can be used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final

from watcher.chain.rpc import Rpc
from watcher.check.audit import audit
from watcher.check.finding import About, Finding, Result, Verdict
from watcher.check.judge import endpoint_findings, on_one_chain, readable, usable
from watcher.check.look import look, shared
from watcher.check.market import Inspection, failed, inspect, market_findings, unread
from watcher.check.probe import Head, Probe
from watcher.check.verdict import audit_findings
from watcher.config import Chain
from watcher.connection import Connection, connect
from watcher.errors import BlockChanged, WatcherError
from watcher.model import Market
from watcher.query import together

DEADLINE: Final = 60.0  # seconds for one chain
SHARE: Final = 1 / 3  # of it for the endpoints, and as much for the markets where an audit follows
SETTLED: Final = 8  # blocks below the slowest head: the tips of honest endpoints meet above
REPEATS: Final = 3  # readings of the markets, where the pinned block was replaced meanwhile
Step = Callable[[str], None]


def steps(chain: Chain, accounts: int) -> int:
    """How often `check_chain` will call `step`."""
    return len(chain.endpoints) + 1 + bool(accounts)


async def check_chain(
    chain: Chain, accounts: int = 0, deadline: float = DEADLINE, step: Step = lambda _: None
) -> tuple[Finding, ...]:
    """Every finding about `chain`, in the order endpoints, markets, audit of `accounts` positions. Never raises `WatcherError`.

    What the time did not reach is a finding that says so.
    """
    end = asyncio.get_running_loop().time() + deadline
    probes = await probed(chain, deadline * SHARE, step)
    newest = max((p.head for p in probes if isinstance(p.head, Head)), key=lambda head: head.number, default=None)
    forks = on_one_chain(chain, probes)
    found = [finding for probe in probes for finding in endpoint_findings(chain, probe, newest)]
    apart = {finding.subject for finding in forks if finding.result is Result.FAIL}
    good = {probe.endpoint for probe in probes if usable(chain, probe)} - apart
    found += [*forks, readable(chain, len(good))]
    narrowed = replace(chain, endpoints=tuple(one for one in chain.endpoints if one.name in good))
    if good:
        async with connect(narrowed) as line:
            found += await behind(line, accounts, end, step)
    return tuple(found)


async def probed(chain: Chain, seconds: float, step: Step) -> tuple[Probe, ...]:
    """One probe per endpoint, side by side; those that are not done in time say what they know.

    Then those that can be used are asked for one and the same block, a little below the head of the slowest.
    """
    probes = {endpoint.name: Probe(endpoint.name) for endpoint in chain.endpoints}
    if not probes:
        return ()

    async def one(rpc: Rpc, probe: Probe) -> None:
        await look(rpc, chain, probe)
        step(f"{chain.name}: {probe.endpoint}")

    async with Rpc(chain.endpoints, chain.id) as rpc:
        await within(seconds, [one(rpc.only(name), probe) for name, probe in probes.items()])
        heads = {name: p.head.number for name, p in probes.items() if isinstance(p.head, Head) and usable(chain, p)}
        common = max(0, min(heads.values(), default=0) - SETTLED)
        await within(seconds / 4, [shared(rpc.only(name), common, probes[name]) for name in heads])
    return tuple(probes.values())


async def within(seconds: float, jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All of them side by side; what is not done after so many seconds is cut off."""
    tasks = [asyncio.create_task(job) for job in jobs]
    if not tasks:
        return
    done, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    for task in done:
        task.result()


async def behind(line: Connection, accounts: int, end: float, step: Step) -> list[Finding]:
    """The markets, then the audit of those whose terms are known."""
    chain, now = line.chain, asyncio.get_running_loop().time
    markets = (*chain.markets, *chain.singletons)
    left = end - now()
    seen = await inspected(line, markets, left / 2 if accounts else left)
    step(f"{chain.name}: markets")
    found = [finding for one in seen for finding in findings_of(chain, one)]
    if accounts:
        found += await audited(line, seen, accounts, max(1.0, end - now()))
        step(f"{chain.name}: audit")
    return found


Seen = Inspection | tuple[Market, WatcherError | None]


def findings_of(chain: Chain, seen: Seen) -> tuple[Finding, ...]:
    return market_findings(chain.name, seen) if isinstance(seen, Inspection) else (unread(chain.name, *seen),)


async def inspected(line: Connection, markets: Sequence[Market], seconds: float) -> list[Seen]:
    """Every market at one block, or why it could not be read (None: the time was up)."""
    failure: WatcherError | None = None
    try:
        async with asyncio.timeout(seconds):
            for _ in range(REPEATS):
                block = await line.block()
                try:
                    answers = await line.reader.run(together([inspect(one, block) for one in markets]), block)
                except BlockChanged as changed:
                    failure = changed
                    continue
                return [
                    (market, answer) if isinstance(answer, WatcherError) else answer
                    for market, answer in zip(markets, answers, strict=True)
                ]
    except TimeoutError:
        failure = None
    except WatcherError as error:
        failure = error
    return [(market, failure) for market in markets]


async def audited(line: Connection, seen: Sequence[Seen], accounts: int, seconds: float) -> tuple[Finding, ...]:
    name = line.chain.name
    terms: dict[Market, Any] = {
        one.market: one.terms
        for one in seen
        if isinstance(one, Inspection) and one.terms is not None and not isinstance(one.terms, WatcherError)
    }
    verdict = Verdict(Result.UNKNOWN, "no market could be read", "see the findings about its markets")
    if terms:
        try:
            async with asyncio.timeout(seconds):
                return audit_findings(name, await audit(line, terms, accounts, seconds))
        except TimeoutError:
            verdict = Verdict(Result.UNKNOWN, "not done before the time was up", "give it more with --timeout")
        except WatcherError as error:
            verdict = failed(error)
    return (Finding(name, About.AUDIT, name, "audit", verdict),)
