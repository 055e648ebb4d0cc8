"""Who is in the demo and what they hold: twenty accounts, some near their line, some far from it, some without debt."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from eth_typing import ChecksumAddress

from watcher.localchain import aave_actions as aave
from watcher.localchain import morpho_actions as blue
from watcher.localchain.scenario import account
from watcher.localchain.stage.world import World
from watcher.model import PositionKey
from watcher.units import Raw


@dataclass(frozen=True, slots=True)
class Pooled:
    """A position in an Aave pool, as in ``Pooled("v30", "alice", "10 WETH", "13800 USDC")``; `mode` is entered before borrowing.

    `enabled` names collateral that the first supply does not enable by itself.
    """

    market: str
    who: str
    supplied: str
    owed: str = ""
    mode: int = 0
    enabled: str = ""


@dataclass(frozen=True, slots=True)
class Isolated:
    """A position in one Morpho market; amounts are whole tokens of its collateral and loan token. `lent` protects nothing."""

    market: str
    who: str
    collateral: str = "0"
    owed: str = "0"
    lent: str = "0"


POOLED: Final = (
    Pooled("v30", "alice", "10 WETH", "13200 USDC"),
    Pooled("v30", "bruno", "2 WBTC", "78000 DAI"),
    Pooled("v30", "chloe", "3000 LINK, 20000 USDC", "8 WETH"),  # her debt gets cheaper
    Pooled("v30", "dmitri", "100 wstETH", "111 WETH", mode=1),
    Pooled("v30", "elif", "0.00001 WETH", "0.01 USDC"),  # dust
    Pooled("v30", "farah", "5 WETH, 30000 USDC"),  # owes nothing
    Pooled("v30", "goran", "100 AAVE", "5800 DAI", enabled="AAVE"),  # isolated collateral
    Pooled("v30", "hana", "20 WETH, 0.5 WBTC", "20000 USDC, 10000 USDT, 8 LINK"),
    Pooled("v30", "ivan", "20000 EURS, 4 WETH", "14000 USDC"),  # a token with two decimals
    Pooled("v36", "judith", "50 WETH", "70000 USDC"),
    Pooled("v36", "kenji", "40000 sUSDe, 10000 USDC", "44000 GHO", mode=2, enabled="sUSDe"),
    Pooled("v36", "lucia", "40 wstETH", "44.5 WETH", mode=1),
    Pooled("v36", "mwangi", "1.5 WBTC, 6 WETH", "40000 USDT, 20000 EURC"),
    Pooled("v36", "nadia", "0.000002 WBTC", "0.05 USDC"),  # dust
    Pooled("v36", "otto", "50000 DAI"),  # owes nothing
    Pooled("v36", "alice", "12 WETH", "10000 DAI"),
    Pooled("v36", "priya", "9000 LINK", "30 WETH"),
)
ISOLATED: Final = (
    Isolated("WETH/USDC", "quentin", "10", "14900"),
    Isolated("WETH/USDC", "rosa", "40", "51000"),
    Isolated("WETH/USDC", "alice", "3", "4400"),
    Isolated("WETH/USDC", "elif", "0.00001", "0.01"),  # dust
    Isolated("wstETH/WETH", "dmitri", "200", "222"),
    Isolated("wstETH/WETH", "samir", "30", "33.5"),
    Isolated("WBTC/USDC", "bruno", "1", "46500"),
    Isolated("WBTC/USDC", "tamara", "0.4", "15000"),
    Isolated("USDC/WETH", "chloe", "60000", "15"),  # her collateral buys more and more of what she owes
    Isolated("USDC/WETH", "otto", lent="25"),
    Isolated("WETH/USDC", "farah", "2"),  # owes nothing
)
VICTIM: Final = "judith"  # of the one liquidation: her WETH for her USDC


def names() -> tuple[str, ...]:
    """Everybody once, in the order of appearance."""
    return tuple(dict.fromkeys(part.who for part in (*POOLED, *ISOLATED)))


def owners() -> dict[ChecksumAddress, str]:
    """Every account and the name it goes by."""
    return {account(name): name for name in names()}


def keys(world: World) -> tuple[PositionKey, ...]:
    """Every position that the cast opens, by the market's name in the configuration."""
    pooled = [(world.aave(part.market).market().name, part.who) for part in POOLED]
    isolated = [(world.morpho.market(part.market).name, part.who) for part in ISOLATED]
    return tuple(PositionKey(market, bytes.fromhex(account(who)[2:])) for market, who in (*pooled, *isolated))


def paired(world: World) -> frozenset[PositionKey]:
    """Positions whose collateral and debt are both ether or what is redeemable for it, by the cast's own list."""
    ether = {"WETH", "wstETH"}
    legs = [{symbol for _, symbol in _listed(f"{one.supplied}, {one.owed}")} if one.owed else set() for one in POOLED]
    legs += [set(one.market.split("/")) if one.owed != "0" else set() for one in ISOLATED]
    return frozenset(key for key, held in zip(keys(world), legs, strict=True) if held and held <= ether)


async def enter(world: World) -> None:
    """Everybody opens what they hold, by ordinary transactions of their own."""
    for pooled in POOLED:
        await _open_pooled(world, pooled)
    for isolated in ISOLATED:
        await _open_isolated(world, isolated)


async def _open_pooled(world: World, part: Pooled) -> None:
    market, who = world.aave(part.market), account(part.who)
    amounts = {symbol: raw(size, market.reserves[symbol].decimals) for size, symbol in _listed(part.supplied)}
    for symbol, amount in amounts.items():
        await aave.supply(market, who, symbol, amount)
    if part.mode:
        await aave.set_mode(market, who, part.mode)
    if part.enabled:
        await aave.use_as_collateral(market, who, part.enabled, True)
    for size, symbol in _listed(part.owed):
        await aave.borrow(market, who, symbol, raw(size, market.reserves[symbol].decimals))


async def _open_isolated(world: World, part: Isolated) -> None:
    market, who = world.morpho.markets[part.market], account(part.who)
    collateral, _, loan = part.market.partition("/")
    places = {symbol: await world.morpho.tokens[symbol].call("decimals") for symbol in (collateral, loan)}
    if lent := raw(part.lent, places[loan]):
        await blue.lend(world.morpho, market, who, lent)
    if pledged := raw(part.collateral, places[collateral]):
        await blue.supply_collateral(world.morpho, market, who, pledged)
    if owed := raw(part.owed, places[loan]):
        await blue.borrow(world.morpho, market, who, owed)


def _listed(text: str) -> list[tuple[str, str]]:
    """ "3000 LINK, 20000 USDC" as pairs of size and symbol."""
    return [(size, symbol) for size, symbol in (part.split() for part in text.split(",") if part)]


def raw(size: str, decimals: int) -> Raw:
    """Whole tokens as raw units; a size finer than the token is a mistake in the cast and raises `ValueError`."""
    amount = Decimal(size).scaleb(decimals)
    if amount != int(amount):
        raise ValueError(f"{size} has more than {decimals} decimals")
    return Raw(int(amount))
