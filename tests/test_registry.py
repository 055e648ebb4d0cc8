"""How scripts/registry reads the published packages: shown on small files of their forms. Nothing is fetched here."""

from __future__ import annotations

import importlib.util
import json
import sys
from decimal import Decimal
from types import ModuleType

import pytest

from watcher.data import root


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, root() / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sources() -> ModuleType:
    return script("registry_sources")


@pytest.fixture(scope="module")
def families(sources: ModuleType) -> ModuleType:
    return script("registry_families")


VIEM = {
    "chains/definitions/near.ts": """
import { chainConfig } from '../../op-stack/chainConfig.js'
export const near = defineChain({
  ...chainConfig,
  id: 42_161,
  rpcUrls: { default: { http: ['https://a.example', 'https://b.example/x'], webSocket: ['wss://c.example'] } },
  contracts: { multicall3: {
      address: '0xca11bde05977b3631167028862be2a173976ca11', blockCreated: 1 } },
})""",
    "chains/definitions/own.ts": "id: 7,\nblockTime: 250,\nhttp: ['https://a.example'],",
    "op-stack/chainConfig.ts": "export const chainConfig = { blockTime: 2_000 }",
}
BOOK = {
    "dist/AaveV3Mantle.mjs": """
var POOL = "0x458f293454fe0d67ec0655f3672301301dd51422";
var CHAIN_ID = 5e3;
var ASSETS = {
  WETH: {
    decimals: 18,
    UNDERLYING: "0xdeaddeaddeaddeaddeaddeaddeaddeaddead1111",
    A_TOKEN: "0x4d5f47fa6a74757f35c14fd3a6ef8e3c9bc514e8"
  },
  "USDC": {
    UNDERLYING: "0x09bc4e0d864854c6afb6eb9a9cdf58ac190d0df9"
  }
};
""",
    "dist/AaveV3Fuji.mjs": "a testnet, in a form of its own",
}
MORPHO = {
    "lib/esm/chain.js": 'ChainId[ChainId["EthMainnet"] = 1] = "EthMainnet";',
    "lib/esm/addresses.js": """
const _addressesRegistry = {
    [ChainId.EthMainnet]: {
        morpho: "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb",
        bundler3: {
            bundler3: "0x6566194141eefa99Af43Bb5Aa71460Ca2Dc90245",
        },
        preLiquidationFactory: "0x6FF33615e792E35ed1026ea7cACCf42D9BF83476",
        adaptiveCurveIrm: "0x870aC11D48B15DB9a138Cf899d20F13F79Ba00BC",
        usdc: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
        wstEth: "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0",
    },
};
const _deployments = {
    [ChainId.EthMainnet]: {
        morpho: 18883124n,
        bundler3: {
            bundler3: 21643807n,
        },
        preLiquidationFactory: 21414664n,
    },
};
""",
}
FIXTURES = {
    "lib/esm/fixtures/markets.js": """
const { adaptiveCurveIrm: irm_1, usdc, wstEth, } = addressesRegistry[ChainId.EthMainnet];
export const markets = {
    [ChainId.EthMainnet]: {
        usdc_idle: MarketParams.idle(usdc),
        usdc_wstEth: new MarketParams({
            // USDC(wstETH, 86%, Chainlink, AdaptiveCurve)
            loanToken: usdc,
            collateralToken: wstEth,
            oracle: "0x48F7E36EB6B826B2dF4B2E630B62Cd25e89E40e2",
            irm: irm_1,
            lltv: parseUnits("86", 16),
        }),
    },
};
"""
}


def test_a_chain_takes_its_block_time_from_its_family(sources: ModuleType) -> None:
    viem = sources.Package("viem", "1", VIEM)
    near = sources.viem_chain(viem, "near")
    assert (near.id, near.block_time, near.rpc) == (42161, 2, ("https://a.example", "https://b.example/x"))
    assert near.multicall3 == "0xcA11bde05977b3631167028862bE2a173976CA11"
    own = sources.viem_chain(viem, "own")
    assert (own.id, own.block_time, own.multicall3) == (7, Decimal("0.25"), None)


def test_an_aave_market_has_its_chain_its_pool_and_its_tokens(sources: ModuleType) -> None:
    pools = sources.aave_pools(sources.Package("book", "1", BOOK), "AaveV3", {"Fuji"})
    assert list(pools) == ["Mantle"]
    assert (pools["Mantle"].chain, pools["Mantle"].address) == (5000, "0x458F293454fE0d67EC0655f3672301301DD51422")
    assert list(pools["Mantle"].assets) == ["WETH", "USDC"]


