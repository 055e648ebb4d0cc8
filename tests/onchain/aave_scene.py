"""An Aave pool, of V2 or V3, as a test sees it: accounts that act, our predictions, and what the chain then stores or says.

The pool's answers are taken by the local chain's own calls with the package's ABI, not by our reader.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_typing import ChecksumAddress
from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector
from web3 import AsyncHTTPProvider, AsyncWeb3

from watcher.adapter import Action, Adapter, Borrow, Refusal, Repay, SetMode, Supply, Which, Withdraw
from watcher.adapters import adapter
from watcher.adapters.aave_v3.facts import Holding, Quote, Terms
from watcher.chain.reader import Reader
from watcher.errors import CallReverted
from watcher.formula.aave.version import Version
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import Receipt
from watcher.localchain.scenario import account, fund, set_price
from watcher.model import Market, Moment, PositionKey
from watcher.units import MAX, Raw

COLLATERALS = ("WETH", "wstETH", "WBTC", "USDC", "DAI", "LINK")
FIGURES = ("collateral", "debt", "available", "threshold", "ltv", "health")
PANIC = bytes.fromhex("4e487b71")
STRING = bytes.fromhex("08c379a0")
CODES = {  # Errors.sol of 3.0, by the names that the errors have had since 3.4
    "24": "InvalidMintAmount",
    "25": "InvalidBurnAmount",
    "26": "InvalidAmount",
    "27": "ReserveInactive",
    "28": "ReserveFrozen",
    "29": "ReservePaused",
    "30": "BorrowingNotEnabled",
    "32": "NotEnoughAvailableUserBalance",
    "34": "CollateralBalanceIsZero",
    "35": "HealthFactorLowerThanLiquidationThreshold",
    "36": "CollateralCannotCoverNewBorrow",
    "39": "NoDebtOfSelectedType",
    "45": "HealthFactorNotBelowThreshold",
    "46": "CollateralCannotBeLiquidated",
    "50": "BorrowCapExceeded",
    "51": "SupplyCapExceeded",
    "53": "DebtCeilingExceeded",
    "57": "LtvValidationFailed",
    "59": "PriceOracleSentinelCheckFailed",
    "58": "InconsistentEModeCategory",
    "60": "AssetNotBorrowableInIsolation",
}
CODES_V2 = {  # Errors.sol of V2, by the same names
    "1": "InvalidAmount",
    "2": "ReserveInactive",
    "3": "ReserveFrozen",
    "5": "NotEnoughAvailableUserBalance",
    "6": "HealthFactorLowerThanLiquidationThreshold",
    "7": "BorrowingNotEnabled",
    "9": "CollateralBalanceIsZero",
    "10": "HealthFactorLowerThanLiquidationThreshold",
    "11": "CollateralCannotCoverNewBorrow",
    "15": "NoDebtOfSelectedType",
    "42": "HealthFactorNotBelowThreshold",
    "43": "CollateralCannotBeLiquidated",
    "50": "LtvValidationFailed",
    "56": "InvalidMintAmount",
    "58": "InvalidBurnAmount",
    "64": "ReservePaused",
    "SafeMath: subtraction overflow": "arithmetic underflow or overflow",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """One pool, a reader at its newest block, and the accounts that act."""

    local: AaveMarket
    w3: AsyncWeb3[AsyncHTTPProvider]
    reader: Reader
    actors: tuple[ChecksumAddress, ...]

    @property
    def market(self) -> Market:
        return self.local.market()

    @property
    def adapter(self) -> Adapter[Any, Any, Any]:
        return adapter(self.local.protocol)

    def key(self, who: ChecksumAddress) -> PositionKey:
        return PositionKey(self.market.name, bytes.fromhex(who[2:]))

    async def terms(self, known: Terms | None = None) -> Terms:
        block = await self.reader.head()
        if known is not None and await self.reader.run(self.adapter.fresh(known), block):
            return known
        return await self.reader.run(self.adapter.terms(self.market), block)

    async def world(self, terms: Terms, at: int | None = None) -> tuple[Quote, Mapping[PositionKey, Holding]]:
        """The quote, accrued to `at` seconds in the next block or to the newest block, and everyone's holding."""
        block = await self.reader.head()
        quote = await self.reader.run(self.adapter.quote(terms), block)
        holdings = await self.reader.run(self.adapter.holdings(terms, [self.key(who) for who in self.actors]), block)
        moment = Moment(block.number, block.timestamp) if at is None else Moment(block.number + 1, at)
        return self.adapter.accrue(terms, quote, moment, Which.ALL), holdings

    def refused(self, data: bytes) -> str:
        """The name of the pool's own error."""
        if data[:4] == PANIC:
            return "arithmetic underflow or overflow"
        if data[:4] == STRING:
            (code,) = decode(["string"], data[4:])
            return (CODES_V2 if self.local.protocol == "aave_v2" else CODES)[code]
        for entry in self.local.errors:
            if entry["type"] == "error" and function_signature_to_4byte_selector(abi_to_signature(entry)) == data[:4]:  # type: ignore[arg-type]
                return str(entry["name"])
        raise AssertionError(f"an error that the pool does not declare: {data.hex()}")


@asynccontextmanager
async def scene(local: AaveMarket, count: int, *, funded: bool = True) -> AsyncIterator[Scene]:
    """`count` accounts, with plenty of every token if `funded`."""
    w3 = AsyncWeb3(AsyncHTTPProvider(local.chain.url))
    actors = tuple(account(f"actor {n}") for n in range(count))
    for reserve in local.reserves.values():
        for who in actors if funded else ():
            await fund(reserve.token, who, 10**12 * 10**reserve.decimals, local.pool.address)
    try:
        yield Scene(local, w3, Reader(w3), actors)
    finally:
        await w3.provider.disconnect()


