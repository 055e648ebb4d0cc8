"""An Aave V3 pool of any version on paper: three reserves, two e-modes, one account. Addresses are small numbers."""

from __future__ import annotations

from typing import Any

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from tests.adapters.paper import Answer, Paper, Row
from watcher.adapter import Which
from watcher.adapters.aave_v3 import ADAPTER
from watcher.adapters.aave_v3.facts import Holding, Quote, Terms
from watcher.model import Market, Moment, PositionKey
from watcher.units import RAY

REVISIONS = {"3.0": 1, "3.1": 4, "3.2": 5, "3.3": 7, "3.4": 8, "3.5": 9, "3.6": 10, "3.7": 11}
NOW = 1_800_000_000


def at(number: int) -> ChecksumAddress:
    return to_checksum_address(number.to_bytes(20, "big"))


POOL, PROVIDER, ORACLE, CONFIGURATOR, SENTINEL, STRATEGY, OWNER, MODE_SOURCE = (at(n) for n in range(1, 9))
ETH, USD, OLD = (at(n) for n in (101, 102, 103))
TOKENS = (ETH, USD, OLD)
MARKET = Market(1, "aave_v3", "paper/aave-v3", POOL)
KEY = PositionKey(MARKET.name, bytes.fromhex(OWNER[2:]))
PRICES = {ETH: 2_000 * 10**8, USD: 10**8, OLD: 5 * 10**8, MODE_SOURCE: 101_000_000}


def deposit(token: ChecksumAddress) -> ChecksumAddress:
    return at(int(token, 16) + 100)


def debt(token: ChecksumAddress) -> ChecksumAddress:
    return at(int(token, 16) + 200)


def stable(token: ChecksumAddress) -> ChecksumAddress:
    return at(int(token, 16) + 300)


def word(
    ltv: int = 8_000, threshold: int = 8_250, bonus: int = 10_500, decimals: int = 18, mode: int = 0, more: int = 0
) -> int:
    """A configuration word: active, borrowing on, no caps, reserve factor 10 %, virtual accounting; `more` sets further bits."""
    flags = 1 << 56 | 1 << 58 | 1 << 252
    return ltv | threshold << 16 | bonus << 32 | decimals << 48 | flags | 1_000 << 64 | mode << 168 | more


WORDS = {
    ETH: word(mode=1),
    USD: word(7_500, 7_800, 10_450, 6, 2),
    OLD: word(0, 0, 0, 18, 2),  # base threshold 0, listed in the second e-mode
}


def functions(version: str, **changed: Answer | Row) -> dict[str, Answer | Row]:
    """Every function that a pool of that version has. `changed` replaces some, with "__" for the dot."""
    known: dict[str, Answer | Row] = {
        "aave_v3/pool.POOL_REVISION": (REVISIONS[version],),
        "aave_v3/pool.ADDRESSES_PROVIDER": (PROVIDER,),
        "aave_v3/pool.getReservesList": (TOKENS,),
        "aave_v3/provider.getPriceOracle": (ORACLE,),
        "aave_v3/provider.getPoolConfigurator": (CONFIGURATOR,),
        "aave_v3/provider.getPriceOracleSentinel": (SENTINEL,),
        "aave_v3/pool.getReserveData": lambda _, args: _reserve(args[0]),
        "aave_v3/oracle.BASE_CURRENCY": (at(0),),
        "aave_v3/oracle.BASE_CURRENCY_UNIT": (10**8,),
        "aave_v3/oracle.getSourceOfAsset": lambda _, args: (at(int(args[0], 16) + 500),),
        "aave_v3/oracle.getAssetPrice": lambda _, args: (PRICES[args[0]],),
        "aave_v3/sentinel.isBorrowAllowed": (True,),
        "aave_v3/sentinel.isLiquidationAllowed": (True,),
        "aave_v3/token.scaledTotalSupply": (10**24,),
        "aave_v3/token.scaledBalanceOf": _balance,
        "aave_v3/pool.getUserConfiguration": (0b0110,),  # ether secures, dollars are owed
        "aave_v3/pool.getUserEMode": (0,),
        "erc20/token.symbol": lambda target, _: ({ETH: "ETH", USD: "USD", OLD: "OLD"}.get(target, "RATE"),),
        "chainlink/feed.description": ("ANY / USD",),
        "chainlink/feed.latestRoundData": (1, 1, NOW - 60, NOW - 60, 1),
        **_by_version(version),
    }
    known.update({name.replace("__", "."): answer for name, answer in changed.items()})
    return known


