"""A real Venus core pool from the prebuilt artifacts of @venusprotocol/venus-protocol 10.3.0: a diamond behind its Unitroller, six markets,
VAI, two e-mode pools, and the bounded oracle that borrowing power is measured by.

Price oracle and access control are the package's own mocks. What reserves are paid out to is an account that takes everything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from eth_utils.abi import function_abi_to_4byte_selector

from watcher.errors import ConfigError
from watcher.localchain import packages
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER, Artifact, Contract, deploy
from watcher.localchain.own import own
from watcher.localchain.scenario import account
from watcher.localchain.venus_actions import supply
from watcher.localchain.venus_pool import Plan, VenusMarket, VenusPool
from watcher.units import WAD

BLOCKS_PER_YEAR = 500_000  # so that a few blocks show
FACETS = ("MarketFacet", "PolicyFacet", "RewardFacet", "SetterFacet", "FlashLoanFacet")
NATIVE = "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"  # what Venus's oracles call the chain's own coin
SHARE_RESERVE = account("venus share reserve")
TREASURY = account("venus treasury")
SUPPLIER = account("venus supplier")  # gives what the others borrow


PLANS = (
    Plan("BNB", 18, 100, 70, 75, 110),  # the mock oracle knows no other price of it
    Plan("WBTC", 8, 6_000_000, 75, 80, 110),
    Plan("WETH", 18, 200_000, 77, 81, 108),
    Plan("USDC", 6, 100, 80, 83, 107),
    Plan("USDT", 18, 100, 78, 82, 107, share=25, payout=5),
    Plan("TUSD", 18, 101, 0, 55, 115, kinks=True),
)
POOLS = (("stablecoins", ("USDC", "USDT"), True), ("ether alone", ("WETH",), False))


@cache
def artifact(name: str) -> Artifact:
    """A contract of the package by its bare name; what has been replaced (`legacy`) is not searched."""
    root = packages.path("@venusprotocol/venus-protocol") / "artifacts"
    found = [p for p in root.glob(f"**/{name}.sol/{name}.json") if "legacy" not in p.parts]
    if len(found) != 1:
        raise ConfigError(f"@venusprotocol/venus-protocol has {len(found)} artifacts called {name}: expected one")
    built = json.loads(found[0].read_text())
    return Artifact.build(built["contractName"], built["abi"], built["bytecode"], built["linkReferences"])


async def make(chain: Anvil, name: str, *args: object) -> Contract:
    return await deploy(chain, artifact(name), *args)


async def deploy_venus(chain: Anvil) -> VenusPool:
    """Six markets of 18, 8 and 6 decimals with a supplier's liquidity, VAI at a floating rate, and two pools of which one falls back."""
    start = await chain.block_number() + 1
    access = await make(chain, "AccessControlManagerMock", DEPLOYER)
    oracle = await make(chain, "SimplePriceOracle")
    comptroller = await _comptroller(chain)
    await comptroller.send("_setAccessControl", access.address)
    await comptroller.send("_setComptrollerLens", (await make(chain, "ComptrollerLens")).address)
    await comptroller.send("_setPriceOracle", oracle.address)
    await comptroller.send("_setCloseFactor", WAD // 2)
    await chain.rpc("anvil_setCode", SHARE_RESERVE, "0x00")
    markets = {plan.symbol: await _list(comptroller, oracle, access, plan) for plan in PLANS}
    vai = await make(chain, "VAI", chain.chain_id)
    controller = await _vai(comptroller, access, vai, oracle)
    bounded = await _bounded(chain, access, oracle, markets, vai)
    await comptroller.send("setDeviationBoundedOracle", bounded.address)
    for number, (label, symbols, falls_back) in enumerate(POOLS, 1):
        await _pool(comptroller, number, label, [markets[s] for s in symbols], falls_back)
    pool = VenusPool(chain, comptroller, oracle, bounded, controller, vai, markets, start)
    await _liquidity(pool)
    return pool


async def _comptroller(chain: Anvil) -> Contract:
    """Unitroller, diamond, and every facet's functions once: facets share those of their base."""
    unitroller = await make(chain, "Unitroller")
    diamond = await make(chain, "Diamond")
    await unitroller.send("_setPendingImplementation", diamond.address)
    await diamond.send("_become", unitroller.address)
    abi = {_signed(entry): entry for entry in artifact("Diamond").abi}
    cuts = []
    for name in FACETS:
        facet = await make(chain, name)
        fresh = {_signed(entry): entry for entry in artifact(name).abi if _signed(entry) not in abi}
        abi |= fresh
        functions = [entry for entry in fresh.values() if entry["type"] == "function"]
        cuts.append((facet.address, 0, [function_abi_to_4byte_selector(entry) for entry in functions]))  # type: ignore[arg-type]
    await Contract(chain, unitroller.address, artifact("Diamond").abi).send("diamondCut", cuts)
    return Contract(chain, unitroller.address, tuple(abi.values()))


def _signed(entry: Mapping[str, Any]) -> str:
    """What two entries of an ABI have in common that say the same."""
    types = ",".join(one["type"] for one in entry.get("inputs", ()))
    return f"{entry['type']} {entry.get('name')}({types})"


async def _list(comptroller: Contract, oracle: Contract, access: Contract, plan: Plan) -> VenusMarket:
    chain = comptroller.chain
    model = await _model(chain, plan)
    native = plan.symbol == "BNB"
    token = None if native else await deploy(chain, own("Token"), plan.symbol, plan.symbol, plan.decimals)
    named = f"Venus {plan.symbol}", f"v{plan.symbol}", 8, DEPLOYER
    rest = comptroller.address, model.address, 2 * 10 ** (plan.decimals + 8), *named
    v = await (make(chain, "VBNB", *rest) if token is None else make(chain, "VBep20Immutable", token.address, *rest))
    market = VenusMarket(plan.symbol, plan.decimals, v, token, plan)
    await oracle.send("setDirectPrice", token.address if token else NATIVE, market.scaled(plan.price))
    await v.send("setAccessControlManager", access.address)
    await v.send("setProtocolShareReserve", SHARE_RESERVE)
    await v.send("setReduceReservesBlockDelta", plan.payout)
    await v.send("_setReserveFactor", plan.share * WAD // 100)
    await comptroller.send("_supportMarket", v.address)
    await comptroller.send("_setMarketSupplyCaps", [v.address], [10**40])
    await comptroller.send("_setMarketBorrowCaps", [v.address], [10**40])
    await comptroller.send("setIsBorrowAllowed", 0, v.address, True)
    factors = plan.factor * WAD // 100, plan.threshold * WAD // 100
    await comptroller.send("setCollateralFactor(address,uint256,uint256)", v.address, *factors)
    await comptroller.send("setLiquidationIncentive(address,uint256)", v.address, plan.incentive * WAD // 100)
    return market


async def _model(chain: Anvil, plan: Plan) -> Contract:
    if plan.kinks:
        rates = [n * WAD // 100 for n in (1, 10, 40, 20, 2, 80, 300)]
        return await make(chain, "TwoKinksInterestRateModel", *rates, BLOCKS_PER_YEAR)
    return await make(chain, "JumpRateModel", *(n * WAD // 100 for n in (2, 15, 200, 75)), BLOCKS_PER_YEAR)


async def _vai(comptroller: Contract, access: Contract, vai: Contract, oracle: Contract) -> Contract:
    """VAI at 96 cents, so that its rate floats: 4 % a year and a quarter of what it lacks to a dollar."""
    chain = comptroller.chain
    proxy = await make(chain, "VAIUnitroller")
    code = await make(chain, "VAIController")
    await proxy.send("_setPendingImplementation", code.address)
    await code.send("_become", proxy.address)
    controller = Contract(chain, proxy.address, code.abi)
    await controller.send("initialize")
    await controller.send("_setComptroller", comptroller.address)
    await controller.send("setAccessControl", access.address)
    await controller.send("setVAIToken", vai.address)
    await controller.send("setReceiver", TREASURY)
    await controller.send("_setTreasuryData", DEPLOYER, TREASURY, WAD // 1000)
    await oracle.send("setDirectPrice", vai.address, 96 * WAD // 100)
    await controller.send("setBaseRate", 4 * WAD // 100)
    await controller.send("setFloatRate", WAD // 4)
    await vai.send("rely", controller.address)
    await comptroller.send("_setVAIController", controller.address)
    await comptroller.send("_setVAIMintRate", 10_000)
    return controller


async def _bounded(
    chain: Anvil, access: Contract, oracle: Contract, markets: Mapping[str, VenusMarket], vai: Contract
) -> Contract:
    """The real bounded oracle, watching WETH. Its implementation locks itself against being initialised: that word is taken back."""
    bounded = await make(chain, "DeviationBoundedOracle", oracle.address, markets["BNB"].v.address, vai.address)
    await chain.rpc("anvil_setStorageAt", bounded.address, hex(0), f"0x{0:064x}")
    await bounded.send("initialize", access.address)
    token = markets["WETH"].token
    assert token is not None
    await bounded.send("setTokenConfig", (token.address, 3_600, 10 * WAD // 100, 5 * WAD // 100, True, True))
    return bounded


async def _pool(
    comptroller: Contract, number: int, label: str, markets: Sequence[VenusMarket], falls_back: bool
) -> None:
    """Higher factors and a smaller incentive for these markets; what is not in it counts as in the core pool, or for nothing."""
    await comptroller.send("createPool", label)
    await comptroller.send("addPoolMarkets", [number] * len(markets), [market.v.address for market in markets])
    for market in markets:
        factors = 90 * WAD // 100, 93 * WAD // 100
        await comptroller.send(
            "setCollateralFactor(uint96,address,uint256,uint256)", number, market.v.address, *factors
        )
        incentive = 103 * WAD // 100
        await comptroller.send("setLiquidationIncentive(uint96,address,uint256)", number, market.v.address, incentive)
        await comptroller.send("setIsBorrowAllowed", number, market.v.address, True)
    if falls_back:
        await comptroller.send("setAllowCorePoolFallback", number, True)


async def _liquidity(pool: VenusPool) -> None:
    """Ten million dollars of everything."""
    for market in pool.markets.values():
        await supply(pool, SUPPLIER, market.symbol, 10**9 * 10**market.decimals // market.plan.price)
