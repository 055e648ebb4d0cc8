"""A first watcher.toml as text, with what else can be said in it as comments. Holds references to secrets and never one itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eth_typing import ChecksumAddress

from watcher.config.write import text
from watcher.health.bands import CORRELATED, VOLATILE, Bands
from watcher.units import WAD


@dataclass(frozen=True, slots=True)
class Draft:
    """`accounts` are addresses and ENS names as they were given, with what they mean. `endpoints` are texts for `rpc`, by chain name.

    Where no chain is named, all of `chains_file`, or all packaged ones, are watched. `channels` are references by name.
    """

    accounts: Mapping[str, ChecksumAddress]
    endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    chains_file: Path | None = None

    def written(self) -> str:
        """The text of the file. Every line that is commented out is right as it stands when its "# " is taken away."""
        return (
            "\n".join(
                [
                    *self._head(),
                    *self._wallets(),
                    *self._chains(),
                    *_bands(),
                    *self._channels(),
                    *_followed(),
                    *_kept(),
                    *_risk(),
                ]
            )
            + "\n"
        )

    def _head(self) -> Iterator[str]:
        yield "## What `watcher run` watches. What it cannot use it refuses, naming line and key; so change it as you like."
        yield '## No secret stands in here: write "env:NAME" or "file:PATH" (a file that only you can read, beside this one).'
        yield (
            ""
            if self.chains_file
            else "## Chains and markets: the packaged ones, unless a file of your own names others."
        )
        file = (
            'chains_file = "chains.toml"'
            if self.chains_file is None
            else f"chains_file = {text(str(self.chains_file))}"
        )
        yield file if self.chains_file else f"# {file}"
        yield ""
        yield "## Where the history is kept: a file, or a PostgreSQL URL (one with a password by reference)."
        yield '# db = "watcher.db"'
        yield ""
        yield "## A URL to be called after every complete cycle: whoever waits for it tells you when the watcher itself is dead."
        yield '# dead_man = "env:WATCHER_DEAD_MAN"'

    def _wallets(self) -> Iterator[str]:
        yield ""
        yield "## Whom to watch. A name is resolved on Ethereum once and its address kept; that it points elsewhere is a warning."
        for number, (given, address) in enumerate(self.accounts.items(), 1):
            yield "[[wallets]]"
            yield f"address = {text(given)}" + ("" if given.lower() == address.lower() else f" # {address}")
            yield f'# label = "wallet {number}"'
            yield '# group = "mine"'
            yield ""

    def _chains(self) -> Iterator[str]:
        yield "## The chains that are watched; all of them where none is named. Your own endpoints are asked before public ones."
        if not self.endpoints:
            yield "# [chains.ethereum]"
            yield '# every = "1m"'
            yield '# rpc = ["env:WATCHER_ETHEREUM"]'
        for name, endpoints in self.endpoints.items():
            yield f"[chains.{name}]"
            yield f"rpc = [{', '.join(map(text, endpoints))}]"
            yield '# every = "1m"'
        yield "## Without `every` there is a cycle on every new block."
        yield ""

    def _channels(self) -> Iterator[str]:
        yield "## Who is told: the console, and any apprise URL of an allowed service."
        yield "[channels]"
        yield "console = true"
        yield ""
        for name, reference in self.channels.items():
            yield f"[channels.{name}]"
            yield f"url = {text(reference)}"
            yield "# allow_private = true"
            yield ""
        if not self.channels:
            yield "# [channels.phone]"
            yield '# url = "env:WATCHER_PHONE"'
            yield ""


def _bands() -> Iterator[str]:
    yield "## Below each of these health factors a position has another status; liquidatable is what the contract says it is."
    yield "## Correlated: collateral and debt are in one group of the chain (ETH and what is redeemable for it)."
    yield "[bands]"
    yield f"volatile = {_table(VOLATILE)}"
    yield f"correlated = {_table(CORRELATED)}"
    yield ""
    yield "## One wallet by its label, one market, or one e-mode of a market, by bands of its own: copy this block."
    yield "# [[bands.for]]"
    yield '# wallet = "wallet 1"'
    yield "# watch = 1.4"
    yield "# warn = 1.2"
    yield "# danger = 1.1"
    yield "# critical = 1.05"
    yield ""
    yield "## Alarms at other figures than health; the README lists them. Any of the four steps, for all, a wallet or a market."
    yield "# [[bands.measures]]"
    yield '# measure = "margin_utilisation"'
    yield '# warn = "80%"'
    yield '# critical = "95%"'
    yield ""


def _followed() -> Iterator[str]:
    yield "## Whole markets, kept as they change: every borrower, every block. See watcher scan; the first time takes long."
    yield "# [[follow]]"
    yield '# market = "ethereum/aave-v3/core"'
    yield '# alert = "critical" ## tell who comes to this band or worse; without it nobody is told'
    yield ""


def _kept() -> Iterator[str]:
    yield "## For how long rows are kept; what is not named, for ever."
    yield "[keep]"
    yield '# readings = "90d"'
    yield '# cycles = "90d"'
    yield '# appraisals = "400d"'
    yield ""
    yield "## How often what is stored is held against the contracts' own answers, and doubts about prices are looked at."
    yield "[checks]"
    yield '# audit = "1h"'
    yield '# prices = "5m"'


def _risk() -> Iterator[str]:
    yield ""
    yield "## What risk figures are told; all of it can be left out. `reaction`: how long you need to act, so that the chance"
    yield "## of a liquidation before that is told too. `deviation`: how far a price may move before its feed answers anew."
    yield "# [risk]"
    yield '# reaction = "2h"'
    yield '# deviation = "0.5%"'
    yield '# every = "1h" ## how often `watcher run` appraises the wallets'
    yield ""
    yield "## What a token without a past of its own follows, and what may break: a peg that is stable, or staked."
    yield "# [[risk.tokens]]"
    yield '# chain = "ethereum"'
    yield '# token = "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0"'
    yield '# factor = "ETH/USD"'
    yield "# beta = 1.0"
    yield '# peg = "staked"'


def _table(bands: Bands) -> str:
    steps = {"watch": bands.watch, "warn": bands.warn, "danger": bands.danger, "critical": bands.critical}
    return (
        "{ "
        + ", ".join(f"{name} = {step // WAD}.{step % WAD // (WAD // 100):02}" for name, step in steps.items())
        + " }"
    )
