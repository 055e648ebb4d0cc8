"""chains.toml and the environment: strict reading, endpoints in order, and no URL where it could be seen."""

from __future__ import annotations

import traceback
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from watcher.chain.endpoint import Endpoint as Server
from watcher.config import Chain, Config, Endpoint, Group, Note, Origin, dump, load, with_rpc
from watcher.errors import ConfigError, UsageError
from watcher.model import Market

LOCAL = """\
# a held demo node
[chains.local]
id = 31337
block_time = "0.25"
finality = 64
stale_head = 120
multicall3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
rpc = [
  { name = "anvil", url = "http://127.0.0.1:8545/CANARY" },
  { url = "https://node.example:8443/v3/CANARY" },
]

[[chains.local.groups]]
name = "ETH"
tokens = { WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", wstETH = "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0" }

[[chains.local.aave_v3]]
name = "v36"
pool = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
start = 0

[[chains.local.aave_v3]]
name = "v30"
pool = "0x4e033931ad43597d96D6bcc25c280717730B58B1"

[chains.local.morpho_blue]
address = "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"
start = 7
markets = [
  { id = "0xb323495f7e4148be5643a4ea4a8221eef163e4bccfdedc2a6f4696baacbc86cc", label = "wstETH/USDC" },
]
"""
ID = "b323495f7e4148be5643a4ea4a8221eef163e4bccfdedc2a6f4696baacbc86cc"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(LOCAL)
    return path


@pytest.fixture
def local(file: Path) -> Chain:
    (chain,) = load(file, {}).chains
    return chain


def names(chain: Chain) -> list[str]:
    return [endpoint.name for endpoint in chain.endpoints]


def test_a_chain_is_what_its_table_says(local: Chain) -> None:
    assert (local.name, local.id, local.block_time, local.finality, local.stale_head) == (
        "local",
        31337,
        Decimal("0.25"),
        64,
        120,
    )
    assert names(local) == ["anvil", "node.example:8443"]
    assert [group.name for group in local.groups] == ["ETH"]
    assert [market.name for market in local.markets] == [
        "local/aave-v3/v36",
        "local/aave-v3/v30",
        "local/morpho-blue/b323495f7e",
    ]
    known = local.markets[2]
    assert (known.protocol, known.id.hex(), known.start) == ("morpho_blue", ID, 7)
    (single,) = local.singletons
    assert (single.name, single.id, single.address, single.start) == ("local/morpho-blue", b"", known.address, 7)
    assert local.markets[1].start is None
    assert local.note(known.name).label == "wstETH/USDC"


