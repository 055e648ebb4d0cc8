"""Real Morpho Blue, compiled on this machine from @morpho-org/morpho-blue 1.0.0, with six markets.

Oracles, interest rate models and pre-liquidation contracts are our own: the originals of the adaptive curve and of pre-liquidation are in
no package, so tests hold ours to the answers that they gave. Morpho's source is BUSL-1.1 until 2026, GPL-2.0-or-later since: what is
compiled stays in the cache folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from eth_abi.abi import encode
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address as checksum
from eth_utils.crypto import keccak

from watcher.localchain import packages
from watcher.localchain.anvil import Anvil
from watcher.localchain.cache import Say, quiet
from watcher.localchain.contract import DEPLOYER, ZERO, Artifact, Contract, deploy
from watcher.localchain.own import own
from watcher.localchain.scenario import fund
from watcher.localchain.solidity import Project, compile
from watcher.model import Annex, Market
from watcher.units import BPS, WAD, YEAR

NAME = "local/morpho-blue"
NOTICE = "Morpho Blue is compiled for local use, nothing is kept but a cache folder (about 15 s)"
SETTINGS = {"viaIR": True, "optimizer": {"enabled": True, "runs": 999_999}, "evmVersion": "paris"}
FEE_RECIPIENT = checksum("0x00000000000000000000000000000000000fee00")
LENDER = checksum("0x0000000000000000000000000000000000001e4d")  # supplies what the others borrow
FLAT = 8 * WAD // 100 // YEAR  # per second: eight percent a year


@dataclass(frozen=True, slots=True)
class Plan:
    """A market before it exists. `lltv` in basis points, `price` in 1e-6 loan tokens per collateral token, `liquidity` in whole ones."""

    name: str
    collateral: str | None
    loan: str
    lltv: int
    model: str | None
    price: int
    liquidity: int
    fee: int = 0  # percent of interest
    feeds: bool = False  # an oracle over two feeds, else one integer


DECIMALS = {"WETH": 18, "wstETH": 18, "USDC": 6, "WBTC": 8}
PLANS = (
    Plan("WETH/USDC", "WETH", "USDC", 8600, "curve", 2_000_000_000, 50_000_000, feeds=True),
    Plan("wstETH/WETH", "wstETH", "WETH", 9450, "curve", 1_200_000, 50_000, fee=10),
    Plan("WBTC/USDC", "WBTC", "USDC", 8600, "flat", 60_000_000_000, 50_000_000),
    Plan("USDC/WETH", "USDC", "WETH", 7700, "curve", 500, 50_000, fee=25),
    Plan("hostile", "WETH", "USDC", 6250, None, 2_000_000_000, 5_000_000),
    Plan("idle", None, "USDC", 0, None, 0, 1_000_000),
)


@dataclass(frozen=True, slots=True)
class MorphoMarket:
    """One market. `params` is `MarketParams` as the contract takes it; `oracle` is set with `set`, or through `feed` where there is one."""

    name: str
    id: bytes
    params: tuple[ChecksumAddress, ChecksumAddress, ChecksumAddress, ChecksumAddress, int]
    loan: Contract
    collateral: Contract | None
    oracle: Contract | None
    feed: Contract | None
    model: Contract | None

    @property
    def source(self) -> Contract:
        """What moves the price: the base feed, else the oracle. The idle market has none."""
        found = self.feed or self.oracle
        assert found is not None, self.name
        return found


@dataclass(frozen=True, slots=True)
class MorphoChain:
    """`start` is the first block of the deployment."""

    chain: Anvil
    morpho: Contract
    markets: Mapping[str, MorphoMarket]
    tokens: Mapping[str, Contract]
    factory: Contract  # of pre-liquidation contracts: a stand-in of ours
    start: int

    def singleton(self) -> Market:
        """As the configuration names it: all markets of the contract, to look for those of an owner."""
        annex = Annex(self.factory.address, self.start)
        return Market(self.chain.chain_id, "morpho_blue", NAME, self.morpho.address, start=self.start, annex=annex)

    def market(self, name: str) -> Market:
        """One market as the configuration names it."""
        identity = self.markets[name].id
        full = f"{NAME}/{identity.hex()[:10]}"
        return replace(self.singleton(), name=full, id=identity)


def build(say: Say = quiet) -> dict[str, Artifact]:
    """Morpho and its events, compiled once and then read from the cache folder."""
    root = packages.path("@morpho-org/morpho-blue", say=say) / "src"
    return compile(Project("0.8.19", {"morpho/": root}, ["morpho/Morpho.sol"], SETTINGS), say, NOTICE)


@cache
def artifact() -> Artifact:
    return build()["Morpho"]


async def deploy_morpho(chain: Anvil) -> MorphoChain:
    """Six markets of 18/6, 18/18, 8/6 and 6/18 decimals, one with a hostile oracle, one idle; each with a lender's liquidity."""
    start = await chain.block_number() + 1
    morpho = await deploy(chain, artifact(), DEPLOYER)
    await morpho.send("setFeeRecipient", FEE_RECIPIENT)
    models = {
        "curve": await deploy(chain, own("CurveModel"), morpho.address),
        "flat": await deploy(chain, own("FlatModel"), FLAT),
    }
    for model in (ZERO, *(model.address for model in models.values())):
        await morpho.send("enableIrm", model)
    for lltv in {plan.lltv for plan in PLANS}:
        await morpho.send("enableLltv", lltv * WAD // BPS)
    tokens = {s: await deploy(chain, own("Token"), s, s, places) for s, places in DECIMALS.items()}
    markets = {plan.name: await _create(morpho, plan, tokens, models) for plan in PLANS}
    factory = await deploy(chain, own("PreLiquidationFactory"), morpho.address)
    return MorphoChain(chain, morpho, markets, tokens, factory, start)


async def _create(
    morpho: Contract, plan: Plan, tokens: Mapping[str, Contract], models: Mapping[str, Contract]
) -> MorphoMarket:
    loan = tokens[plan.loan]
    collateral = tokens[plan.collateral] if plan.collateral else None
    oracle, feed = await _oracle(morpho.chain, plan)
    model = models[plan.model] if plan.model else None
    addresses = [c.address if c else ZERO for c in (loan, collateral, oracle, model)]
    params = (addresses[0], addresses[1], addresses[2], addresses[3], plan.lltv * WAD // BPS)
    await morpho.send("createMarket", params)
    if plan.fee:
        await morpho.send("setFee", params, plan.fee * WAD // 100)
    amount = plan.liquidity * 10 ** DECIMALS[plan.loan]
    await fund(loan, LENDER, amount, morpho.address)
    await morpho.send("supply", params, amount, 0, LENDER, b"", sender=LENDER)
    identity = keccak(encode(["address"] * 4 + ["uint256"], params))
    return MorphoMarket(plan.name, identity, params, loan, collateral, oracle, feed, model)


async def _oracle(chain: Anvil, plan: Plan) -> tuple[Contract | None, Contract | None]:
    """The oracle and the base feed behind it. A price is raw loan tokens per raw unit of collateral, scaled by 1e36."""
    if plan.collateral is None:
        return None, None
    shift = 36 + DECIMALS[plan.loan] - DECIMALS[plan.collateral]
    if not plan.feeds:
        return await deploy(chain, own("ScaledOracle"), plan.price * 10 ** (shift - 6)), None
    base = await deploy(chain, own("Feed"), 8, f"{plan.collateral} / USD", plan.price * 100)
    quote = await deploy(chain, own("Feed"), 8, f"{plan.loan} / USD", 10**8)
    return await deploy(chain, own("FeedOracle"), base.address, quote.address, 10**shift), base
