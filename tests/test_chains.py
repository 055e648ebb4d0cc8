"""The packaged chains.toml: complete, and right where a fact is known from elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from watcher.config import Config, load
from watcher.data import root
from watcher.model import Market

CANONICAL_MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"


def packaged() -> Config:
    return load(None, {})


def label(config: Config, market: Market) -> str:
    return config.chain(market.chain).note(market.name).label


def test_all_24_aave_markets_and_all_43_morpho_deployments_are_there() -> None:
    config = packaged()
    own = [market for market in config.markets() if market.protocol == "aave_v3" and "AaveV3" in label(config, market)]
    assert len(own) == 24
    assert sum(len(chain.singletons) for chain in config.chains) == 43
    assert all(chain.markets or chain.singletons for chain in config.chains)


def test_every_family_is_there_on_every_chain_that_it_is_known_on() -> None:
    """The counts of the protocols' own deployments and registries on 2026-11-22."""
    config = packaged()
    counts = Counter(market.protocol for market in config.markets() if market.protocol != "morpho_blue")
    assert counts == {
        "aave_v2": 7,
        "aave_v3": 33,
        "compound_v2": 12,
        "compound_v3": 28,
        "venus": 1,
        "venus_isolated": 19,
    }
    assert {registry.name for chain in config.chains for registry in chain.registries} == {
        f"{chain}/venus-isolated"
        for chain in ("arbitrum", "base", "bsc", "ethereum", "opbnb", "optimism", "unichain", "zksync")
    }
    assert {chain.name for chain in config.chains if chain.sequencer} == {
        *("arbitrum", "base", "mantle", "metis", "optimism", "scroll", "soneium", "zksync")
    }
    assert config.market("ethereum/compound-v3/usdc").address == "0xc3d688B66703497DAA19211EEdff47f25384cdc3"
    assert config.market("ethereum/compound-v2/compound").address == "0x3d9819210A31b4961b30EF54bE2aeD79B9c9Cd3B"
    assert config.market("bsc/venus/core").address == "0xfD36E2c2a6789Db23113685031d7F16329158384"
    assert config.market("ethereum/aave-v3/spark").address == "0xC13e21B648A5Ee794902342038FF3aDAB66BE987"


def test_facts_that_anyone_can_look_up() -> None:
    """Addresses from the protocols' own documentation, chain ids from EIP-155."""
    config = packaged()
    ethereum = config.chain("ethereum")
    assert (ethereum.id, config.chain("arbitrum").id, config.chain("gnosis").id) == (1, 42161, 100)
    assert config.market("ethereum/aave-v3/core").address == "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
    assert config.market("polygon/aave-v3/core").address == "0x794a61358D6845594F94dc1DB02A252b5b4814aD"
    assert ethereum.singletons[0].address == "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"
    assert ethereum.singletons[0].start == 18883124
    assert config.chain("zksync").multicall3 == "0xF9cda624FBC7e059355ce98a31693d299FACd963"
    assert ethereum.multicall3 == CANONICAL_MULTICALL3


def test_the_feeds_of_a_chain_are_those_that_chainlink_publishes() -> None:
    """Addresses from Chainlink's own pages."""
    config = packaged()
    ethereum, arbitrum = config.chain("ethereum"), config.chain("arbitrum")
    feeds: dict[str, str] = {known.token: known.feed for known in ethereum.usd}
    assert feeds["0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"] == "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"
    assert feeds["0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"] == feeds["0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"]
    beats: dict[str, int] = {beat.feed: beat.seconds for beat in ethereum.heartbeats}
    assert beats["0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"] == 3600  # ETH / USD
    assert beats["0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6"] == 86_400  # USDC / USD
    assert arbitrum.sequencer == "0xFdB631F5EE196F0ed6FAa767959853A9F217697D"
    assert ethereum.sequencer is None


def test_a_market_id_is_the_hash_of_its_parameters() -> None:
    """wstETH/USDC at 86 % on Ethereum; the id as Morpho's own pages show it, the hash as MarketParamsLib.id takes it."""
    parameters = (
        "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
        "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0",
        "0x48F7E36EB6B826B2dF4B2E630B62Cd25e89E40e2",
        "0x870aC11D48B15DB9a138Cf899d20F13F79Ba00BC",
        860000000000000000,
    )
    identity = keccak(encode(["address"] * 4 + ["uint256"], parameters))
    assert identity.hex() == "b323495f7e4148be5643a4ea4a8221eef163e4bccfdedc2a6f4696baacbc86cc"
    assert packaged().market("ethereum/morpho-blue/b323495f7e").id == identity


def test_correlated_tokens_are_grouped_by_address_and_never_alone() -> None:
    config = packaged()
    groups = {group.name: group.tokens for group in config.chain("ethereum").groups}
    assert "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2" in groups["ETH"]  # WETH
    assert "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0" in groups["ETH"]  # wstETH
    assert "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599" in groups["BTC"]  # WBTC
    assert "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48" in groups["USD"]  # USDC
    assert all(len(group.tokens) > 1 for chain in config.chains for group in chain.groups)


def test_every_row_names_its_source() -> None:
    text = (root() / "chains.toml").read_text(encoding="utf-8")
    tables = re.split(r"\n(?=\[)", text)[1:]
    assert len(tables) > 100
    for table in tables:
        assert "npm:" in table or "scripts/registry_" in table, table.splitlines()[0]


def test_every_chain_has_a_keyless_https_endpoint() -> None:
    for chain in packaged().chains:
        assert chain.endpoints
        for endpoint in chain.endpoints:
            parts = urlsplit(endpoint.url)
            assert parts.scheme == "https"
            assert parts.username is None
            assert not re.search(r"[0-9A-Za-z_-]{20,}", parts.path), endpoint.name
