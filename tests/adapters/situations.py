"""Positions of every adapter for the laws that all of them keep: drawn by hypothesis, mostly near the line.

An adapter enters here with a `Situation`; `test_contract.py` fails for one that has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, TypeAlias

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from hypothesis import strategies as st

from tests.adapters import comet_paper, compound_paper, venus_isolated_paper, venus_paper
from watcher.adapter import Position, Which
from watcher.adapters import adapter
from watcher.adapters.aave_v2.facts import Terms as AaveV2Terms
from watcher.adapters.aave_v3 import facts as aave
from watcher.adapters.aave_v3.words import Body, Head, Tail, Words
from watcher.adapters.morpho_blue import facts as morpho
from watcher.adapters.morpho_blue.reads import identity
from watcher.formula.aave.rate import Strategy
from watcher.formula.aave.version import REVISIONS, Version
from watcher.formula.morpho import Pot, Totals
from watcher.model import Market, Moment, PositionKey, Side, Token, Unit
from watcher.oracle.feed import NOBODY, Pulse
from watcher.units import BPS, RAY, WAD, Raw, Ray

AnyPosition: TypeAlias = Position[Any, Any, Any]
NOW = Moment(1_000, 1_700_000_000)
OWNERS = tuple(to_checksum_address(f"0x{n:040x}") for n in (0xA1, 0xA2, 0xA3))
USD = Unit("USD", 8)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the laws need of one adapter beside its interface.

    `answer` stands for a chain: the row that a call (function, target, arguments) is answered with. `doubled` has twice of everything.
    """

    positions: st.SearchStrategy[AnyPosition]
    doubled: Callable[[Any], Any]
    terms: Any
    answer: Callable[[str, ChecksumAddress, tuple[Any, ...]], tuple[Any, ...]]


def address(number: int) -> ChecksumAddress:
    return to_checksum_address(f"0x{number:040x}")


# Aave V3

ASSETS = (
    (Token(address(0x10), "WETH", 18), 8_250, 8_000, 2_500 * 10**8),
    (Token(address(0x11), "WBTC", 8), 7_300, 7_000, 65_000 * 10**8),
    (Token(address(0x12), "USDC", 6), 7_800, 7_500, 99_990_000),
    (Token(address(0x13), "EURS", 2), 6_501, 6_000, 108_000_000),
)
MODE_SOURCE = address(0x1F)
POOL = Market(1, "aave_v3", "ethereum/aave-v3/laws", address(0x20))


def aave_terms(version: Version, *, own_source: bool = False) -> aave.Terms:
    """Four reserves and one e-mode of WETH and WBTC; `own_source` gives it a price of its own, as 3.0 and 3.1 could."""
    revision = next(number for number, known in REVISIONS.items() if known is version)
    tokens = tuple(token.address for token, *_ in ASSETS)
    words = Words(
        Head(revision, address(0x21), tokens),
        Body(address(0x22), address(0x23), NOBODY, (), ()),
        Tail(NOBODY, 10**8, tuple(NOBODY for _ in tokens), (), tuple(None for _ in tokens), ()),
    )
    assets = tuple(token for token, *_ in ASSETS)
    if own_source:
        assets = (*assets, Token(MODE_SOURCE, "e-mode", 0))
    return aave.Terms(
        market=POOL,
        version=version,
        words=words,
        unit=USD,
        sentinel=None,
        reserves=tuple(_reserve(id, version) for id in range(len(ASSETS))),
        categories=(
            aave.Category(1, 9_000, 9_350, 10_100, 0b0011, 0b1111, 0, False, MODE_SOURCE if own_source else None),
        ),
        assets=assets,
        sources=(NOBODY,) * len(assets),
        feeds=(),
    )


def aave_v2_terms() -> AaveV2Terms:
    """The same four reserves of a V2 pool: no e-mode, no caps, no fee; each has a stable debt token."""
    like = aave_terms(Version.V3_0)
    reserves = tuple(
        replace(reserve, stable=address(0x70 + reserve.id), rules=replace(reserve.rules, fee=0))
        for reserve in like.reserves
    )
    return AaveV2Terms(
        market=Market(1, "aave_v2", "ethereum/aave-v2/laws", address(0x60)),
        version=Version.V2,
        words=like.words,
        unit=like.unit,
        sentinel=None,
        reserves=reserves,
        categories=(),
        assets=like.assets,
        sources=like.sources,
        feeds=(),
        paused=False,
        fallback=NOBODY,
        manager=address(0x61),
        fee_to=None,
        rebasing=(),
    )