def amount(dice: random.Random, decimals: int, price: int, held: int, dollar: int) -> int:
    """Dust, a round sum, a part of what is there, a little too much, or everything. `dollar` is one in the oracle's unit."""
    dollars = dice.choice((1, 50, 3_000, 3_000, 20_000, 400_000))
    worth = dollars * dollar * 10**decimals // price
    odd = (0, 1, 2, held, held + 1, MAX)
    return dice.choice((*odd, *(worth, worth + 1, worth * 7 // 9, held // 2, held // 3) * 3))


def action(dice: random.Random, terms: Terms, quote: Quote, holding: Holding, dollar: int) -> Action:
    """Mostly something that the account can do with what it has."""
    if terms.version > Version.V2 and dice.random() < 0.2:
        return SetMode(dice.choice((0, 1, 2, 2, 7)))
    verb = dice.choice((Supply, Borrow, Borrow, Borrow, Withdraw, Repay))
    reserve = dice.choice(terms.reserves)
    held = [balance.id for balance in holding.balances if (balance.debt if verb is Repay else balance.deposit)]
    if held and verb is not Borrow and dice.random() < 0.9:
        chosen = dice.choice(held)
        reserve = next(other for other in terms.reserves if other.id == chosen)
    place, balance = terms.reserves.index(reserve), holding.balance(reserve.id)
    state = quote.states[place]
    debt = -(-balance.debt * state.owed // 10**27)
    deposit = balance.deposit * state.income // 10**27
    wanted = amount(dice, reserve.rules.decimals, quote.prices[place] or 1, debt if verb is Repay else deposit, dollar)
    if wanted == MAX and verb in (Supply, Borrow):
        wanted = 10**6
    return verb(reserve.token.address, Raw(wanted))


async def send(local: AaveMarket, who: ChecksumAddress, action: Action) -> Receipt:
    match action:
        case Supply(token, wanted):
            return await local.pool.send(local.supplying, token, wanted, who, 0, sender=who)
        case Withdraw(token, wanted):
            return await local.pool.send("withdraw", token, wanted, who, sender=who)
        case Borrow(token, wanted):
            return await local.pool.send("borrow", token, wanted, 2, 0, who, sender=who)
        case Repay(token, wanted):
            return await local.pool.send("repay", token, wanted, 2, who, sender=who)
        case SetMode(category):
            return await local.pool.send("setUserEMode", category, sender=who)


async def check_accounts(stage: Scene, terms: Terms) -> int:
    """Every field of getUserAccountData of every actor equals ours at the newest block; how many fields were compared."""
    quote, holdings = await stage.world(terms)
    compared = 0
    for who in stage.actors:
        ours = stage.adapter.value(terms, quote, holdings[stage.key(who)])
        theirs = await stage.local.pool.call("getUserAccountData", who)
        collateral, debt, available, threshold, ltv, health = theirs
        expected = (collateral, debt, available, threshold, ltv, None if health == MAX else health)
        assert tuple(getattr(ours, name) for name in FIGURES) == expected
        assert ours.liquidatable == (health < 10**18)
        assert (ours.line.weighted < ours.line.owed) == (health < 10**18)
        compared += len(FIGURES)
    return compared


async def attempt(stage: Scene, terms: Terms, who: ChecksumAddress, wanted: Action, at: int) -> str:
    """One action, predicted for a block at that time, sent, and compared with what the chain then stores or says."""
    quote, holdings = await stage.world(terms, at)
    predicted = stage.adapter.act(terms, quote, holdings[stage.key(who)], wanted)
    await stage.local.chain.next_timestamp(at)
    try:
        await send(stage.local, who, wanted)
    except CallReverted as reverted:
        assert predicted == Refusal(stage.refused(reverted.data)), wanted
        return predicted.reason
    assert not isinstance(predicted, Refusal), (wanted, predicted)
    quote, holdings = await stage.world(terms)
    assert predicted.holding == holdings[stage.key(who)], wanted
    assert predicted.quote == quote, wanted
    return type(wanted).__name__


async def random_run(stage: Scene, dice: random.Random, steps: int) -> Counter[str]:
    """Random actions at random times: each is predicted, sent, and compared with what the chain then stores or says."""
    seen: Counter[str] = Counter()
    terms = await stage.terms()
    for who in stage.actors:
        for symbol in dice.sample([name for name in COLLATERALS if name in stage.local.reserves], 2):
            reserve = stage.local.reserves[symbol]
            await send(
                stage.local,
                who,
                Supply(
                    reserve.token.address,
                    Raw(10_000 * stage.local.dollar * 10**reserve.decimals // reserve.asset.price),
                ),
            )
    for step in range(steps):
        if step % 10 == 9:
            reserve = dice.choice(list(stage.local.reserves.values()))
            await set_price(reserve.feed, reserve.asset.price * dice.randint(80, 120) // 100 + dice.randint(0, 9))
            seen["fields"] += await check_accounts(stage, terms)
        terms = await stage.terms(terms)
        at = await stage.local.chain.timestamp() + dice.choice((1, 2, 13, 3_600, 86_400 * 30))
        quote, holdings = await stage.world(terms, at)
        who = dice.choice(stage.actors)
        seen[
            await attempt(
                stage, terms, who, action(dice, terms, quote, holdings[stage.key(who)], stage.local.dollar), at
            )
        ] += 1
    return seen
