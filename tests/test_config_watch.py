"""watcher.toml: whom to watch, what is an alarm, who hears of it. Strict, and no secret in it or in anything that is shown."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from watcher.config import Origin
from watcher.config.read_watch import load_watch, places
from watcher.config.watch import Account, Checks, Override, Retention, Watch
from watcher.errors import ConfigError
from watcher.health.bands import CORRELATED, VOLATILE, Bands
from watcher.health.rules import Rule, bands_for
from watcher.units import WAD, Wad

ONE = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
TWO = "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"
MINIMAL = f"""\
[[wallets]]
address = "{ONE}"
"""
FULL = f"""\
db = "history/watcher.db"
dead_man = "env:PING"

[[wallets]]
address = "{ONE.lower()}"
label = "cold"
group = "treasury"

[[wallets]]
address = "loop.example.eth"

[chains.ethereum]
every = "30s"
rpc = ["env:ETHEREUM", "http://127.0.0.1:8545", "https://node.example/eth-mainnet/v3"]

[chains.8453]

[bands]
volatile = {{ watch = 2, warn = 1.5, danger = 1.2, critical = 1.05 }}

[[bands.for]]
wallet = "cold"
watch = 3.0
warn = 2.5
danger = 2.0
critical = 1.5

[[bands.for]]
market = "ethereum/aave-v3/core"
emode = 1
watch = 1.04
warn = 1.03
danger = 1.02
critical = 1.000000000000000001

[channels]
console = false

[channels.phone]
url = "file:secrets/phone"
allow_private = true

[channels.mail]
url = "env:MAIL"

