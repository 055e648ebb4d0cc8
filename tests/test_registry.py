"""How scripts/registry reads the published packages: shown on small files of their forms. Nothing is fetched here."""

from __future__ import annotations

import importlib.util
import sys
from decimal import Decimal
from types import ModuleType

import pytest

from watcher.data import root


@pytest.fixture(scope="module")
def sources() -> ModuleType:
    spec = importlib.util.spec_from_file_location("registry_sources", root() / "scripts" / "registry_sources.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    pools = sources.aave_pools(sources.Package("book", "1", BOOK), {"Fuji"})
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
        1: sources.Singleton("0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb", 18883124)
    }


def test_a_form_that_is_not_understood_ends_the_run(sources: ModuleType) -> None:
    with pytest.raises(SystemExit, match="the form of this file has changed"):
        sources.aave_pools(sources.Package("book", "1", BOOK), set())
    with pytest.raises(SystemExit, match=r"has no chains/definitions/gone\.ts any more"):
        sources.viem_chain(sources.Package("viem", "1", VIEM), "gone")
