"""The commands. This table is all that the top-level help needs: no verb, and nothing heavy, is imported to print it."""

from __future__ import annotations

from typing import Final

VERBS: Final = {  # verb: (module, one line of help)
    "account": (
        "watcher.cli.account",
        "Show every position of an address, with its health exactly as the contracts compute it.",
    ),
    "markets": ("watcher.cli.markets", "List the configured markets, or explain one."),
    "check": (
        "watcher.cli.check",
        "Verify endpoints, contracts and oracles, and compare our health with the contract's.",
    ),
    "init": ("watcher.cli.init", "Ask whom to watch and how to reach you, write watcher.toml, and check it."),
    "run": ("watcher.cli.run", "Watch the wallets of watcher.toml, record what is read, and tell what changes."),
    "backfill": ("watcher.cli.backfill", "Read the past of an address from an archive, and record it."),
    "alert": ("watcher.cli.alert", "Send a test message to every channel of watcher.toml: watcher alert test."),
    "db": ("watcher.cli.db", "Make, check, copy or prune the store: watcher db upgrade|check|backup|prune."),
    "history": (
        "watcher.cli.history",
        "Show the health of an address over time, or exactly as it was at a block or date.",
    ),
    "explain": ("watcher.cli.explain", "Say why the health of an address moved between two blocks, cause by cause."),
    "prices": (
        "watcher.cli.prices",
        "Fill the store with past prices, or show what is there and what is not used: watcher prices sync|show.",
    ),
    "backtest": (
        "watcher.cli.backtest",
        "Hold what the risk models would have forecast against what came, and say which tests they fail.",
    ),
    "export": ("watcher.cli.export", "Write a table of the store to a file: csv, json, jsonl or parquet."),
    "market": (
        "watcher.cli.market",
        "Show how a market liquidates, its assets and prices, and what its governance changed.",
    ),
    "liquidations": (
        "watcher.cli.liquidations",
        "List a market's liquidations, and for each what triggered it and what would have saved it.",
    ),
    "book": (
        "watcher.cli.book",
        "Find every borrower of a market and prove that nobody is missing: watcher book open|export|import.",
    ),
    "scan": (
        "watcher.cli.scan",
        "List every account of a market that is near its line, with the proof that nobody is missing.",
    ),
    "curve": (
        "watcher.cli.curve",
        "Show what becomes liquidatable in a market, and what nothing would cover, as prices fall.",
    ),
    "demo": ("watcher.cli.demo", "Watch positions fall and be liquidated on a local chain with the real contracts."),
}

VALUED: Final = frozenset(
    {"--chains", "--chain", "--block", "--format", "--rpc", "--config", "--db"}
)  # options that take a value

HELP: Final = """\
Usage: watcher VERB [ARGUMENTS] [OPTIONS]

Watches lending positions on EVM chains. Read-only: it holds no key and sends no transaction.

Verbs:
{verbs}

Options of every verb:
  --chains FILE      a chains file instead of the packaged one
  --chain NAME|ID    one chain only
  --block WHEN       a block number, a date (2026-11-22T10:00) or an age (2h)
  --format FORMAT    table, json, jsonl or csv
  --quiet            no notes on stderr
  -v, -vv            more of them
  --help             what a verb takes: watcher VERB --help
  --version

Endpoints, first to last: --rpc, WATCHER_RPC_<chainid>, ETH_RPC_URL, the shipped public ones.
Exit codes: 0 ok · 1 bug · 2 usage · 3 configuration · 4 source missing or partial · 5 store · 10 under --fail-below · 130 interrupted"""


def top_help() -> str:
    """The help of `watcher --help`."""
    return HELP.format(verbs="\n".join(f"  {verb:13}{line}" for verb, (_, line) in VERBS.items()))
