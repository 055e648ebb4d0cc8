"""What `watcher run` is told to do, as frozen data: whom to watch on which chains, what is an alarm, and who hears of it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from eth_typing import ChecksumAddress

from watcher.chain.endpoint import Endpoint as Server
from watcher.config.chain import Config
from watcher.config.risk import Risk
from watcher.errors import ConfigError
from watcher.health.bands import CORRELATED, VOLATILE, Bands
from watcher.health.limits import Limits
from watcher.health.rules import Rule
from watcher.model import Market, Status

KEPT: Final = ("readings", "quotes", "holdings", "terms", "transitions", "cycles", "prices", "appraisals")


@dataclass(frozen=True, slots=True)
class Account:
    """One wallet of the file: by `address`, or by the ENS name that is to be resolved (then `address` is None).

    `label` is unique; where none is written it is the address or the name. `group` may be empty.
    """

    address: ChecksumAddress | None
    ens: str | None
    label: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """`bands` for positions that agree with all that is named: a wallet by its label, a market by name, an e-mode of that market."""

    bands: Bands
    wallet: str | None = None
    market: str | None = None
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """`limits` on a figure, whose wallet and market are named here: a wallet by its label, a market by name; None for all."""

    limits: Limits
    wallet: str | None = None
    market: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """Where alerts go: an apprise URL, which is a secret and in no repr. Private networks are refused unless allowed for it."""

    name: str
    url: str = field(repr=False)
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many seconds the rows of each table are kept; None: for ever."""

    readings: int | None = None
    quotes: int | None = None
    holdings: int | None = None
    terms: int | None = None
    transitions: int | None = None
    cycles: int | None = None
    prices: int | None = None
    appraisals: int | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """Seconds between two audits of what is stored, and between two looks at the doubts about prices."""

    audit: int = 3_600
    prices: int = 300


@dataclass(frozen=True, slots=True)
class Follow:
    """A whole market that is kept as it changes. `alert` is the band from which its positions' changes are told; None: stored, and told
    to nobody."""

    market: Market
    alert: Status | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """watcher.toml, joined with the chains it names.

    `config` holds those chains alone, its own endpoints before the shipped ones. `every` are seconds between two cycles, by chain id;
    a chain that is not in it has a cycle on every new head. `db` is a path, or a PostgreSQL URL that may hold a password; None is the
    store's default. `dead_man` is pinged after every complete cycle.
    """

    source: Path
    config: Config
    accounts: tuple[Account, ...]
    every: Mapping[int, int] = field(default_factory=dict)
    volatile: Bands = VOLATILE
    correlated: Bands = CORRELATED
    overrides: tuple[Override, ...] = ()
    limits: tuple[Limit, ...] = ()
    console: bool = True
    channels: tuple[Channel, ...] = ()
    dead_man: Server | None = None
    db: str | Path | None = field(default=None, repr=False)
    keep: Retention = Retention()
    checks: Checks = Checks()
    follow: tuple[Follow, ...] = ()
    risk: Risk = field(default_factory=Risk)

    @property
    def names(self) -> tuple[str, ...]:
        """The ENS names that must be resolved before anything can be watched."""
        return tuple(dict.fromkeys(account.ens for account in self.accounts if account.ens))

    def owners(self, resolved: Mapping[str, ChecksumAddress]) -> dict[ChecksumAddress, Account]:
        """Whom to watch, in the file's order, the first of two that mean one address; `resolved` are the addresses of `names`."""
        found: dict[ChecksumAddress, Account] = {}
        for account in self.accounts:
            found.setdefault(self._address(account, resolved), account)
        return found

    def rules(self, resolved: Mapping[str, ChecksumAddress]) -> tuple[Rule, ...]:
        """The overrides as `health.rules` wants them: by address."""
        by_label = self._by_label(resolved)
        return tuple(
            Rule(one.bands, None if one.wallet is None else by_label[one.wallet], one.market, one.mode)
            for one in self.overrides
        )

    def measured(self, resolved: Mapping[str, ChecksumAddress]) -> tuple[Limits, ...]:
        """The limits as `health.limits` wants them: by address."""
        by_label = self._by_label(resolved)
        return tuple(
            replace(one.limits, wallet=None if one.wallet is None else by_label[one.wallet], market=one.market)
            for one in self.limits
        )

    def _by_label(self, resolved: Mapping[str, ChecksumAddress]) -> dict[str, ChecksumAddress]:
        return {account.label: self._address(account, resolved) for account in self.accounts}

    def _address(self, account: Account, resolved: Mapping[str, ChecksumAddress]) -> ChecksumAddress:
        if account.address is not None:
            return account.address
        if account.ens is None or account.ens not in resolved:
            raise ConfigError(f"{self.source}: {account.label} has no address yet; its name must be resolved first")
        return resolved[account.ens]
