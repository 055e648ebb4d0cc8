"""`watcher check`: whether endpoints, contracts and oracles can be relied on, and whether our health is the contract's.

With --config all that a watcher.toml needs: its chains, its names, its store, its channels. Exit codes: 0 nothing stands in the way
(warnings allowed); 5 a store that cannot be used; 4 a chain that no endpoint serves, a market that fails or cannot be read, a name that
means nothing, a channel that cannot be used, a stored proof of a whole market that failed, fewer accounts than --audit asked for, or a
figure that differs from the contract's.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from watcher.check import About, Finding, Result, check_chain, partial
from watcher.check.chain import DEADLINE, steps
from watcher.cli.check_watch import check_watch
from watcher.cli.options import (
    BlockAt,
    ChainName,
    ChainsFile,
    Format,
    FormatName,
    Markets,
    Options,
    Quiet,
    Timeout,
    Verbose,
)
from watcher.cli.output import Column, show
from watcher.cli.progress import progress
from watcher.config import Chain, Config, Origin, with_rpc
from watcher.config.read_watch import load_watch
from watcher.config.watch import Watch
from watcher.connection import only, placed
from watcher.errors import UsageError
from watcher.exit import Exit

COLUMNS = (
    Column("chain", "chain"),
    Column("subject", "subject"),
    Column("check", "check"),
    Column("result", "result"),
    Column("detail", "detail", wide=True),
    Column("advice", "what to do", wide=True),
)
BRIEF = (*COLUMNS[1:4], Column("detail", "what was found; what to do", wide=True))  # fits 100 columns


def command(
    rpc: Annotated[
        list[str] | None,
        typer.Option(
            "--rpc", metavar="URL", help="Check this endpoint only, on the chain that it serves. May be repeated."
        ),
    ] = None,
    market: Markets = None,
    audit: Annotated[
        int,
        typer.Option(
            "--audit",
            metavar="N",
            min=0,
            help="Compare every figure of N recent borrowers per chain with the contract's own; fewer, or a difference, exits 4.",
        ),
    ] = 0,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Check what this watcher.toml needs: chains, names, store, channels."
        ),
    ] = None,
    db: Annotated[
        str | None, typer.Option("--db", metavar="PATH|URL", help="The store of --config, as watcher run was given it.")
    ] = None,
    send: Annotated[
        bool,
        typer.Option("--send", help="Send a test message to each channel of --config, else of WATCHER_CONFIG's file."),
    ] = False,
    timeout: Timeout = DEADLINE,
    chains: ChainsFile = None,
    chain: ChainName = None,
    block: BlockAt = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains, chain, block, format, quiet, verbose)
    options.start_logging()
    if block is not None:
        raise UsageError("check looks at the present, so --block has no meaning here; leave it out")
    if config is None and not send and db is None:
        return asyncio.run(check(options.config(rpc), bool(rpc), market or (), audit, timeout, options))
    watch = load_watch(config, chains=chains, db=db)
    asked = with_rpc(watch.config.only(chain), rpc or [])
    return asyncio.run(check(asked, bool(rpc), market or (), audit, timeout, options, watch, send))


async def check(
    config: Config,
    flagged: bool,
    markets: Sequence[str],
    accounts: int,
    timeout: float,
    options: Options,
    watch: Watch | None = None,
    send: bool = False,
) -> Exit:
    """Check the chains side by side, then what else `watch` needs, show all findings, and say how it ended."""
    config = only(await placed(config), markets)
    chains = tuple(own(chain) if flagged else chain for chain in config.chains)
    if not chains:
        raise UsageError("no chain is left to check; see watcher markets")
    total = sum(steps(chain, accounts) for chain in chains)
    with progress("checking", total, not options.quiet and sys.stderr.isatty()) as step:
        found = await asyncio.gather(*(check_chain(chain, accounts, timeout, step) for chain in chains))
    findings = [finding for part in found for finding in part]
    if watch is not None:
        findings += await check_watch(watch, chains, send)
    if options.format is Format.TABLE:
        show([brief(finding) for finding in findings], BRIEF, options.format)
    else:
        show([row(finding) for finding in findings], COLUMNS, options.format)
    options.note(summary(findings))
    if any(one.about is About.STORE and one.result is Result.FAIL for one in findings):
        return Exit.STORAGE
    return Exit.SOURCE if partial(findings) else Exit.OK


def own(chain: Chain) -> Chain:
    """The chain with the endpoints of --rpc alone: what others answer says nothing about those."""
    return replace(chain, endpoints=tuple(one for one in chain.endpoints if one.origin is Origin.FLAG))


def row(finding: Finding) -> dict[str, Any]:
    verdict = finding.verdict
    return {
        "chain": finding.chain,
        "about": finding.about,
        "subject": finding.subject,
        "check": finding.check,
        "result": verdict.result,
        "detail": verdict.detail,
        "advice": verdict.advice or None,
        "facts": dict(finding.facts),
    }


def brief(finding: Finding) -> dict[str, Any]:
    """The same for people: the chain with the subject, unless that names it, and the advice after the detail."""
    full, chain = row(finding), finding.chain
    named = chain is None or finding.subject.partition("/")[0] == chain
    return full | {
        "subject": finding.subject if named else f"{chain}: {finding.subject}",
        "detail": "; ".join(filter(None, (full["detail"], full["advice"]))),
    }


def summary(findings: Sequence[Finding]) -> str:
    """ "41 findings: 38 ok, 2 warn, 1 fail"."""
    results = [finding.result for finding in findings]
    counts = [f"{results.count(result)} {result}" for result in dict.fromkeys(sorted(results))]
    return f"{len(findings)} findings: {', '.join(counts)}"
