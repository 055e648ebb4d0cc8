"""watcher.toml to `Watch`. Strict as chains.toml is, and no secret is taken from the file itself: raw ones are refused unread."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from platformdirs import user_config_path

from watcher.chain.endpoint import Endpoint as Server
from watcher.config.address import may_be_name
from watcher.config.chain import Chain, Config, Origin
from watcher.config.endpoints import endpoint
from watcher.config.read import load, slug
from watcher.config.read_bands import bands
from watcher.config.read_follow import follows
from watcher.config.read_risk import risk
from watcher.config.secret import WANTED, is_reference, may_hold_key, revealed
from watcher.config.table import Table, text_of
from watcher.config.watch import KEPT, Account, Channel, Checks, Retention, Watch
from watcher.errors import ConfigError, UsageError
from watcher.health.measure import Measure

FILE: Final = "watcher.toml"
FILE_VARIABLE: Final = "WATCHER_CONFIG"
DB_VARIABLE: Final = "WATCHER_DB"
KEYS: Final = (
    "chains_file",
    "db",
    "dead_man",
    "wallets",
    "chains",
    "bands",
    "channels",
    "keep",
    "checks",
    "follow",
    "risk",
)


def places(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where watcher.toml is looked for, first to last, when no option names it."""
    named = environ.get(FILE_VARIABLE, "").strip()
    return (Path(named).expanduser(),) if named else (user_config_path("watcher") / FILE, Path(FILE))


def load_watch(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    chains: Path | None = None,
    db: str | None = None,
) -> Watch:
    """The watch that the file at `path` describes, else the first of `places`. What is given here goes before environment, file, defaults.

    `chains` is a chains file, `db` a path or URL of the store. Raises `ConfigError` naming file, line, key and what was expected.
    """
    environ = os.environ if environ is None else environ
    if path is None:
        choice = places(environ)
        path = next((place for place in choice if place.is_file()), None)
        if path is None:
            raise ConfigError(f"there is no {' and no '.join(map(str, choice))}; make one with watcher init")
    return parse_watch(text_of(path, "--config"), path, environ, chains=chains, db=db)


def parse_watch(
    text: str, path: Path, environ: Mapping[str, str], *, chains: Path | None = None, db: str | None = None
) -> Watch:
    """The watch written in `text`, which is or will be the file at `path`."""
    return _File(Table.top(text, str(path)), path, environ).read(chains, db)


