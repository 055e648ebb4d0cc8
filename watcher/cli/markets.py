"""`watcher markets`: what is configured, from where, and which endpoints would be asked. Asks no chain."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from watcher.cli.options import BlockAt, ChainName, ChainsFile, Format, FormatName, Options, Quiet, Verbose
from watcher.cli.output import Column, show, show_json
from watcher.config import Chain, Config
from watcher.config.families import FAMILIES
from watcher.errors import UsageError
from watcher.model import Market

COLUMNS = (
    Column("chain", "chain"),
    Column("chain_id", "id", right=True),
    Column("protocol", "protocol"),
    Column("market", "market"),
    Column("address", "address"),
    Column("start_block", "start block", right=True),
    Column("label", "label", wide=True),
    Column("source", "source", wide=True),
)
BRIEF = tuple(column for column in COLUMNS if column.key in {"market", "address", "label"})  # fits 100 columns


def command(
    market: Annotated[str | None, typer.Argument(metavar="MARKET", help="A market's name, to explain it.")] = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", metavar="NAME", help="Only this family, as in compound-v3.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--match", metavar="TEXT", help="Only markets with this in name, label or address.")
    ] = None,
    block: BlockAt = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    options = Options(chains, chain, block, format, quiet, verbose)
    options.start_logging()
    if block is not None:
        raise UsageError("markets reads no chain, so --block has no meaning here; leave it out")
    config = options.config()
    if market is not None:
        explain(config, market, options)
        return
    rows = [row(where, found) for where in config.chains for found in every(where)]
    if protocol is not None:
        rows = [one for one in rows if one["protocol"] == family(protocol)]
    if text is not None:
        rows = [one for one in rows if matches(one, text)]
    show(rows, BRIEF if options.format is Format.TABLE else COLUMNS, options.format)
    options.note(f"{len(rows)} rows; watcher markets NAME explains one: where its address is from, its endpoints")


def every(chain: Chain) -> tuple[Market, ...]:
    """All that is configured on a chain: its markets, and the contracts that hold or list more of them."""
    return (*chain.markets, *chain.singletons, *chain.registries)


def family(wanted: str) -> str:
    """A protocol family as the rows name it, whether written with hyphens or underscores. `UsageError` for an unknown one."""
    known = (*FAMILIES, "morpho_blue")
    name = wanted.strip().lower().replace("-", "_")
    if name not in known:
        raise UsageError(f"no protocol {wanted!r}; known: {', '.join(one.replace('_', '-') for one in known)}")
    return name


def matches(one: dict[str, Any], text: str) -> bool:
    """Whether a text, upper or lower case, is part of a row's name, label, address or id."""
    identity = one["id"].hex() if one["id"] else ""
    return any(text.lower() in part.lower() for part in (one["market"], one["label"], one["address"], f"0x{identity}"))


def row(chain: Chain, market: Market) -> dict[str, Any]:
    """One market, or one singleton that holds many, as columns."""
    note = chain.note(market.name)
    return {
        "chain": chain.name,
        "chain_id": chain.id,
        "protocol": market.protocol,
        "market": market.name,
        "address": market.address,
        "id": market.id or None,
        "start_block": market.start,
        "label": note.label,
        "source": note.source,
    }


def explain(config: Config, wanted: str, options: Options) -> None:
    """Everything that is configured about one market and its chain. Endpoints are shown by name: a URL may hold a key."""
    held = [one for chain in config.chains for one in (*chain.singletons, *chain.registries)]
    singles = [one for one in held if one.name == wanted]
    market = singles[0] if singles else config.market(wanted)
    chain = config.chain(market.chain)
    facts = row(chain, market) | {
        "block_time_s": chain.block_time,
        "finality_blocks": chain.finality,
        "stale_head_s": chain.stale_head,
        "multicall3": chain.multicall3,
        "sequencer_feed": chain.sequencer,
        "dollar_feeds": len(chain.usd),
        "known_heartbeats": len(chain.heartbeats),
        "correlated_groups": [f"{group.name}: {len(group.tokens)} tokens" for group in chain.groups],
        "endpoints": [endpoint.name for endpoint in chain.endpoints],
    }
    if options.format in (Format.JSON, Format.JSONL):
        show_json(facts)
        return
    lines = [
        {"fact": fact, "value": ", ".join(value) if isinstance(value, list) else value}
        for fact, value in facts.items()
        if value not in (None, "", [], 0)
    ]
    show(lines, (Column("fact", "fact"), Column("value", "value", wide=True)), options.format)