[keep]
readings = "90d"
cycles = "2w"
"""
CANARY = "c4n4ry-s3cret"
ENVIRON = {
    "PING": f"https://ping.example/{CANARY}",
    "ETHEREUM": f"https://node.example/v3/{CANARY}",
    "MAIL": f"mailtos://me:{CANARY}@mail.example",
}


@dataclass
class Home:
    """A folder with a watcher.toml and a secret beside it."""

    folder: Path
    environ: dict[str, str] = field(default_factory=lambda: dict(ENVIRON))

    @property
    def path(self) -> Path:
        return self.folder / "watcher.toml"

    @property
    def phone(self) -> Path:
        return self.folder / "secrets" / "phone"

    def load(self, text: str, **flags: str | Path) -> Watch:
        self.path.write_text(text)
        return load_watch(self.path, self.environ, **flags)  # type: ignore[arg-type]

    def refuse(self, text: str) -> str:
        """What is said of a file that cannot be used."""
        with pytest.raises(ConfigError) as caught:
            self.load(text)
        whole = "".join(traceback.format_exception(caught.value))
        assert CANARY not in whole
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.phone.parent.mkdir()
    made.phone.write_text(f"ntfys://{CANARY}\n")
    made.phone.chmod(0o600)
    return made


def changed(text: str) -> int:
    """The first line, from 1, in which `text` is not `FULL`."""
    lines = zip(FULL.splitlines(), text.splitlines(), strict=False)
    return next(number for number, (old, new) in enumerate(lines, 1) if old != new)


def bands(watch: int, warn: int, danger: int, critical: int) -> Bands:
    return Bands(*(Wad(step * WAD // 100) for step in (watch, warn, danger, critical)))


def test_one_wallet_is_enough_and_everything_else_has_a_default(home: Home) -> None:
    watch = home.load(MINIMAL)
    assert watch.accounts == (Account(ONE, None, ONE),)  # type: ignore[arg-type]
    assert (watch.volatile, watch.correlated, watch.overrides) == (VOLATILE, CORRELATED, ())
    assert (watch.console, watch.channels, watch.dead_man, watch.db) == (True, (), None, None)
    assert (watch.keep, watch.every) == (Retention(), {})
    assert len(watch.config.chains) > 10


def test_a_full_file_is_what_it_says(home: Home) -> None:
    watch = home.load(FULL)
    assert watch.accounts == (
        Account(ONE, None, "cold", "treasury"),  # type: ignore[arg-type]
        Account(None, "loop.example.eth", "loop.example.eth"),
    )
    assert [chain.name for chain in watch.config.chains] == ["ethereum", "base"]
    assert watch.every == {1: 30}
    assert (watch.volatile, watch.correlated) == (bands(200, 150, 120, 105), CORRELATED)
    assert watch.overrides[0] == Override(bands(300, 250, 200, 150), "cold")
    assert (watch.overrides[1].market, watch.overrides[1].mode) == ("ethereum/aave-v3/core", 1)
    assert watch.overrides[1].bands.critical == WAD + 1
    assert (watch.keep.readings, watch.keep.cycles, watch.keep.terms) == (90 * 86_400, 14 * 86_400, None)
    assert watch.db == home.folder / "history" / "watcher.db"


def test_how_often_the_wall_clock_checks_is_the_files_or_a_default(home: Home) -> None:
    assert home.load(MINIMAL).checks == Checks(3_600, 300)
    assert home.load(MINIMAL + '[checks]\nprices = "30s"\n').checks == Checks(3_600, 30)
    assert home.load(MINIMAL + '[checks]\naudit = "2h"\n').checks == Checks(7_200, 300)
    with pytest.raises(ConfigError, match=r"checks\.price: unknown key; did you mean 'prices'\?"):
        home.load(MINIMAL + '[checks]\nprice = "30s"\n')


def test_a_websocket_of_the_file_announces_heads(home: Home) -> None:
    watch = home.load(MINIMAL + '[chains.base]\nrpc = ["wss://mine.example", "https://mine.example"]\n')
    (chain,) = watch.config.chains
    assert [one.name for one in chain.heads] == ["mine.example"]
    assert chain.endpoints[0].name == "mine.example"


def test_secrets_come_from_variables_and_files(home: Home) -> None:
    watch = home.load(FULL)
    assert not watch.console
    assert [(one.name, one.url, one.allow_private) for one in watch.channels] == [
        ("phone", f"ntfys://{CANARY}", True),
        ("mail", ENVIRON["MAIL"], False),
    ]
    assert watch.dead_man is not None
    assert watch.dead_man.url == ENVIRON["PING"]


def test_endpoints_of_the_file_come_after_the_environment_and_before_the_shipped_ones(home: Home) -> None:
    home.environ["WATCHER_RPC_1"] = "https://mine.example"
    ethereum = home.load(FULL).config.chain(1)
    assert [one.name for one in ethereum.endpoints[:4]] == [
        "mine.example",
        "node.example",
        "127.0.0.1:8545",
        "node.example#2",
    ]
    assert [one.origin for one in ethereum.endpoints[1:5]] == [Origin.FILE] * 3 + [Origin.SHIPPED]


def test_f53_no_secret_is_in_any_repr(home: Home) -> None:
    home.environ["DB"] = f"postgresql://me:{CANARY}@db.example/x"
    watch = home.load(FULL.replace('"history/watcher.db"', '"env:DB"'))
    assert watch.db == home.environ["DB"]
    for shown in (watch, watch.channels, watch.dead_man, watch.config):
        assert CANARY not in f"{shown!r} {shown}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"env:MAIL"', f'"mailtos://me:{CANARY}@mail.example"', "channels.mail.url: a secret does not belong"),
        ('"env:MAIL"', f'"env:mailtos://me:{CANARY}"', 'expected "env:" and the name of a variable'),
        ('"env:PING"', f'"https://ping.example/{CANARY}"', "dead_man: a secret does not belong into this file"),
        ('"env:ETHEREUM"', f'"https://node.example/v3/{CANARY}"', "chains.ethereum.rpc: an address here may hold"),
        ('"env:ETHEREUM"', f'"https://{CANARY}@node.example"', "chains.ethereum.rpc: an address here may hold"),
        ('"env:ETHEREUM"', f'"https://node.example/?k={CANARY}"', "chains.ethereum.rpc: an address here may hold"),
        ('"env:ETHEREUM"', '"https://0123456789abcdef0123.rpc.example"', "chains.ethereum.rpc: an address here may"),
        ('"history/', f'"postgresql://me:{CANARY}@db.example/', "db: a password does not belong into this file"),
        ('"history/', f'"postgresql://db.example/?password={CANARY}&x=', "db: a password does not belong"),
    ],
)
def test_f58_a_raw_secret_is_refused_with_what_to_write_instead_and_f53_not_shown(
    old: str, new: str, said: str, home: Home
) -> None:
    text = FULL.replace(old, new)
    place, _, rest = home.refuse(text).removeprefix(f"{home.path}:").partition(": ")
    assert said in rest
    assert "env:" in rest
    assert int(place) == changed(text)


def test_an_address_without_anything_like_a_key_may_stand_in_the_file(home: Home) -> None:
    text = MINIMAL + '[chains.gnosis]\nrpc = ["https://rpc.own.example", "https://public.example/eth"]\n'
    assert [one.name for one in home.load(text).config.chains[0].endpoints[:2]] == [
        "rpc.own.example",
        "public.example",
    ]


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o666])
def test_a_secret_file_that_every_user_can_open_is_refused(mode: int, home: Home) -> None:
    home.phone.chmod(mode)
    assert f"is open to every user of this machine; chmod 600 {home.phone}" in home.refuse(FULL)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_secret_file_may_be_shared_with_a_group(mode: int, home: Home) -> None:
    home.phone.chmod(mode)
    assert home.load(FULL).channels[0].url == f"ntfys://{CANARY}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"a\nb", "holds more than one line or word"),
        (b"x" * 5000, "is too large for a secret"),
    ],
)
def test_a_secret_file_holds_one_secret(content: bytes | None, said: str, home: Home) -> None:
    home.phone.unlink()
    if content is not None:
        home.phone.write_bytes(content)
        home.phone.chmod(0o600)
    text = home.refuse(FULL)
    assert "channels.phone.url" in text
    assert said in text


def test_a_variable_that_is_not_set_is_named(home: Home) -> None:
    home.environ["MAIL"] = " "
    assert "channels.mail.url: the variable MAIL is not set; export it" in home.refuse(FULL)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[wallets]]", "[[wallet]]", "wallet: unknown key; did you mean 'wallets'?"),
        ('label = "cold"', 'lable = "cold"', "wallets[0].lable: unknown key; did you mean 'label'?"),
        ("every", "evry", "chains.ethereum.evry: unknown key; did you mean 'every'?"),
        ("chains.ethereum", "chains.etherum", "chains.etherum: no chain 'etherum' is configured; did you mean"),
        ("chains.8453", "chains.1", "chains.1: ethereum is listed twice, by name and by id"),
        ('"30s"', "30", "chains.ethereum.every: expected a time above 0"),
        ('"30s"', '"0s"', "chains.ethereum.every: expected a time above 0"),
        ("volatile =", "volatil =", "bands.volatil: unknown key; did you mean 'volatile'?"),
        ("warn = 1.5,", "wran = 1.5,", "bands.volatile.wran: unknown key; did you mean 'warn'?"),
        ("warn = 1.5,", "", "bands.volatile: warn is missing: a number, as in 1.25"),
        ("warn = 1.5,", "warn = 1.2,", "bands.volatile: warn must lie above danger"),
        ("warn = 1.5,", "warn = 2.5,", "bands.volatile: watch must lie above warn"),
        ("critical = 1.05", "critical = 1", "bands.volatile: critical must lie above the contract's line at 1"),
        (
            "critical = 1.05",
            "critical = -1.05",
            "bands.volatile: critical must lie above the contract's line at 1",
        ),
        ("critical = 1.05", "critical = nan", "bands.volatile.critical: expected a number of at most 18"),
        ("critical = 1.05", "critical = true", "bands.volatile.critical: expected a number, as in 1.25"),
        ("000000001\n", "0000000001\n", "bands.for[1].critical: expected a number of at most 18 decimal places"),
        (
            'wallet = "cold"',
            'wallet = "gold"',
            "bands.for[0].wallet: no wallet has the label 'gold'; did you mean",
        ),
        ('wallet = "cold"\n', "", "bands.for[0]: name a wallet or a market"),
        ("v3/core", "v3/cor", "bands.for[1].market: no market 'ethereum/aave-v3/cor' is configured; did you mean"),
        ("emode = 1", "emode = 256", "bands.for[1].emode: expected the number of an e-mode"),
        ('market = "ethereum/aave-v3/core"\n', "", "bands.for[1].emode: an e-mode is a number within one market"),
        ("console = false", 'console = "no"', "channels.console: expected true or false"),
        ("[channels.mail]\nurl", "[channels.mail]\nurll", "channels.mail.urll: unknown key; did you mean 'url'?"),
        ("channels.mail", "channels.Mail", "channels.Mail: expected a name of lower-case letters"),
        ("cycles =", "cycle =", "keep.cycle: unknown key; did you mean 'cycles'?"),
        ('"90d"', '"never"', "keep.readings: expected a time above 0"),
        ('"loop.example.eth"', f'"{ONE}"', f"wallets[1].address: {ONE} is listed twice"),
        ('"loop.example.eth"', '"loop"', "wallets[1].address: expected an address of 0x and 40 hex digits"),
        ('"loop.example.eth"', f'"{TWO}"\nlabel = "cold"', "wallets[1].label: 'cold' is the label of another"),
        ('"loop.example.eth"', f'"{ONE[:-1]}e"', "wallets[1].address: "),
    ],
)
def test_f58_what_cannot_be_used_is_named_with_file_line_key_and_suggestion(
    old: str, new: str, said: str, home: Home
) -> None:
    text = FULL.replace(old, new, 1)
    place, _, rest = home.refuse(text).removeprefix(f"{home.path}:").partition(": ")
    assert rest.startswith(said)
    assert (
        abs(int(place) - changed(text)) <= 1
    )  # the changed line, the header above it, or the second line of the change


def test_f58_a_chain_is_written_once(home: Home) -> None:
    assert "not TOML" in home.refuse(FULL + "[chains.ethereum]\n")


def test_a_file_without_wallets_or_with_an_empty_list_of_chains_watches_nothing_and_says_so(home: Home) -> None:
    assert "no wallet is named" in home.refuse("")
    assert "chains: names no chain" in home.refuse(MINIMAL + "[chains]\n")


def test_two_overrides_about_the_same_are_refused(home: Home) -> None:
    rule = FULL[FULL.index("[[bands.for]]") : FULL.index("[[bands.for]]\nmarket")]
    assert "another [[bands.for]] is about the same" in home.refuse(FULL.replace("[channels]", rule + "[channels]"))


def test_overrides_become_rules_once_every_name_has_an_address(home: Home) -> None:
    watch = home.load(FULL.replace('wallet = "cold"', 'wallet = "loop.example.eth"'))
    assert watch.names == ("loop.example.eth",)
    resolved = {"loop.example.eth": TWO}
    first, second = watch.rules(resolved)  # type: ignore[arg-type]
    assert first == Rule(bands(300, 250, 200, 150), TWO)  # type: ignore[arg-type]
    market = "ethereum/aave-v3/core"
    assert bands_for((first, second), TWO, market, 1, CORRELATED) == first.bands  # type: ignore[arg-type]
    assert bands_for((first, second), ONE, market, 1, CORRELATED) == second.bands  # type: ignore[arg-type]
    assert [account.label for account in watch.owners(resolved).values()] == ["cold", "loop.example.eth"]  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"loop\.example\.eth has no address yet"):
        watch.rules({})


def test_a_name_that_points_to_a_wallet_of_the_file_is_watched_once(home: Home) -> None:
    owners = home.load(FULL).owners({"loop.example.eth": ONE})  # type: ignore[dict-item]
    assert [(address, account.label) for address, account in owners.items()] == [(ONE, "cold")]


def test_a_flag_goes_before_the_environment_and_that_before_the_file(home: Home) -> None:
    assert home.load(FULL).db == home.folder / "history" / "watcher.db"
    home.environ["WATCHER_DB"] = "postgresql://db.example/x"
    assert home.load(FULL).db == "postgresql://db.example/x"
    assert home.load(FULL, db="/tmp/other.db").db == Path("/tmp/other.db")
    own = home.folder / "own.toml"
    own.write_text(
        "[chains.tiny]\nid = 31337\nblock_time = 1\nfinality = 1\nstale_head = 60\n"
        'rpc = [{ url = "http://127.0.0.1:1" }]\n'
    )
    assert [chain.name for chain in home.load(MINIMAL, chains=own).config.chains] == ["tiny"]
    written = home.load('chains_file = "own.toml"\n' + MINIMAL)
    assert [chain.name for chain in written.config.chains] == ["tiny"]


def test_the_file_is_found_in_the_users_folder_then_here(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    users, here = tmp_path / "config", tmp_path / "here"
    here.mkdir()
    monkeypatch.setattr("watcher.config.read_watch.user_config_path", lambda name: users / name)
    monkeypatch.chdir(here)
    with pytest.raises(ConfigError, match=r"there is no .*config/watcher/watcher.toml and no watcher.toml; make one"):
        load_watch(None, {})
    Path("watcher.toml").write_text(MINIMAL)
    assert load_watch(None, {}).source == Path("watcher.toml")
    (users / "watcher").mkdir(parents=True)
    (users / "watcher" / "watcher.toml").write_text(MINIMAL)
    assert load_watch(None, {}).source == users / "watcher" / "watcher.toml"
    assert places({"WATCHER_CONFIG": "/x/y.toml"}) == (Path("/x/y.toml"),)
    with pytest.raises(ConfigError, match=r"no such file; name an existing one with --config"):
        load_watch(tmp_path / "none.toml", {})