@dataclass(frozen=True, slots=True)
class _File:
    """One watcher.toml while it is read. Relative paths in it start at its own folder."""

    top: Table
    path: Path
    environ: Mapping[str, str]

    @property
    def folder(self) -> Path:
        return self.path.parent

    def read(self, chains: Path | None, db: str | None) -> Watch:
        for key in KEYS:
            self.top.get(key)
        self.top.close()  # before anything else: what a misspelt table means to others is not the mistake
        config, every = self.chains(chains)
        accounts = tuple(self.accounts())
        alarms = bands(self.top.table("bands"), config, [account.label for account in accounts])
        console, channels = self.channels()
        watch = Watch(
            source=self.path,
            config=config,
            accounts=accounts,
            every=every,
            volatile=alarms.volatile,
            correlated=alarms.correlated,
            overrides=alarms.overrides,
            limits=alarms.limits,
            console=console,
            channels=channels,
            dead_man=self.dead_man(),
            db=self.db(db),
            keep=self.keep(),
            checks=self.checks(),
            follow=tuple(follows(self.top.tables("follow"), config)),
            risk=risk(self.top.table("risk"), config),
        )
        late = any(one.limits.measure is Measure.CHANCE_REACTION for one in watch.limits)
        if late and watch.risk.reaction is None:
            self.top.fail("bands", 'a limit on chance_reaction needs reaction = "2h", or how long it takes, in [risk]')
        if not accounts and not watch.follow:
            self.top.fail(None, 'no wallet is named: write [[wallets]] with address = "0x…" or "name.eth" below it')
        return watch

    def secret(self, table: Table, key: str) -> str | None:
        """What the reference at `key` stands for, None when the key is absent. A raw secret is refused and not shown."""
        value = table.get(key)
        if value is None:
            return None
        try:
            return revealed(value if isinstance(value, str) else "", self.folder, self.environ)
        except ValueError as error:
            table.fail(key, str(error))

    def chains(self, flag: Path | None) -> tuple[Config, dict[int, int]]:
        """The chains that are watched, all of them where none is named, and the pace of those that have one."""
        written = self.top.text("chains_file", "")
        file = flag or (self.folder / Path(written).expanduser() if written else None)
        config = load(file, self.environ)
        listed = self.top.table("chains")
        if listed is None:
            return config, {}
        found: dict[int, Chain] = {}
        every: dict[int, int] = {}
        for key in listed.values:
            table = listed.needed(key, "a table, as in [chains.ethereum]")
            chain = self.chain(listed, key, config)
            if chain.id in found:
                listed.fail(key, f"{chain.name} is listed twice, by name and by id")
            pace = table.duration("every")
            if pace is not None:
                every[chain.id] = pace
            found[chain.id] = self.with_endpoints(chain, table)
            table.close()
        if not found:
            self.top.fail("chains", "names no chain: write [chains.ethereum], or leave it out to watch all of them")
        return replace(config, chains=tuple(found.values())), every

    def chain(self, listed: Table, key: str, config: Config) -> Chain:
        try:
            return config.chain(key)
        except UsageError as error:
            listed.fail(key, str(error))

    def with_endpoints(self, chain: Chain, table: Table) -> Chain:
        """The chain with the endpoints of its `rpc`, which are references, or addresses that hold no key."""
        for written in table.texts("rpc"):
            try:
                if not is_reference(written) and may_hold_key(written):
                    raise ValueError(f"an address here may hold a key, which does not belong into this file: {WANTED}")
                url = revealed(written, self.folder, self.environ) if is_reference(written) else written
                chain = chain.with_endpoint(endpoint(url, Origin.FILE, heads=True))
            except ValueError as error:
                table.fail("rpc", str(error))
        return chain

    def accounts(self) -> Iterator[Account]:
        labels: set[str] = set()
        whose: set[str] = set()
        for row in self.top.tables("wallets"):
            text = row.text("address").strip()
            address, ens = None, None
            if may_be_name(text):
                ens = text
            else:
                address = row.address("address")
            who = address or text
            label = row.text("label", who)
            group = row.text("group", "")
            row.close()
            if who.lower() in whose:
                row.fail("address", f"{who} is listed twice")
            if label in labels:
                row.fail("label", f"{label!r} is the label of another wallet; labels are unique")
            labels.add(label)
            whose.add(who.lower())
            yield Account(address, ens, label, group)

    def channels(self) -> tuple[bool, tuple[Channel, ...]]:
        table = self.top.table("channels")
        if table is None:
            return True, ()
        console = table.flag("console", True)
        found = []
        for name in table.values:
            if name == "console":
                continue
            row = table.needed(name, f'a table, as in [channels.{name}] with url = "env:NAME"')
            row.need("url", "where to send, as env:NAME or file:PATH")
            url = self.secret(row, "url") or ""
            found.append(Channel(slug(table, name, name), url, row.flag("allow_private", False)))
            row.close()
        return console, tuple(found)

    def dead_man(self) -> Server | None:
        """A URL like those of endpoints: https, or this machine."""
        url = self.secret(self.top, "dead_man")
        try:
            return None if url is None else Server("the dead-man URL", endpoint(url, Origin.FILE).url)
        except ValueError as error:
            self.top.fail("dead_man", str(error))

    def db(self, flag: str | None) -> str | Path | None:
        """--db, WATCHER_DB, the file's, or None for the store's own place."""
        written = self.top.text("db", "") or None
        if written and not is_reference(written) and has_password(written):
            self.top.fail("db", f"a password does not belong into this file: {WANTED}")
        given = flag or self.environ.get(DB_VARIABLE, "").strip()
        if given:
            return given if "://" in given else Path(given).expanduser()
        if written and is_reference(written):
            return self.secret(self.top, "db")
        return written if written is None or "://" in written else self.folder / Path(written).expanduser()

    def keep(self) -> Retention:
        table = self.top.table("keep")
        if table is None:
            return Retention()
        kept = {name: table.duration(name) for name in KEPT}
        table.close()
        return Retention(**kept)

    def checks(self) -> Checks:
        table = self.top.table("checks")
        if table is None:
            return Checks()
        usual = Checks()
        found = Checks(table.duration("audit") or usual.audit, table.duration("prices") or usual.prices)
        table.close()
        return found


def has_password(text: str) -> bool:
    """Whether a database URL holds one; what cannot be read is taken to."""
    if "://" not in text:
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.password) or any(re.search("pass|key", name, re.I) for name in parse_qs(parts.query))
    except ValueError:
        return True