def _by_version(version: str) -> dict[str, Answer | Row]:
    found: dict[str, Answer | Row] = {}
    if version in ("3.0", "3.1"):
        found["aave_v3/pool.getEModeCategoryData"] = lambda _, args: (_mode(args[0], legacy=True),)
        found["aave_v3/stable_token.getSupplyData"] = (0, 0, 0, 0)
        found["aave_v3/stable_token.principalBalanceOf"] = (0,)
        found["aave_v3/stable_token.getUserStableRate"] = (0,)
        found["aave_v3/stable_token.getUserLastUpdated"] = (0,)
    else:
        found["aave_v3/pool.getEModeCategoryCollateralConfig"] = lambda _, args: _mode(args[0], legacy=False)
        found["aave_v3/pool.getEModeCategoryCollateralBitmap"] = lambda _, args: ((0, 0b001, 0b110)[args[0]],)
        found["aave_v3/pool.getEModeCategoryBorrowableBitmap"] = lambda _, args: ((0, 0b001, 0b010)[args[0]],)
    if version == "3.0":
        for name, value in (
            ("OPTIMAL_USAGE_RATIO", RAY * 8 // 10),
            ("getBaseVariableBorrowRate", 0),
            ("getVariableRateSlope1", RAY * 4 // 100),
            ("getVariableRateSlope2", RAY * 3 // 4),
        ):
            found[f"aave_v3/strategy.{name}"] = (value,)
        found["erc20/token.balanceOf"] = (10**23,)
    else:
        found["aave_v3/strategy_v2.getInterestRateDataBps"] = (8_000, 0, 400, 7_500)
        found["aave_v3/pool.getVirtualUnderlyingBalance"] = (10**23,)
        found["aave_v3/pool.getLiquidationGracePeriod"] = (0,)
    if version >= "3.3":
        found["aave_v3/pool.getReserveDeficit"] = (0,)
    if version >= "3.6":
        found["aave_v3/pool.getEModeCategoryLtvzeroBitmap"] = lambda _, args: ((0, 0, 0b010)[args[0]],)
    if version >= "3.7":
        found["aave_v3/pool.getIsEModeCategoryIsolated"] = lambda _, args: (args[0] == 1,)
    return found


def _mode(id: int, *, legacy: bool) -> tuple[Any, ...]:
    numbers = {1: (9_300, 9_500, 10_100), 2: (9_000, 9_200, 10_200)}.get(id, (0, 0, 0))
    source = MODE_SOURCE if id == 2 else at(0)
    return (*numbers, source, "label") if legacy else numbers


def _reserve(token: ChecksumAddress) -> Row:
    place = TOKENS.index(token)
    rates = (RAY * 5 // 4, RAY // 50, RAY * 6 // 5, RAY // 25, 0)
    tokens = deposit(token), stable(token), debt(token), STRATEGY
    return (WORDS[token], *rates, NOW - 1_000, place, *tokens, 0, 0, 0)


def _balance(target: ChecksumAddress, args: tuple[Any, ...]) -> Row:
    amounts = {deposit(ETH): 8 * 10**18, debt(USD): 5_000 * 10**6, deposit(OLD): 7 * 10**18}
    return (amounts.get(target, 0) if args[0] == OWNER else 0,)


def world(version: str, **changed: Answer | Row) -> tuple[Terms, Quote, Holding]:
    """Terms, the quote at `NOW`, and the owner's holding."""
    paper = Paper(functions(version, **changed))
    terms = paper.run(ADAPTER.terms(MARKET))
    quote = ADAPTER.accrue(terms, paper.run(ADAPTER.quote(terms)), Moment(1, NOW), Which.ALL)
    return terms, quote, paper.run(ADAPTER.holdings(terms, [KEY]))[KEY]
