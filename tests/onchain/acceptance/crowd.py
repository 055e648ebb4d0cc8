"""Three hundred owners of every make: plain, mixed, in e-modes, isolated, with dust, with collateral that is off or backs no new debt.

A rich payer supplies for everybody, everybody borrows alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from eth_typing import ChecksumAddress

from watcher.localchain import aave_actions as do
from watcher.localchain.aave_assets import MODES, USD
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import DEPLOYER, Contract, message
from watcher.localchain.scenario import account
from watcher.units import BPS, MAX

PAYER = account("payer of the crowd")
LIQUIDATOR = account("liquidator of the crowd")  # keeps receipts: a position made by liquidations
COUNT = 300
WEALTH = 10**15  # whole tokens of everything that payer and liquidator have
GAS = 1_500_000
PER_BLOCK = 36

Sent: TypeAlias = tuple[str, list[Any]]
PLAIN = ("WETH", "WBTC", "wstETH", "LINK", "USDC", "DAI")
OWED = ("USDC", "DAI", "USDT", "WETH", "WBTC", "LINK")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one owner opens. `use` is the part of the borrowing power that is used, in basis points, shared by `debts`."""

    who: ChecksumAddress
    dollars: float  # per collateral
    collaterals: tuple[str, ...]
    debts: tuple[str, ...] = ()
    use: int = 0
    mode: int = 0
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    rate_mode: int = do.VARIABLE


def transaction(contract: Contract, function: str, *args: Any, sender: str = PAYER) -> Sent:
    return "eth_sendTransaction", [message(sender, contract.address, contract.data(function, *args), GAS)]


async def prepare(local: AaveMarket) -> None:
    """Payer and liquidator can pay for everything."""
    sent = []
    for reserve in local.reserves.values():
        for who in (PAYER, LIQUIDATOR):
            sent.append(transaction(reserve.token, "mint", who, WEALTH * 10**reserve.decimals))
            sent.append(transaction(reserve.token, "approve", local.pool.address, MAX, sender=who))
    await send(local, sent)


def plans(local: AaveMarket, dice: random.Random) -> tuple[Plan, ...]:
    """The same for the same dice; a tenth of the owners begin with nothing, to receive what others send."""
    plan = _plan_v2 if local.protocol == "aave_v2" else _plan
    return tuple(plan(local, dice, n, account(f"crowd {n}")) for n in range(COUNT))


