"""An isolated pool on paper: vTokens of 18, 8, 6 and 2 decimals, by the block and by the second, and positions in it near the line."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from hypothesis import strategies as st

from watcher.adapter import Position, Which
from watcher.adapters.venus_isolated import ADAPTER
from watcher.adapters.venus_isolated.facts import Balance, Holding, Quote, Source, State, Terms, VToken
from watcher.adapters.venus_isolated.rates import Kind, Model
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import Curve
from watcher.model import Market, Moment, PositionKey, Token
from watcher.units import BPS, MAX, WAD, YEAR

PERCENT = WAD // 100
DOLLAR = 100  # cents


def at(number: int) -> ChecksumAddress:
    return to_checksum_address(f"0x{number:040x}")


MARKET = Market(1, "venus_isolated", "ethereum/venus-isolated/laws", at(0xA00))
LISTED = (  # token, cents, collateral factor and liquidation threshold in per cent
    (Token(at(0xA10), "WETH", 18), 250_000, 75, 80),
    (Token(at(0xA11), "WBTC", 8), 6_500_000, 70, 75),
    (Token(at(0xA12), "USDC", 6), 100, 82, 88),
    (Token(at(0xA13), "EURS", 2), 108, 0, 60),
)
CURVE = Curve(2 * PERCENT // YEAR, 10 * PERCENT // YEAR, 250 * PERCENT // YEAR, 80 * PERCENT)
MODEL = Model(at(0xA40), Kind.JUMP, CURVE)


def price(place: int, cents: int) -> int:
    """As the resilient oracle answers it."""
    scale: int = 10 ** (36 - LISTED[place][0].decimals)
    return cents * scale // DOLLAR


def vtoken(place: int, *, timed: bool = True) -> VToken:
    token, _, factor, threshold = LISTED[place]
    return VToken(
        address=at(0xA20 + place),
        token=token,
        factor=factor * PERCENT,
        threshold=threshold * PERCENT,
        supply_cap=None,
        borrow_cap=None,
        paused=0,
        forced=False,
        reserve_factor=20 * PERCENT,
        seize_share=5 * PERCENT,
        timed=timed,
        ticks=YEAR if timed else YEAR // 3,
        initial=10 ** (10 + token.decimals),
        payout=MAX,
        model=MODEL,
    )


VTOKENS = tuple(vtoken(place, timed=place != 1) for place in range(len(LISTED)))
TERMS = Terms(
    market=MARKET,
    known=tuple(one.address for one in VTOKENS),
    oracle=at(0xA30),
    close_factor=50 * PERCENT,
    incentive=110 * PERCENT,
    minimum=100 * WAD,
    vtokens=VTOKENS,
    sources=tuple(Source(at(0xA31), None, None, None) for _ in VTOKENS),
)


def state(place: int, now: Moment, *, rate: int = 0, bad: int = 0, index: int = WAD) -> State:
    """Ten million whole tokens, half of them lent, accrued up to `now`; a vToken is worth one and a quarter of the underlying."""
    whole = 10 ** (LISTED[place][0].decimals + 7)
    vtoken = VTOKENS[place]
    return State(Pool(whole // 2, whole // 2, 0, 8 * 10**14, index, vtoken.tick(now)), bad, rate)


def stored(now: Moment, prices: tuple[int | None, ...] | None = None) -> Quote:
    size = len(LISTED)
    answers = tuple(price(place, LISTED[place][1]) for place in range(size)) if prices is None else prices
    states = tuple(state(place, now, rate=4 * PERCENT // YEAR) for place in range(size))
    return Quote(states, answers, (None,) * size, (None,) * size)


def resting(quote: Quote) -> Quote:
    """Untouched since the first block and without interest, so that every pair sees what all see, at any block."""
    states = (replace(one, books=replace(one.books, stamp=0), rate=0) for one in quote.states)
    return replace(quote, states=tuple(states))


def holding(owner: ChecksumAddress, tokens: dict[int, int], debts: dict[int, int], index: int = WAD) -> Holding:
    """Every market of it entered; debts as principals at an interest index."""
    key = PositionKey(MARKET.name, bytes.fromhex(owner[2:]))
    places = sorted({*tokens, *debts})
    return Holding(
        key,
        tuple(
            Balance(VTOKENS[place].address, tokens.get(place, 0), owed, index if owed else 0, entered=True)
            for place, owed in ((place, debts.get(place, 0)) for place in places)
        ),
    )


@st.composite
def positions(draw: st.DrawFn, now: Moment, owner: ChecksumAddress) -> Position[Terms, Quote, Holding]:
    """Up to four assets on any side or both, owing 90 to 100.5 % of what is protected; mostly above the pool's minimum."""
    answers = tuple(draw(st.integers(cents // 3, cents * 3)) for _, cents, *_ in LISTED)
    quote = stored(now, tuple(price(place, cents) for place, cents in enumerate(answers)))
    quote = ADAPTER.accrue(TERMS, resting(quote), now, Which.ALL)
    held = draw(st.sets(st.integers(0, 3), min_size=1))
    owed = draw(st.sets(st.integers(0, 3), min_size=1))
    hundred = {place: 10**8 * 10**4 // answers[place] for place in range(4)}  # vTokens worth about a hundred dollars
    tokens = {place: draw(st.integers(10**7, 1_000 * hundred[place])) for place in held}
    index = draw(st.integers(WAD // 2, WAD))
    shape = {place: draw(st.integers(1, 1_000)) for place in owed}
    room = ADAPTER.value(TERMS, quote, holding(owner, tokens, {})).line.weighted * draw(st.integers(9_000, 10_050))
    debts = {
        place: room * part // sum(shape.values()) // BPS * WAD // price(place, answers[place]) * index // WAD
        for place, part in shape.items()
    }
    return Position(ADAPTER, TERMS, quote, holding(owner, tokens, debts, index))


def doubled(held: Holding) -> Holding:
    balances = tuple(replace(one, tokens=2 * one.tokens, principal=2 * one.principal) for one in held.balances)
    return replace(held, balances=balances)


def answer(function: str, target: ChecksumAddress, args: tuple[Any, ...]) -> tuple[Any, ...]:
    seed = int.from_bytes(sha256(repr((function, target, args)).encode()).digest(), "big")
    match function.rpartition(".")[2]:
        case "getAssetsIn":
            return (tuple(one.address for place, one in enumerate(VTOKENS) if seed >> place & 1),)
        case "getAccountSnapshot":
            return 0, seed >> 200, seed >> 190 & 1, WAD
        case "slot":
            return (seed >> 190,)
    raise AssertionError(f"unexpected call of {function}")
