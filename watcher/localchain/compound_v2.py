"""Real Compound V2 from the prebuilt artifacts of @thenextblock/hardhat-compound 0.0.14, taken as a tarball only: its dependencies are not.

Five markets under one comptroller, priced by the package's own SimplePriceOracle. That one prices the native token at exactly 1, so
everything here is counted in it. A generation of the comptroller that still rounds half up is in the package too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_utils.address import to_checksum_address as checksum

from watcher.errors import CallReverted
from watcher.localchain import packages
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER, Artifact, Contract, Receipt, deploy, transact
from watcher.localchain.own import own
from watcher.localchain.scenario import fund
from watcher.model import Market
from watcher.units import WAD

PACKAGE = "@thenextblock/hardhat-compound"
NAME = "local/compound-v2/main"
TRUNCATING, HALF_UP = "Comptroller", "ComptrollerG5"  # the newest, and the last one that rounds half up
CLOSE_FACTOR = WAD // 2
INCENTIVE = 108 * WAD // 100
LENDER = checksum("0x0000000000000000000000000000000000001e4e")  # supplies what the others borrow
RICHES = 10**30  # wei


@dataclass(frozen=True, slots=True)
class Plan:
    """A market before it exists. `price` of a whole token in wei of the native one, `factor` in per cent, `liquidity` in whole tokens."""

    symbol: str
    decimals: int
    factor: int
    price: int
    liquidity: int
    slope: int = 15  # per cent a year at full use; jumps tenfold past 80 %


NATIVE = "ETH"
PLANS = (
    Plan(NATIVE, 18, 83, 10**18, 100_000),
    Plan("USDC", 6, 85, 500_123_456_789_012, 200_000_000),
    Plan("DAI", 18, 82, 500_654_321_098_765, 200_000_000, slope=20),
    Plan("WBTC", 8, 70, 31_234_567_890_123_456_789, 5_000, slope=30),
    Plan("DUST", 18, 40, 12_345_678_901, 10**13),  # worth little: many cTokens
)


@dataclass(frozen=True, slots=True)
class CompoundMarket:
    """One cToken. `token` is its underlying, None for the native one."""

    plan: Plan
    ctoken: Contract
    token: Contract | None

    @property
    def unit(self) -> int:
        return int(10**self.plan.decimals)


@dataclass(frozen=True, slots=True)
class CompoundV2:
    """`start` is the first block of the deployment."""

    chain: Anvil
    name: str
    comptroller: Contract
    oracle: Contract
    markets: Mapping[str, CompoundMarket]
    start: int

    def market(self) -> Market:
        """As the configuration names it."""
        return Market(self.chain.chain_id, "compound_v2", self.name, self.comptroller.address, start=self.start)


@cache
def artifact(name: str) -> Artifact:
    """A contract of the package by the name of its file."""
    root = packages.path(PACKAGE) / "dist" / "artifacts" / "contracts" / "compound"
    built = json.loads((root / f"{name}.sol" / f"{name}.json").read_text())
    return Artifact.build(built["contractName"], built["abi"], built["bytecode"], built["linkReferences"])


async def deploy_compound_v2(chain: Anvil, brains: str = TRUNCATING, name: str = NAME) -> CompoundV2:
    """Unitroller, comptroller, oracle and five markets of 18, 6 and 8 decimals, each with a lender's liquidity."""
    start = await chain.block_number() + 1
    unitroller = await deploy(chain, artifact("Unitroller"))
    code = await deploy(chain, artifact(brains))
    await do(unitroller, "_setPendingImplementation", code.address)
    await code.send("_become", unitroller.address)
    comptroller = code.at(unitroller.address)
    oracle = await deploy(chain, artifact("SimplePriceOracle"))
    await do(comptroller, "_setPriceOracle", oracle.address)
    await do(comptroller, "_setCloseFactor", CLOSE_FACTOR)
    await do(comptroller, "_setLiquidationIncentive", INCENTIVE)
    if brains == HALF_UP:
        await do(comptroller, "_setMaxAssets", len(PLANS))
    markets = {plan.symbol: await _listed(comptroller, oracle, plan) for plan in PLANS}
    made = CompoundV2(chain, name, comptroller, oracle, markets, start)
    for one in markets.values():
        await supply(made, LENDER, one.plan.symbol, one.plan.liquidity * one.unit)
    return made


async def _listed(comptroller: Contract, oracle: Contract, plan: Plan) -> CompoundMarket:
    chain = comptroller.chain
    rate = [plan.slope * WAD // 1000, plan.slope * WAD // 100, plan.slope * WAD // 10, 8 * WAD // 10]
    model = await deploy(chain, artifact("JumpRateModel"), *rate)
    initial = 2 * 10 ** (16 + plan.decimals - 8)
    symbol = f"c{plan.symbol}"
    common = (comptroller.address, model.address, initial, symbol, symbol, 8, DEPLOYER)
    if plan.symbol == NATIVE:
        token, ctoken = None, await deploy(chain, artifact("CEther"), *common)
    else:
        token = await deploy(chain, own("Token"), plan.symbol, plan.symbol, plan.decimals)
        ctoken = await deploy(chain, artifact("CErc20Immutable"), token.address, *common)
        await oracle.send("setUnderlyingPrice", ctoken.address, scaled(plan))
    await do(comptroller, "_supportMarket", ctoken.address)
    await do(comptroller, "_setCollateralFactor", ctoken.address, plan.factor * WAD // 100)
    await do(ctoken, "_setReserveFactor", WAD // 10)
    return CompoundMarket(plan, ctoken, token)


def scaled(plan: Plan) -> int:
    """The plan's price as the oracle answers it: shifted by 36 decimals less the token's."""
    return plan.price * int(10 ** (18 - plan.decimals))


async def do(contract: Contract, function: str, *args: Any, sender: str = DEPLOYER, value: int = 0) -> Receipt:
    """One mined transaction. Compound answers an error code where others revert: `CallReverted` names it, and nothing is sent."""
    fields = {**contract.transaction(function, *args, sender=sender), "value": hex(value)}
    if not value:
        code = await contract.call(function, *args, sender=sender)
        if isinstance(code, int) and code:
            raise CallReverted(f"{function} answers error {code}")
    return await transact(contract.chain, fields, function)


async def supply(world: CompoundV2, who: str, symbol: str, amount: int) -> Receipt:
    """cTokens alone protect nothing: see `enter`."""
    one = world.markets[symbol]
    if one.token is None:
        await world.chain.rpc("anvil_setBalance", who, hex(RICHES))
        return await do(one.ctoken, "mint", sender=who, value=amount)
    await fund(one.token, who, amount, one.ctoken.address)
    return await do(one.ctoken, "mint", amount, sender=who)