def _plan(local: AaveMarket, dice: random.Random, n: int, who: ChecksumAddress) -> Plan:
    dollars = 10 ** dice.uniform(1, 6.5)
    use = dice.choice((9_990, 9_990, dice.randrange(1_000, 9_900)))
    pick = dice.sample
    small = local.reserves["EURS" if local.version == "3.0" else "EURC"].symbol
    match n % 20:
        case 0:
            return Plan(who, 0, ())
        case 1 | 2:
            return Plan(who, dollars, tuple(pick(PLAIN, 2)))
        case 3 | 4 | 5:
            return Plan(who, dollars, tuple(pick((*PLAIN, small), 3)), tuple(pick(OWED, 2)), use)
        case 6 | 7:
            return Plan(who, dollars, ("wstETH",), ("WETH",), use, mode=1)
        case 8:
            return Plan(who, dollars, ("USDC", "USDT"), ("DAI", "USDC"), use, mode=2)
        case 9:
            return Plan(who, dollars, ("USDC",), (dice.choice(("DAI", "USDT", "GHO")),), use, mode=2)
        case 10:
            asked = ("sUSDe",) if local.version == "3.6" else ()  # enabled by its supply in 3.0
            return Plan(who, dollars, ("sUSDe", "USDC"), ("USDT",), use * 4 // 10, mode=2, enabled=asked)
        case 11:
            return Plan(who, min(dollars, 150_000), ("AAVE",), (dice.choice(("USDC", "DAI")),), use, enabled=("AAVE",))
        case 12:
            return Plan(who, dollars, ("USDT", "WETH"), ("USDC",), use * 4 // 10)
        case 13:
            return Plan(who, dollars, ("WETH", "LINK"), ("DAI",), use * 4 // 10, disabled=("LINK",))
        case 14:
            return Plan(who, dice.choice((1e-5, 1e-4, 1e-3, 1e-2)), ("WETH",), ("USDC",), use)
        case 15 if local.version == "3.0":
            return Plan(who, min(dollars, 400_000), ("WETH",), ("USDC",), use, rate_mode=do.STABLE)
        case _:
            held = dice.choice(PLAIN)
            return Plan(who, dollars, (held,), (dice.choice([one for one in OWED if one != held]),), use)


def _plan_v2(local: AaveMarket, dice: random.Random, n: int, who: ChecksumAddress) -> Plan:
    """Without e-modes and isolation; a first deposit is collateral there even where it counts for nothing (GUSD)."""
    plain = [symbol for symbol in PLAIN if symbol in local.reserves]
    dollars = 10 ** dice.uniform(1, 6.5)
    use = dice.choice((9_990, 9_990, dice.randrange(1_000, 9_900)))
    match n % 10:
        case 0:
            return Plan(who, 0, ()) if n % 20 else Plan(who, dollars, tuple(dice.sample(plain, 2)))
        case 1 | 2:
            owed = [symbol for symbol in OWED if symbol in local.reserves]
            return Plan(who, dollars, tuple(dice.sample((*plain, "EURS"), 3)), tuple(dice.sample(owed, 2)), use)
        case 3:
            return Plan(who, dollars, ("USDT", "WBTC"), ("USDC",), use * 4 // 10)
        case 4:
            return Plan(who, dollars, ("WBTC", "LINK"), ("DAI",), use * 4 // 10, disabled=("LINK",))
        case 5:
            return Plan(who, dice.choice((1e-3, 1e-2)), ("LINK",), ("USDC",), use)
        case 6 | 7:
            debt = dice.choice(("USDC", "DAI"))
            return Plan(who, min(dollars, 400_000), ("WBTC",), (debt,), use, rate_mode=do.STABLE)
        case 8:
            return Plan(who, dollars, ("GUSD", "WETH"), ("LINK",), use * 4 // 10)
        case _:
            held = dice.choice(plain)
            return Plan(who, dollars, (held,), (dice.choice([one for one in plain if one != held]),), use)


async def enter(local: AaveMarket, wanted: Sequence[Plan]) -> None:
    """Everybody's supplies, then their modes and flags, then their debts. LTV 0 comes last: it does not let anybody in."""
    await send(local, [_usdt(local, 7_000)])
    steps = [list(step) for step in zip(*(_steps(local, plan) for plan in wanted), strict=True)]
    for step in steps:
        await send(local, [one for sent in step for one in sent])
    await send(local, [_usdt(local, 0)])


def _usdt(local: AaveMarket, ltv: int) -> Sent:
    token = local.reserves["USDT"].token.address
    return transaction(local.configurator, "configureReserveAsCollateral", token, ltv, 7_800, 10_450, sender=DEPLOYER)


async def send(local: AaveMarket, sent: Sequence[Sent]) -> list[str]:
    """As many blocks as it takes, a second apart, so that a run does not hang on the machine's clock; the transactions' hashes."""
    hashes: list[str] = []
    for start in range(0, len(sent), PER_BLOCK):
        await local.chain.next_timestamp(await local.chain.timestamp() + 1)
        async with local.chain.one_block():
            hashes += await local.chain.batch(sent[start : start + PER_BLOCK])
    return hashes


def _steps(local: AaveMarket, plan: Plan) -> tuple[list[Sent], list[Sent], list[Sent]]:
    pool, address, who = local.pool, {s: r.token.address for s, r in local.reserves.items()}, plan.who
    supplies = [
        transaction(pool, local.supplying, address[symbol], raw(local, symbol, plan.dollars), who, 0)
        for symbol in plan.collaterals
    ]
    flags = [transaction(pool, "setUserEMode", plan.mode, sender=who)] if plan.mode else []
    for enabled, symbols in ((True, plan.enabled), (False, plan.disabled)):
        flags += [
            transaction(pool, "setUserUseReserveAsCollateral", address[symbol], enabled, sender=who)
            for symbol in symbols
        ]
    debts = [
        transaction(pool, "borrow", address[symbol], amount, plan.rate_mode, 0, who, sender=who)
        for symbol, amount in _debts(local, plan)
    ]
    return supplies, flags, debts


def _debts(local: AaveMarket, plan: Plan) -> Iterator[tuple[str, int]]:
    """At the listed prices and by the listed LTVs."""
    mode = next((mode for mode in MODES if mode.id == plan.mode), None)
    power = 0.0
    for symbol in plan.collaterals:
        asset = local.reserves[symbol].asset
        ltv = mode.ltv if mode is not None and symbol in mode.collateral else asset.ltv
        if symbol not in plan.disabled and symbol not in ("sUSDe", "GUSD"):
            power += plan.dollars * (7_000 if symbol == "USDT" and mode is None else ltv) / BPS
    for symbol in plan.debts:
        amount = raw(local, symbol, power * plan.use / BPS / len(plan.debts))
        yield symbol, max(1, amount)


def raw(local: AaveMarket, symbol: str, dollars: float) -> int:
    """Raw units of what that many dollars buy at the listed price."""
    reserve = local.reserves[symbol]
    return int(dollars * USD) * local.dollar * int(10**reserve.decimals) // (reserve.asset.price * USD)
