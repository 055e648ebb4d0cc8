"""A real Aave V3.6 market, compiled on this machine from @aave-dao/aave-v3-origin 3.6.0 (POOL_REVISION 10).

The sources are BUSL-1.1: what is compiled stays in the cache folder. The compiler is not the one of the public deployments, so the
bytecode is not claimed to be equal to theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from eth_abi.abi import encode

from watcher.localchain import packages
from watcher.localchain.aave_assets import COMMON, MODES, V36_ONLY, Asset
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_setup import (
    TREASURY,
    Listing,
    TokenKinds,
    Workshop,
    add_liquidity,
    configure,
    found,
    install,
    list_assets,
    make_oracle,
    read_reserves,
)
from watcher.localchain.anvil import Anvil
from watcher.localchain.cache import Say, quiet
from watcher.localchain.contract import ZERO, Artifact, Contract
from watcher.localchain.solidity import Project, compile

NAME = "local/aave-v3/v36"
TOKENS = TokenKinds(receipt="ATokenInstance", stable_debt=None, debt="VariableDebtTokenInstance")
NOTICE = "Aave V3.6 is BUSL-1.1: compiled for local non-production use, nothing is kept but a cache folder (about 30 s)"
ENTRIES = (
    "helpers/AaveProtocolDataProvider",
    "instances/ATokenInstance",
    "instances/PoolConfiguratorInstance",
    "instances/PoolInstance",
    "instances/VariableDebtTokenInstance",
    "misc/AaveOracle",
    "misc/DefaultReserveInterestRateStrategyV2",
    "misc/PriceOracleSentinel",
    "protocol/configuration/ACLManager",
    "protocol/configuration/PoolAddressesProvider",
    "protocol/configuration/PoolAddressesProviderRegistry",
)
REMAPPINGS = (
    ("openzeppelin-contracts/contracts/", "@openzeppelin/contracts/"),
    ("openzeppelin-contracts-upgradeable/contracts/", "@openzeppelin/contracts-upgradeable/"),
    ("solidity-utils/", "@bgd-labs/solidity-utils/src/"),
)
SETTINGS = {"optimizer": {"enabled": True, "runs": 200}, "evmVersion": "shanghai"}


def build(say: Say = quiet) -> dict[str, Artifact]:
    """Every contract of the market by name, compiled once and then read from the cache folder."""
    packaged = ("@openzeppelin/contracts", "@openzeppelin/contracts-upgradeable", "@bgd-labs/solidity-utils")
    roots = {f"{name}/": packages.path(name, say=say) for name in packaged}
    roots["aave/"] = packages.path("@aave-dao/aave-v3-origin", say=say) / "src" / "contracts"
    entries = [f"aave/{entry}.sol" for entry in ENTRIES]
    return compile(Project("0.8.27", roots, entries, SETTINGS, REMAPPINGS), say, NOTICE)


@cache
def _built() -> dict[str, Artifact]:
    return build()


def artifact(name: str) -> Artifact:
    return _built()[name]


async def deploy_v36(chain: Anvil) -> AaveMarket:
    """Eleven reserves with 18, 8 and 6 decimals, two e-modes with separate collateral, borrowable and LTV-zero sets, and liquidity."""
    start = await chain.block_number() + 1
    shop = Workshop(chain, artifact)
    provider = await found(shop, NAME)
    strategy = await shop.make("DefaultReserveInterestRateStrategyV2", provider.address)
    pool_code = await shop.make("PoolInstance", provider.address, strategy.address)
    configurator_code = await shop.make("PoolConfiguratorInstance")
    listings = await list_assets(chain, (*COMMON, *V36_ONLY))
    oracle = await make_oracle(shop, provider, listings)
    core = await install(shop, provider, pool_code, configurator_code)
    await init_reserves(shop, core.pool, core.configurator, listings)
    for listing in listings:
        await configure(core.configurator, listing)
    await _set_modes(core.configurator, listings)
    market = AaveMarket(
        name=NAME,
        version="3.6",
        revision=await core.pool.call("POOL_REVISION"),
        chain=chain,
        pool=core.pool,
        provider=provider,
        configurator=core.configurator,
        oracle=oracle,
        data_provider=core.data_provider,
        reserves=await read_reserves(shop, core.data_provider, listings, TOKENS),
        errors=artifact("aave/protocol/libraries/helpers/Errors.sol:Errors").abi,
        mode_feed=None,
        treasury=TREASURY,
        start=start,
    )
    await add_liquidity(market)
    return market


async def init_reserves(shop: Workshop, pool: Contract, configurator: Contract, listings: Sequence[Listing]) -> None:
    receipt = await shop.make("ATokenInstance", pool.address, ZERO, TREASURY)
    debt = await shop.make("VariableDebtTokenInstance", pool.address, ZERO)
    for listing in listings:
        symbol = listing.asset.symbol
        names = [f"{kind}{symbol}" for kind in ("a", "a", "variableDebt", "variableDebt")]
        one = (receipt.address, debt.address, listing.token.address, *names, b"", _rates(listing.asset))
        await configurator.send("initReserves", [one])


def _rates(asset: Asset) -> bytes:
    curve = asset.curve
    row = (curve.optimal, curve.base, curve.slope1, curve.slope2)
    return encode(["(uint16,uint32,uint32,uint32)"], [row])


async def _set_modes(configurator: Contract, listings: Sequence[Listing]) -> None:
    tokens = {listing.asset.symbol: listing.token.address for listing in listings}
    for mode in MODES:
        await configurator.send("setEModeCategory", mode.id, mode.ltv, mode.threshold, mode.bonus, mode.label)
        for symbol in mode.collateral:
            await configurator.send("setAssetCollateralInEMode", tokens[symbol], mode.id, True)
        for symbol in mode.borrowable:
            await configurator.send("setAssetBorrowableInEMode", tokens[symbol], mode.id, True)
        for symbol in mode.ltv_zero:
            await configurator.send("setAssetLtvzeroInEMode", tokens[symbol], mode.id, True)