def test_numbers_never_pass_through_binary_floating_point(file: Path) -> None:
    file.write_text(LOCAL.replace('"0.25"', "0.1"))
    assert load(file, {}).chains[0].block_time == Decimal("0.1")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("block_time", "blok_time", ":4: chains.local.blok_time: unknown key; did you mean 'block_time'?"),
        ("\nstart = 0", "\nstrat = 0", ":20: chains.local.aave_v3[0].strat: unknown key; did you mean 'start'?"),
        ('pool = "0x4e', 'poll = "0x4e', ":24: chains.local.aave_v3[1].poll: unknown key; did you mean 'pool'?"),
        ("finality = 64\n", "", ":2: chains.local: finality is missing: a whole number above 0"),
        ("finality = 64", "finality = 0", ":5: chains.local.finality: expected a whole number above 0"),
        ("finality = 64", "finality = true", ":5: chains.local.finality: expected a whole number above 0"),
        ("stale_head = 120", "stale_head = -1", ":6: chains.local.stale_head: expected a whole number above 0"),
        ('"0.25"', '"0"', ":4: chains.local.block_time: expected a number of seconds above 0"),
        ('"0.25"', "nan", ":4: chains.local.block_time: expected a number of seconds above 0"),
        ('"0.25"', '"soon"', ":4: chains.local.block_time: expected a number of seconds above 0"),
        ("start = 7", "start = -7", ":28: chains.local.morpho_blue.start: expected a block number, 0 or above"),
        (ID, ID[:-1], ":29: chains.local.morpho_blue.markets[0].id: expected 0x and 64 hex digits"),
        ('"v36"', '"V3.6"', ":18: chains.local.aave_v3[0].name: expected a name of lower-case letters"),
        ('"v30"', '"v36"', ":2: chains.local: two markets are called local/aave-v3/v36; names are unique"),
        ("0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "listed twice"),
        ("[chains.local]", "[chain.local]", ":2: chain: unknown key; did you mean 'chains'?"),
        ("[chains.local]", "[chains.local", "not TOML"),
        ('name = "anvil", ', 'nam = "anvil", ', "chains.local.rpc[0].nam: unknown key; did you mean 'name'?"),
        ("rpc = [", "rpc = 5\nx = [", "chains.local.rpc: expected a list of tables"),
    ],
)
def test_f58_what_cannot_be_used_is_named_with_file_line_key_and_suggestion(
    old: str, new: str, said: str, file: Path
) -> None:
    file.write_text(LOCAL.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_f58_one_chain_id_belongs_to_one_chain(file: Path) -> None:
    file.write_text(LOCAL + LOCAL.replace("chains.local", "chains.other"))
    with pytest.raises(ConfigError, match=r"chains\.other\.id: 31337 is the id of chains\.local already"):
        load(file, {})


def test_f58_one_chain_name_is_written_once(file: Path) -> None:
    file.write_text(LOCAL + LOCAL)
    with pytest.raises(ConfigError, match=r"not TOML: .*twice"):
        load(file, {})


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4e2", "has a wrong EIP-55 checksum"),
        ("0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4", "expected an address of 0x and 40 hex digits"),
        ("0x" + "0" * 40, "the zero address is nobody's"),
    ],
)
def test_f59_a_bad_address_is_refused_where_it_stands(address: str, said: str, file: Path) -> None:
    file.write_text(LOCAL.replace("0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2", address))
    with pytest.raises(ConfigError, match=r":19: chains\.local\.aave_v3\[0\]\.pool: ") as caught:
        load(file, {})
    assert said in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_said_so(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(path, {})


def test_endpoints_are_asked_in_the_order_flag_chain_variable_foundry_variable_file(file: Path) -> None:
    environ = {
        "WATCHER_RPC_31337": "https://one.example/a, https://two.example/b",
        "ETH_RPC_URL": "https://foundry.example",
    }
    config = load(file, environ)
    assert names(config.chains[0]) == ["one.example", "two.example", "anvil", "node.example:8443"]
    (unplaced,) = config.unplaced
    placed = config.place(unplaced, 31337)
    assert placed.unplaced == ()
    assert names(placed.chains[0]) == ["one.example", "two.example", "foundry.example", "anvil", "node.example:8443"]
    flagged = with_rpc(config, ["https://flag.example"])
    assert names(flagged.chains[0])[0] == "flag.example"
    assert flagged.unplaced == ()  # --rpc takes the place of ETH_RPC_URL


def test_among_many_chains_an_endpoint_is_placed_by_what_it_says_of_itself() -> None:
    config = with_rpc(load(None, {}), ["https://flag.example"])
    (flag,) = config.unplaced
    assert flag.origin is Origin.FLAG
    assert names(config.place(flag, 8453).chain("base"))[0] == "flag.example"
    with pytest.raises(UsageError, match=r"flag\.example serves chain 5, which is not configured; .*--chains"):
        config.place(flag, 5)


def test_public_endpoints_can_be_told_from_ones_own(file: Path) -> None:
    assert {endpoint.origin for endpoint in load(file, {}).chains[0].endpoints} == {Origin.FILE}
    assert {endpoint.origin for endpoint in load(None, {}).chain("base").endpoints} == {Origin.SHIPPED}


def test_two_endpoints_of_one_host_have_two_names(file: Path) -> None:
    config = load(file, {"WATCHER_RPC_31337": "https://a.example/1,https://a.example/2,https://a.example/3"})
    assert names(config.chains[0])[:3] == ["a.example", "a.example#2", "a.example#3"]


def test_an_unknown_chain_in_a_variable_is_an_error_and_an_empty_one_is_not(file: Path) -> None:
    assert load(file, {"WATCHER_RPC_31337": " ", "ETH_RPC_URL": ""}) == load(file, {})
    with pytest.raises(ConfigError, match="WATCHER_RPC_base: no chain with id 'base' is configured; known ids: 31337"):
        load(file, {"WATCHER_RPC_base": "https://a.example"})


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://node.example/CANARY", "plain http is only for this machine, and node.example is another; use https"),
        ("http://127.0.0.1.node.example/CANARY", "plain http is only for this machine"),
        ("http://CANARY@169.254.169.254/", "plain http is only for this machine"),
        ("ws://127.0.0.1/CANARY", "a WebSocket only announces new heads"),
        ("file:///etc/CANARY", "not an http address"),
        ("CANARY", "not an http address"),
        ("https://[CANARY", "not a URL"),
        ("https://node.example:CANARY/", "not a URL"),
        ("https://node.example/\nCANARY", "no spaces or control characters"),
    ],
)
def test_f65_only_https_leaves_this_machine_and_f53_the_url_is_not_shown(url: str, said: str, file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(file, {"ETH_RPC_URL": url})
    text = "".join(traceback.format_exception(caught.value))
    assert said in text
    assert "CANARY" not in text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.9.10"])
def test_f65_plain_http_is_taken_for_this_machine(host: str, file: Path) -> None:
    config = load(file, {"ETH_RPC_URL": f"http://{host}:8545"})
    assert config.unplaced[0].url == f"http://{host}:8545"


def test_f53_no_repr_of_the_configuration_holds_a_key(file: Path) -> None:
    config = load(
        file,
        {"WATCHER_RPC_31337": "https://CANARY@a.example/CANARY?k=CANARY", "ETH_RPC_URL": "https://b.example/CANARY"},
    )
    for shown in (repr(config), str(config), f"{config.chains[0].endpoints[0]}", repr(config.unplaced)):
        assert "CANARY" not in shown
    assert "CANARY" in config.chains[0].endpoints[0].url


def test_the_client_takes_a_configured_endpoint_as_its_own(local: Chain) -> None:
    assert all(isinstance(endpoint, Server) for endpoint in local.endpoints)


def test_chains_are_found_by_name_and_by_id(file: Path) -> None:
    config = load(None, {})
    assert config.chain("base") == config.chain(8453) == config.chain("8453") == config.chain("Base")
    with pytest.raises(UsageError, match="did you mean 'arbitrum'"):
        config.chain("arbitrun")
    assert [chain.name for chain in config.only("gnosis").chains] == ["gnosis"]
    assert config.only(None) is config


@pytest.mark.parametrize(
    ("wanted", "proposed"),
    [
        ("etherfi", "did you mean 'ethereum/aave-v3/etherfi'?"),
        ("aave-v3/LIDO", "did you mean 'ethereum/aave-v3/lido'?"),
        ("c54d7acf14", "did you mean 'ethereum/morpho-blue/c54d7acf14'?"),
        ("celo", "did you mean 'celo/aave-v3/core'?"),
        ("core", "did you mean one of 'ethereum/aave-v3/core', "),
    ],
)
def test_a_market_by_the_short_of_its_name_is_proposed_in_full(wanted: str, proposed: str) -> None:
    with pytest.raises(UsageError) as refused:
        load().market(wanted)
    assert proposed in str(refused.value)


def test_markets_are_found_by_name_and_by_id(file: Path, local: Chain) -> None:
    config = load(file, {})
    known = local.markets[2]
    for wanted in ("local/morpho-blue/b323495f7e", f"0x{ID}", ID, f"local/morpho-blue/0x{ID}"):
        assert config.market(wanted) == known
    with pytest.raises(UsageError, match="did you mean 'local/aave-v3/v36'"):
        config.market("local/aave-v3/v3.6")


def test_an_unlisted_morpho_market_needs_its_chain(file: Path, local: Chain) -> None:
    other = "0x" + "12" * 32
    found = load(file, {}).market(f"local/morpho-blue/{other}")
    assert found == replace(local.singletons[0], name="local/morpho-blue/1212121212", id=bytes.fromhex("12" * 32))
    with pytest.raises(UsageError, match="write its chain before it, as in ethereum/morpho-blue/0x12"):
        load(file, {}).market(other)


def test_an_id_on_two_chains_is_not_guessed(file: Path) -> None:
    second = LOCAL.replace("chains.local", "chains.other").replace("id = 31337", "id = 31338")
    file.write_text(LOCAL + second)
    with pytest.raises(UsageError, match="on several chains; write one of: local/morpho-blue/b323495f7e, other/"):
        load(file, {}).market(ID)
    assert load(file, {}).market(f"other/morpho-blue/0x{ID}").chain == 31338


def test_what_dump_writes_load_reads_back(local: Chain, tmp_path: Path) -> None:
    path = tmp_path / "dumped.toml"
    path.write_text(dump(local))
    assert load(path, {}).chains == (local,)


def test_a_chain_without_multicall_and_with_odd_texts_survives_dump(tmp_path: Path) -> None:
    chain = Chain(
        name="odd",
        id=2**40,
        endpoints=(Endpoint('a "quoted" \\ name', "http://localhost:1"),),
        block_time=Decimal("1E+1"),
        finality=1,
        stale_head=1,
        multicall3=None,
        groups=(Group("ä = 1", ("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",)),),  # type: ignore[arg-type]
        markets=(Market(2**40, "aave_v3", "odd/aave-v3/x", "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"),),  # type: ignore[arg-type]
        notes=(Note("odd/aave-v3/x", 'la"bel', "us"),),
    )
    path = tmp_path / "dumped.toml"
    path.write_text(dump(chain))
    assert load(path, {}) == Config((chain,))


ANNOUNCER = '{ name = "heads", url = "wss://node.example/v3/CANARY" },'


def test_a_websocket_announces_heads_and_is_asked_for_nothing_else(file: Path) -> None:
    file.write_text(LOCAL.replace("rpc = [", f"rpc = [ {ANNOUNCER}"))
    environ = {"WATCHER_RPC_31337": "wss://own.example/CANARY,https://own.example/CANARY,ws://localhost:8546"}
    (chain,) = load(file, environ).chains
    assert names(chain) == ["own.example", "anvil", "node.example:8443"]
    assert [endpoint.name for endpoint in chain.heads] == ["own.example", "localhost:8546", "heads"]
    assert "CANARY" not in repr(chain)


def test_a_websocket_survives_dump(file: Path, tmp_path: Path) -> None:
    file.write_text(LOCAL.replace("rpc = [", f"rpc = [ {ANNOUNCER}"))
    (chain,) = load(file, {}).chains
    path = tmp_path / "dumped.toml"
    path.write_text(dump(chain))
    assert load(path, {}).chains == (chain,)


def test_a_websocket_on_another_machine_is_wss(file: Path) -> None:
    file.write_text(LOCAL.replace("rpc = [", f"rpc = [ {ANNOUNCER.replace('wss:', 'ws:')}"))
    with pytest.raises(ConfigError, match=r"plain ws is only for this machine, and node\.example is another; use wss"):
        load(file, {})


def test_a_websocket_whose_chain_nobody_names_is_refused(file: Path) -> None:
    with pytest.raises(UsageError, match="--rpc: a WebSocket only announces new heads"):
        with_rpc(load(file, {}), ["wss://node.example/CANARY"])
    with pytest.raises(ConfigError, match="ETH_RPC_URL: a WebSocket only announces new heads"):
        load(file, {"ETH_RPC_URL": "wss://node.example/CANARY"})


def test_a_market_that_the_file_has_no_place_for_is_refused_and_not_dropped(local: Chain) -> None:
    with pytest.raises(ConfigError, match="local/morpho-blue/b323495f7e cannot be written"):
        dump(replace(local, singletons=()))
    with pytest.raises(ConfigError, match="local/aave-v3/v36 cannot be written"):
        dump(replace(local, markets=(replace(local.markets[0], protocol="aave_v9"),)))


def test_a_market_that_began_after_its_singleton_keeps_its_first_block(local: Chain, tmp_path: Path) -> None:
    later = replace(local, markets=(*local.markets[:2], replace(local.markets[2], start=99)))
    path = tmp_path / "dumped.toml"
    path.write_text(dump(later))
    assert load(path, {}).chains[0].markets == later.markets


def test_every_packaged_chain_survives_dump(tmp_path: Path) -> None:
    chains = load(None, {}).chains
    path = tmp_path / "dumped.toml"
    path.write_text("\n".join(map(dump, chains)))
    again = load(path, {}).chains
    assert [(c.markets, c.singletons, c.groups, c.multicall3) for c in again] == [
        (c.markets, c.singletons, c.groups, c.multicall3) for c in chains
    ]
