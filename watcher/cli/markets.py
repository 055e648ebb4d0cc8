"""`watcher markets`: what is configured, from where, and which endpoints would be asked. Asks no chain."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from watcher.cli.options import BlockAt, ChainName, ChainsFile, Format, FormatName, Options, Quiet, Verbose
from watcher.cli.output import Column, show, show_json
from watcher.config import Chain, Config
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
    rows = [row(where, found) for where in config.chains for found in (*where.markets, *where.singletons)]
    show(rows, BRIEF if options.format is Format.TABLE else COLUMNS, options.format)
    options.note(f"{len(rows)} rows; watcher markets NAME explains one: where its address is from, its endpoints")


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
    singles = [single for chain in config.chains for single in chain.singletons if single.name == wanted]
    market = singles[0] if singles else config.market(wanted)
    chain = config.chain(market.chain)
    facts = row(chain, market) | {
        "block_time_s": chain.block_time,
        "finality_blocks": chain.finality,
        "stale_head_s": chain.stale_head,
        "multicall3": chain.multicall3,
        "correlated_groups": [f"{group.name}: {len(group.tokens)} tokens" for group in chain.groups],
        "endpoints": [endpoint.name for endpoint in chain.endpoints],
    }
    if options.format in (Format.JSON, Format.JSONL):
        show_json(facts)
        return
    lines = [
        {"fact": fact, "value": ", ".join(value) if isinstance(value, list) else value}
        for fact, value in facts.items()
        if value not in (None, "", [])
    ]
    show(lines, (Column("fact", "fact"), Column("value", "value", wide=True)), options.format)
