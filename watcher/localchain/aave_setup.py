"""The steps that a V3.0 and a V3.6 deployment share. Order matters: the ACL admin before its manager, the libraries before the pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address as checksum

from watcher.localchain.aave_assets import USD, Asset
from watcher.localchain.aave_market import AaveMarket, Reserve
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import DEPLOYER, ZERO, Artifact, Contract, deploy
from watcher.localchain.own import own

TREASURY = checksum("0x000000000000000000000000000000000007ea50")
WHALE = checksum("0x00000000000000000000000000000000000c0de5")  # supplies what the others borrow
LIQUIDITY = 200_000_000  # USD supplied per borrowable reserve
FEE = 1_000  # bps of the liquidation bonus that goes to the treasury


@dataclass(frozen=True, slots=True)
class Workshop:
    """Deploys by contract name, with its libraries; each library once."""

    chain: Anvil
    find: Callable[[str], Artifact]
    libraries: dict[str, ChecksumAddress] = field(default_factory=dict)

    async def make(self, name: str, *args: Any) -> Contract:
        artifact = self.find(name)
        for library in dict.fromkeys(library for library, _ in artifact.links):
            if library not in self.libraries:
                self.libraries[library] = (await self.make(library)).address
        return await deploy(self.chain, artifact, *args, libraries=self.libraries)

    def at(self, name: str, address: str) -> Contract:
        return Contract(self.chain, checksum(address), self.find(name).abi)


@dataclass(frozen=True, slots=True)
class TokenKinds:
    """What this version calls the contracts of a reserve's own tokens."""

    receipt: str
    stable_debt: str | None
    debt: str


@dataclass(frozen=True, slots=True)
class Listing:
    """An asset with its token and feed, before the pool knows it."""

    asset: Asset
    token: Contract
    feed: Contract


async def list_assets(chain: Anvil, assets: Sequence[Asset]) -> tuple[Listing, ...]:
    """A mintable token and a settable feed (8 decimals) for every asset."""
    listings = []
    for asset in assets:
        token = await deploy(chain, own("Token"), asset.symbol, asset.symbol, asset.decimals)
        feed = await deploy(chain, own("Feed"), 8, f"{asset.symbol} / USD", asset.price)
        listings.append(Listing(asset, token, feed))
    return tuple(listings)


async def found(shop: Workshop, name: str) -> Contract:
    """Registry, addresses provider and ACL, with the deployer in every role."""
    provider = await shop.make("PoolAddressesProvider", name, DEPLOYER)
    registry = await shop.make("PoolAddressesProviderRegistry", DEPLOYER)
    await registry.send("registerAddressesProvider", provider.address, 1)
    await provider.send("setACLAdmin", DEPLOYER)
    acl = await shop.make("ACLManager", provider.address)
    await provider.send("setACLManager", acl.address)
    for role in ("addPoolAdmin", "addEmergencyAdmin", "addRiskAdmin", "addAssetListingAdmin"):
        await acl.send(role, DEPLOYER)
    return provider


async def make_oracle(shop: Workshop, provider: Contract, listings: Sequence[Listing]) -> Contract:
    """Prices in USD with 8 decimals: base currency 0, no fallback oracle."""
    tokens = [listing.token.address for listing in listings]
    feeds = [listing.feed.address for listing in listings]
    oracle = await shop.make("AaveOracle", provider.address, tokens, feeds, ZERO, ZERO, USD)
    await provider.send("setPriceOracle", oracle.address)
    return oracle


@dataclass(frozen=True, slots=True)
class Core:
    """The proxies of a market and the package's own reader."""

    pool: Contract
    configurator: Contract
    data_provider: Contract


async def install(shop: Workshop, provider: Contract, pool_code: Contract, configurator_code: Contract) -> Core:
    """Let the addresses provider put both implementations behind its proxies, which initialises them."""
    await provider.send("setPoolImpl", pool_code.address)
    await provider.send("setPoolConfiguratorImpl", configurator_code.address)
    pool = pool_code.at(await provider.call("getPool"))
    configurator = configurator_code.at(await provider.call("getPoolConfigurator"))
    data_provider = await shop.make("AaveProtocolDataProvider", provider.address)
    await provider.send("setPoolDataProvider", data_provider.address)
    return Core(pool, configurator, data_provider)


async def configure(configurator: Contract, listing: Listing) -> None:
    """Everything about one reserve that both versions set in the same way. A ceiling goes first: nobody may have supplied before it."""
    asset, token = listing.asset, listing.token.address
    if asset.ceiling:
        await configurator.send("setDebtCeiling", token, asset.ceiling)
    if asset.threshold:
        await configurator.send("configureReserveAsCollateral", token, asset.ltv, asset.threshold, asset.bonus)
    if asset.borrowable:
        await configurator.send("setReserveBorrowing", token, True)
    if asset.in_isolation:
        await configurator.send("setBorrowableInIsolation", token, True)
    if asset.supply_cap:
        await configurator.send("setSupplyCap", token, asset.supply_cap)
    if asset.borrow_cap:
        await configurator.send("setBorrowCap", token, asset.borrow_cap)
    await configurator.send("setReserveFactor", token, asset.reserve_factor)
    await configurator.send("setReserveFlashLoaning", token, True)
    await configurator.send("setLiquidationProtocolFee", token, FEE)


async def add_liquidity(market: AaveMarket) -> None:
    """The whale supplies every reserve that can be borrowed."""
    for reserve in market.reserves.values():
        if reserve.asset.borrowable:
            amount = LIQUIDITY * USD * 10**reserve.decimals // reserve.asset.price
            await reserve.token.send("mint", WHALE, amount)
            await reserve.token.send("approve", market.pool.address, amount, sender=WHALE)
            await market.pool.send("supply", reserve.token.address, amount, WHALE, 0, sender=WHALE)


async def read_reserves(
    shop: Workshop, data_provider: Contract, listings: Sequence[Listing], kinds: TokenKinds, first: int = 0
) -> dict[str, Reserve]:
    """The receipt and debt tokens that the pool made, by symbol. `first` is the id of the first listing."""
    reserves = {}
    for index, listing in enumerate(listings, first):
        tokens = await data_provider.call("getReserveTokensAddresses", listing.token.address)
        reserves[listing.asset.symbol] = Reserve(
            asset=listing.asset,
            id=index,
            token=listing.token,
            receipt=shop.at(kinds.receipt, tokens[0]),
            debt=shop.at(kinds.debt, tokens[2]),
            stable_debt=shop.at(kinds.stable_debt, tokens[1]) if kinds.stable_debt else None,
            feed=listing.feed,
        )
    return reserves
