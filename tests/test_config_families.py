"""Every protocol family in a chains file: its rows, its registry, and the feeds of a chain; read, refused and written back."""

from __future__ import annotations

from pathlib import Path

import pytest

from watcher.config import Chain, Heartbeat, UsdFeed, dump, load
from watcher.config.families import FAMILIES
from watcher.errors import ConfigError

WETH, FEED = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"
CHAIN = f"""\
[chains.local]
id = 31337
block_time = 1
finality = 64
stale_head = 120
sequencer = "0xFdB631F5EE196F0ed6FAa767959853A9F217697D"
usd = [ {{ token = "{WETH}", symbol = "WETH", feed = "{FEED}" }} ]
heartbeats = [ {{ feed = "{FEED}", name = "ETH / USD", every = "1h" }} ]

[[chains.local.aave_v2]]
name = "core"
pool = "0x7d2768dE32b0b80b7a3454c06BdAc94A69DDc7A9"
label = "Aave V2"

[[chains.local.compound_v3]]
name = "usdc"
comet = "0xc3d688B66703497DAA19211EEdff47f25384cdc3"
start = 15331586
source = "the protocol's own deployments"

[[chains.local.compound_v2]]
name = "compound"
comptroller = "0x3d9819210A31b4961b30EF54bE2aeD79B9c9Cd3B"

[[chains.local.venus]]
name = "core"
comptroller = "0xfD36E2c2a6789Db23113685031d7F16329158384"

[[chains.local.venus_isolated]]
name = "defi"
comptroller = "0x3344417c9360b963ca93A4e8305361AEde340Ab9"

[chains.local.venus_isolated_registry]
address = "0x9F7b01A536aFA00EF10310A162877fd792cD0666"
start = 29335016
"""


def read(tmp_path: Path, text: str = CHAIN) -> Chain:
    path = tmp_path / "chains.toml"
    path.write_text(text)
    (chain,) = load(path, {}).chains
    return chain


def test_a_row_of_any_family_is_a_market_called_after_chain_family_and_row(tmp_path: Path) -> None:
    chain = read(tmp_path)
    assert {(market.protocol, market.name, market.start) for market in chain.markets} == {
        ("aave_v2", "local/aave-v2/core", None),
        ("compound_v3", "local/compound-v3/usdc", 15331586),
        ("compound_v2", "local/compound-v2/compound", None),
        ("venus", "local/venus/core", None),
        ("venus_isolated", "local/venus-isolated/defi", None),
    }
    assert chain.note("local/aave-v2/core").label == "Aave V2"
    assert chain.note("local/compound-v3/usdc").source == "the protocol's own deployments"


def test_a_registry_is_no_market_and_has_the_name_that_its_markets_begin_with(tmp_path: Path) -> None:
    (registry,) = read(tmp_path).registries
    assert (registry.protocol, registry.name, registry.start) == (
        "venus_isolated",
        "local/venus-isolated",
        29335016,
    )


def test_a_chain_has_its_sequencer_its_dollar_feeds_and_what_is_known_of_heartbeats(tmp_path: Path) -> None:
    chain = read(tmp_path)
    assert chain.sequencer == "0xFdB631F5EE196F0ed6FAa767959853A9F217697D"
    assert chain.usd == (UsdFeed(WETH, FEED),)  # type: ignore[arg-type]
    assert chain.heartbeats == (Heartbeat(FEED, 3600),)  # type: ignore[arg-type]


def test_what_dump_writes_of_every_family_load_reads_back(tmp_path: Path) -> None:
    chain = read(tmp_path)
    assert {market.protocol for market in chain.markets} | {"aave_v3"} == set(FAMILIES)
    assert read(tmp_path, dump(chain)) == chain


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("comet = ", "pool = ", "chains.local.compound_v3[0]: comet is missing: an address"),
        ('comptroller = "0x3d', 'comptroler = "0x3d', "unknown key; did you mean 'comptroller'?"),
        ("local.venus]]", "local.venuss]]", "chains.local.venuss: unknown key; did you mean 'venus'?"),
        ('every = "1h"', 'every = "often"', 'every: expected a time above 0, as in "30s"'),
        (', every = "1h"', "", "every is missing"),
        (
            "usd = [ ",
            f'usd = [ {{ token = "{WETH}", feed = "{WETH}" }}, ',
            "chains.local.usd[1].token: this token has a feed already",
        ),
        (
            "heartbeats = [ ",
            f'heartbeats = [ {{ feed = "{FEED}", every = "2h" }}, ',
            "chains.local.heartbeats[1].feed: this feed has a heartbeat already",
        ),
    ],
)
def test_f58_a_row_that_is_not_understood_is_refused_by_name(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert old in CHAIN
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, CHAIN.replace(old, new, 1))
    assert said in str(caught.value)