def _reserve(id: int, version: Version) -> aave.Reserve:
    token, threshold, ltv, _ = ASSETS[id]
    rules = aave.Configuration(
        word=0,
        ltv=ltv,
        threshold=threshold,
        bonus=10_500,
        decimals=token.decimals,
        active=True,
        frozen=False,
        borrowing=True,
        paused=False,
        isolation_borrowable=False,
        siloed=False,
        factor=1_000,
        borrow_cap=0,
        supply_cap=0,
        fee=1_000,
        mode=0,
        ceiling=0,
        accounted=version >= Version.V3_1,
    )
    curve = Strategy(Ray(RAY * 8 // 10), Ray(0), Ray(RAY // 25), Ray(RAY * 6 // 10))
    return aave.Reserve(id, token, address(0x30 + id), address(0x40 + id), None, rules, curve, 0)


@st.composite
def aave_positions(draw: st.DrawFn) -> AnyPosition:
    """Any version, in or out of the e-mode, up to four assets on any side or both, owing 90 to 100.5 % of what is allowed."""
    version = draw(st.sampled_from(sorted(set(REVISIONS.values()))))
    terms = aave_terms(version, own_source=version <= Version.V3_1 and draw(st.booleans()))
    return _aave_position(draw, terms, mode=draw(st.sampled_from((0, 1))))


@st.composite
def aave_v2_positions(draw: st.DrawFn) -> AnyPosition:
    """As those of V3, without e-mode; some of the debt may be stable."""
    return _aave_position(draw, aave_v2_terms(), mode=0, stable=draw(st.booleans()))


def _aave_position(draw: st.DrawFn, terms: aave.Terms, *, mode: int, stable: bool = False) -> AnyPosition:
    prices = [draw(st.integers(price // 3, price * 3)) for *_, price in ASSETS]
    if len(terms.assets) > len(ASSETS):
        prices.append(draw(st.integers(10**8, 10**12)))
    states = tuple(_state(draw, id) for id in range(len(ASSETS)))
    stored = aave.Quote(None, states, tuple(prices), (), True, True)
    one = adapter(terms.market.protocol)
    quote = one.accrue(terms, stored, NOW, Which.ALL)
    held = draw(st.sets(st.integers(0, 3), min_size=1))
    owed = draw(st.sets(st.integers(0, 3), min_size=1))
    flags = sum(2 << 2 * id for id in held) | sum(1 << 2 * id for id in owed)
    sizes = {id: 10 ** ASSETS[id][0].decimals * 10**10 // ASSETS[id][3] for id in range(4)}  # of 100 dollars
    balances = tuple(
        aave.Balance(id, *(draw(st.integers(0, 10_000 * sizes[id])) if id in side else 0 for side in (held, owed)))
        for id in sorted(held | owed)
    )
    if stable:
        balances = tuple(_with_stable(draw, balance) for balance in balances)
    holding = aave.Holding(key(terms.market, OWNERS[0]), flags, mode, balances)
    position: AnyPosition = Position(one, terms, quote, holding)
    share = draw(st.integers(9_000, 10_050))
    return replace(position, holding=_tight(position, share))


def _with_stable(draw: st.DrawFn, balance: aave.Balance) -> aave.Balance:
    """As much stable debt as variable, at its own rate since its own time."""
    rate, since = draw(st.integers(0, RAY // 5)), NOW.timestamp - draw(st.integers(0, 100_000))
    return replace(balance, principal=balance.debt, rate=rate, since=since) if balance.debt else balance


def _state(draw: st.DrawFn, id: int) -> aave.State:
    supplied = 10 ** (ASSETS[id][0].decimals + 7)
    index, debt_index = (Ray(draw(st.integers(RAY, 2 * RAY))) for _ in range(2))
    return aave.State(
        index=index,
        rate=Ray(draw(st.integers(0, RAY // 10))),
        debt_index=debt_index,
        debt_rate=Ray(draw(st.integers(0, RAY // 5))),
        updated=NOW.timestamp - draw(st.integers(0, 100_000)),
        deposits=supplied,
        debts=supplied // 2,
        treasury=0,
        unbacked=Raw(0),
        deficit=Raw(0),
        isolated=0,
        free=Raw(supplied // 2),
        stable_principal=Raw(0),
        stable_rate=Ray(0),
        stable_updated=0,
        income=index,
        owed=debt_index,
    )


def _tight(position: AnyPosition, share: int) -> aave.Holding:
    """Debts scaled so that `share` bps of the allowance is owed; flags follow the debts that are left."""
    seen, holding = position.value(), position.holding
    room = sum(leg.value * leg.threshold for leg in seen.legs if leg.side is Side.COLLATERAL)
    if seen.debt:
        balances = tuple(
            replace(
                balance,
                debt=balance.debt * room * share // (seen.debt * BPS * BPS),
                principal=balance.principal * room * share // (seen.debt * BPS * BPS),
            )
            for balance in holding.balances
        )
        holding = replace(holding, balances=balances)
    paid = sum(1 << 2 * balance.id for balance in holding.balances if not balance.debt and not balance.principal)
    result: aave.Holding = replace(holding, flags=holding.flags & ~paid)
    return result


def aave_doubled(holding: aave.Holding) -> aave.Holding:
    balances = tuple(
        replace(b, deposit=2 * b.deposit, debt=2 * b.debt, principal=2 * b.principal) for b in holding.balances
    )
    return replace(holding, balances=balances)


def aave_answer(function: str, target: ChecksumAddress, args: tuple[Any, ...]) -> tuple[Any, ...]:
    seed = noise(function, target, args)
    match function.rpartition(".")[2]:
        case "getUserConfiguration":
            return (seed & 0xFF,)
        case "getUserEMode":
            return (seed & 1,)
        case "scaledBalanceOf" | "principalBalanceOf":
            return (seed >> 180,)
        case "getUserStableRate" | "getUserLastUpdated":
            return (seed >> 220,)
        case "getUserAccountData":
            return tuple(seed >> 200 + place for place in range(6))
    raise AssertionError(f"unexpected call of {function}")


# Morpho Blue

PAIRS = ((18, 18), (6, 18), (18, 8), (6, 8), (2, 18))  # decimals of loan and collateral


def morpho_terms(decimals: tuple[int, int], lltv: int) -> morpho.Terms:
    loan, collateral = Token(address(0x50), "LOAN", decimals[0]), Token(address(0x51), "COLL", decimals[1])
    params = morpho.Params(loan.address, collateral.address, address(0x52), NOBODY, lltv)
    market = Market(1, "morpho_blue", "ethereum/morpho-blue/laws", address(0x53), identity(params))
    return morpho.Terms(market, params, loan, collateral, morpho.Model.NONE, (), address(0x54))


@st.composite
def morpho_positions(draw: st.DrawFn) -> AnyPosition:
    """One collateral worth 0.001 to 10,000 loan tokens, owing 90 to 100.5 % of what is allowed, lending too at times."""
    decimals = draw(st.sampled_from(PAIRS))
    terms = morpho_terms(decimals, draw(st.sampled_from((WAD * 385 // 1000, WAD * 86 // 100, WAD * 945 // 1000))))
    loan, collateral = (10**number for number in decimals)
    price = draw(st.integers(1, 10**7)) * 10**33 * loan // collateral + draw(st.integers(0, 10**6))
    pot = Pot(10**9 * loan + draw(st.integers(0, 10**6)), 10**15 * loan - draw(st.integers(0, 10**6)))
    totals = Totals(supply=Pot(2 * pot.assets, 2 * pot.shares), borrow=pot)
    quote = morpho.Quote(totals, 0, NOW.timestamp, price, None, Pulse(None, False), at=NOW)
    amount = draw(st.integers(0, 1_000 * collateral))
    room = amount * price // 10**36 * terms.params.lltv // WAD * draw(st.integers(9_000, 10_050)) // BPS
    shares = room * (pot.shares + 10**6) // (pot.assets + 1) + draw(st.integers(0, 10**6))
    lent = draw(st.sampled_from((0, 10**12)))
    holding = morpho.Holding(key(terms.market, OWNERS[0]), lent, shares, amount)
    return Position(adapter("morpho_blue"), terms, quote, holding)


def morpho_doubled(holding: morpho.Holding) -> morpho.Holding:
    return replace(
        holding,
        supply_shares=2 * holding.supply_shares,
        borrow_shares=2 * holding.borrow_shares,
        collateral=2 * holding.collateral,
    )


def morpho_answer(function: str, target: ChecksumAddress, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if function != "morpho_blue/morpho.position":
        raise AssertionError(f"unexpected call of {function}")
    seed = noise(function, target, args)
    return seed >> 180, seed >> 170 & 2**70 - 1, seed & 2**80 - 1


def key(market: Market, owner: ChecksumAddress) -> PositionKey:
    return PositionKey(market.name, bytes.fromhex(owner[2:]))


def noise(*of: object) -> int:
    """The same 256 bits for the same question."""
    return int.from_bytes(sha256(repr(of).encode()).digest(), "big")


SITUATIONS: Mapping[str, Situation] = {
    "aave_v2": Situation(aave_v2_positions(), aave_doubled, aave_v2_terms(), aave_answer),
    "aave_v3": Situation(aave_positions(), aave_doubled, aave_terms(Version.V3_6), aave_answer),
    "compound_v2": Situation(
        compound_paper.positions(NOW, OWNERS[0]), compound_paper.doubled, compound_paper.TERMS, compound_paper.answer
    ),
    "compound_v3": Situation(
        comet_paper.positions(NOW, OWNERS[0]), comet_paper.doubled, comet_paper.TERMS, comet_paper.answer
    ),
    "morpho_blue": Situation(morpho_positions(), morpho_doubled, morpho_terms((6, 18), WAD * 86 // 100), morpho_answer),
    "venus": Situation(
        venus_paper.positions(NOW, OWNERS[0]), venus_paper.doubled, venus_paper.TERMS, venus_paper.answer
    ),
    "venus_isolated": Situation(
        venus_isolated_paper.positions(NOW, OWNERS[0]),
        venus_isolated_paper.doubled,
        venus_isolated_paper.TERMS,
        venus_isolated_paper.answer,
    ),
}