def test_a_morpho_market_gets_the_id_it_has_on_chain(sources: ModuleType) -> None:
    """The id of wstETH/USDC as Morpho's own pages show it."""
    morpho, test = sources.Package("morpho", "1", MORPHO), sources.Package("test", "1", FIXTURES)
    (market,) = sources.morpho_markets(test, morpho)
    assert (market.chain, market.label) == (1, "usdc_wstEth")
    assert market.id == "0xb323495f7e4148be5643a4ea4a8221eef163e4bccfdedc2a6f4696baacbc86cc"
    assert sources.morpho_singletons(morpho) == {
        1: sources.Singleton(
            "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb",
            18883124,
            "0x6FF33615e792E35ed1026ea7cACCf42D9BF83476",
            21414664,
        )
    }


def test_a_form_that_is_not_understood_ends_the_run(sources: ModuleType) -> None:
    with pytest.raises(SystemExit, match="the form of this file has changed"):
        sources.aave_pools(sources.Package("book", "1", BOOK), "AaveV3", set())
    with pytest.raises(SystemExit, match=r"has no chains/definitions/gone\.ts any more"):
        sources.viem_chain(sources.Package("viem", "1", VIEM), "gone")


def test_venus_publishes_pools_with_their_first_block_and_the_contract_that_lists_them(
    sources: ModuleType, families: ModuleType
) -> None:
    def deployment(last: str, block: int) -> str:
        return json.dumps({"address": "0x" + last * 40, "receipt": {"blockNumber": block}})

    files = {
        "deployments/bscmainnet/.chainId": "56",
        "deployments/bscmainnet/Comptroller_LiquidStakedBNB.json": deployment("1", 10),
        "deployments/bscmainnet/Comptroller_Meme.json": deployment("3", 12),
        "deployments/bscmainnet/PoolRegistry.json": deployment("2", 5),
        "deployments/bsctestnet/Comptroller_DeFi.json": "a testnet",
    }
    package = sources.Package("isolated", "1", files)
    (pool, meme) = families.venus_isolated(package, {"bsctestnet"}, {"LiquidStakedBNB": "lst-bnb"})
    (registry,) = families.venus_registries(package, {"bsctestnet"})
    assert (pool.chain, pool.family, pool.name, pool.address, pool.start) == (
        56,
        "venus_isolated",
        "lst-bnb",
        "0x" + "1" * 40,
        10,
    )
    assert (meme.name, meme.label, meme.start) == ("meme", "Venus Meme", 12)
    assert (registry.address, registry.start, registry.source) == ("0x" + "2" * 40, 5, "npm:isolated@1 deployments")


def test_a_row_of_our_own_names_its_source_and_says_so_where_its_start_is_not_known(families: ModuleType) -> None:
    table = {
        "sources": {"compound_v3": "the deployments"},
        "rows": {
            "compound_v3": [
                {"chain": "near", "name": "usdc", "label": "cUSDCv3", "address": "0x" + "1" * 40},
                {"chain": "near", "name": "weth", "label": "", "address": "0x" + "2" * 40, "start": 7}
                | {"start_source": "a subgraph", "source": "elsewhere"},
            ]
        },
    }
    first, second = families.listed(table, {"near": 7})
    assert (first.chain, first.start, first.source) == (
        7,
        None,
        "scripts/registry_markets.toml from the deployments; start unknown",
    )
    assert (second.start, second.source) == (7, "scripts/registry_markets.toml from elsewhere; start: a subgraph")


CHAINLINK = {
    "dist/ChainlinkMantle.mjs": """
var ETH__USD = "0x5bc7cf88ef1e68e0b3baa0b33ec1ee6a1b0ce81d";
var L2_Sequencer_Uptime_Status_Feed = "0xade1b9abb98c6a542e4b49db2588a3ec4bf7cdf0";
var CHAIN_ID = 5e3;
""",
    "dist/AaveV3Mantle.mjs": "no feeds",
}


def test_a_token_gets_the_dollar_feed_of_what_it_is_one_to_one_with(sources: ModuleType, families: ModuleType) -> None:
    feeds = families.chainlink(sources.Package("book", "1", CHAINLINK))
    assert list(feeds) == [5000]
    assert feeds[5000].sequencer == "0xaDE1b9AbB98c6A542E4B49db2588a3Ec4bF7Cdf0"
    assets = {"WETH": "0xaa", "wstETH": "0xbb", "ETH": "0xaa"}
    assert list(families.dollar_feeds(assets, feeds[5000], {"WETH": "ETH"})) == [("WETH", "0xaa", "ETH__USD")]


def test_a_market_that_the_table_does_not_name_ends_the_run(sources: ModuleType, families: ModuleType) -> None:
    book = sources.Package("book", "1", {})
    with pytest.raises(SystemExit, match=r"do not name the same Aave V2 markets: \['Old'\]"):
        list(families.aave_v2(book, {"Old": sources.Pool(1, "0x" + "1" * 40)}, {}))
    with pytest.raises(SystemExit, match=r"do not name the same chains: \['near'\]"):
        list(families.moonwell(book, {"near": {}}, {"near": 1}))
