"""A comptroller on paper: cTokens of 18, 8, 6 and 2 decimals, by the block and by the second, and positions in it near the line."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from hypothesis import strategies as st

from watcher.adapter import Position, Which
from watcher.adapters.compound_v2 import ADAPTER
from watcher.adapters.compound_v2.facts import Clock, Entry, Holding, Listing, Quote, State, Terms
from watcher.adapters.compound_v2.words import Head, Own, Rule, Words
from watcher.formula.compound.exponential import Library
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import Curve
from watcher.model import Market, Moment, PositionKey, Token, Unit
from watcher.units import BPS, WAD, YEAR

PERCENT = WAD // 100
CENTS = 100


def at(number: int) -> ChecksumAddress:
    return to_checksum_address(f"0x{number:040x}")


MARKET = Market(1, "compound_v2", "ethereum/compound-v2/laws", at(0xB00))
LISTED = (  # token, cents, collateral factor in per cent, clock
    (Token(at(0xB10), "WETH", 18), 250_000, 83, Clock.BLOCK),
    (Token(at(0xB11), "WBTC", 8), 6_500_000, 70, Clock.SECOND),
    (Token(at(0xB12), "USDC", 6), 100, 85, Clock.BLOCK),
    (Token(at(0xB13), "EURS", 2), 108, 61, Clock.SECOND),
)
RATE = 20 * PERCENT // YEAR  # a tick
CURVE = Curve(RATE // 10, RATE, 10 * RATE, 80 * PERCENT)


def price(place: int, cents: int) -> int:
    """As the comptroller's oracle answers it."""
    return cents * int(10 ** (36 - LISTED[place][0].decimals)) // CENTS


def listing(place: int, **other: Any) -> Listing:
    token, _, factor, clock = LISTED[place]
    one = Listing(
        id=place,
        address=at(0xB20 + place),
        symbol=f"c{token.symbol}",
        token=token,
        clock=clock,
        listed=True,
        factor=factor * PERCENT,
        reserve_factor=10 * PERCENT,
        share=28 * PERCENT // 10,
        borrow_cap=None,
        supply_cap=None,
        mint_paused=False,
        borrow_paused=False,
        deprecated=False,
        model=at(0xB40),
        year=YEAR,
        curve=CURVE,
        snapshots=16,
        feed=None,
    )
    return replace(one, **other)


def terms(library: Library = Library.TRUNCATING, listings: tuple[Listing, ...] | None = None) -> Terms:
    listings = listings or tuple(listing(place) for place in range(len(LISTED)))
    tokens = tuple(one.address for one in listings)
    head = Head(at(0xB01), tokens, at(0xB02), 50 * PERCENT, 108 * PERCENT, seize_paused=False, transfer_paused=False)
    rules = tuple(Rule(True, one.factor, False, False, 0, 0, one.deprecated) for one in listings)
    own = tuple(Own(one.model, one.reserve_factor, one.share, None) for one in listings)
    return Terms(MARKET, Words(head, rules, own), Unit("USD", 18), library, True, listings, ())


TERMS = terms()


def state(place: int, now: Moment, *, index: int = WAD, rate: int = RATE // 2, worth: int = 1_250_000_007) -> State:
    """Ten million whole tokens, half of them lent, accrued up to `now`; 8e14 cTokens are worth that much in 1e-9 of them."""
    whole = 10 ** (LISTED[place][0].decimals + 7)
    supply = whole * 10**9 // worth * 10**8 // 10 ** LISTED[place][0].decimals
    pool = Pool(whole // 2, whole // 2, 0, supply, index, LISTED[place][3].tick(now))
    return State(pool, pool, rate, 0 if pool.supply else 10**16)


def quoted(now: Moment, answers: tuple[int | None, ...] | None = None, index: int = WAD) -> Quote:
    size = len(LISTED)
    found = tuple(price(place, LISTED[place][1]) for place in range(size)) if answers is None else answers
    return Quote(None, tuple(state(place, now, index=index) for place in range(size)), found, ())


def resting(quote: Quote) -> Quote:
    """Untouched since the first block and without interest, so that every pair sees what all see, at any block."""
    pools = (replace(one.stored, stamp=0) for one in quote.states)
    states = (replace(one, stored=pool, now=pool, rate=0) for one, pool in zip(quote.states, pools, strict=True))
    return replace(quote, states=tuple(states))


def holding(owner: ChecksumAddress, tokens: dict[int, int], debts: dict[int, int], index: int = WAD) -> Holding:
    """Every market of it entered; debts as principals at an interest index."""
    key = PositionKey(MARKET.name, bytes.fromhex(owner[2:]))
    places = sorted({*tokens, *debts})
    entries = (Entry(p, tokens.get(p, 0), debts.get(p, 0), index if debts.get(p) else 0) for p in places)
    kept = tuple(one for one in entries if one.tokens or one.principal)
    return Holding(key, sum(1 << place for place in places), kept)


@st.composite
def positions(draw: st.DrawFn, now: Moment, owner: ChecksumAddress) -> Position[Terms, Quote, Holding]:
    """Either library, up to four assets on any side or both, owing 90 to 100.5 % of what is protected."""
    rules = terms(draw(st.sampled_from(Library)))
    cents = tuple(draw(st.integers(one // 3, one * 3)) for _, one, *_ in LISTED)
    index = draw(st.integers(WAD, 3 * WAD))
    quote = quoted(now, tuple(price(place, one) for place, one in enumerate(cents)), index)
    quote = ADAPTER.accrue(rules, resting(quote), now, Which.ALL)
    held = draw(st.sets(st.integers(0, 3), min_size=1))
    owed = draw(st.sets(st.integers(0, 3), min_size=1))
    hundred = {place: 10**8 * 10**4 // cents[place] for place in range(4)}  # cTokens worth about a hundred dollars
    tokens = {place: draw(st.integers(10**7, 1_000 * hundred[place])) for place in held}
    shape = {place: draw(st.integers(1, 1_000)) for place in owed}
    since = draw(st.integers(WAD, index))
    room = ADAPTER.value(rules, quote, holding(owner, tokens, {})).line.weighted * draw(st.integers(9_000, 10_050))
    debts = {
        place: room * part // sum(shape.values()) // BPS * WAD // price(place, cents[place]) * since // index
        for place, part in shape.items()
    }
    return Position(ADAPTER, rules, quote, holding(owner, tokens, debts, since))


def doubled(held: Holding) -> Holding:
    entries = tuple(replace(one, tokens=2 * one.tokens, principal=2 * one.principal) for one in held.entries)
    return replace(held, entries=entries)


def answer(function: str, target: ChecksumAddress, args: tuple[Any, ...]) -> tuple[Any, ...]:
    seed = int.from_bytes(sha256(repr((function, target, args)).encode()).digest(), "big")
    match function.rpartition(".")[2]:
        case "getAssetsIn":
            return (tuple(one.address for place, one in enumerate(TERMS.listings) if seed >> place & 1),)
        case "getAccountSnapshot":
            return 0, seed >> 200, (seed >> 190 & 1) * (seed >> 180 & 1023), WAD
        case "getAccountLiquidity":
            return 0, seed >> 200, 0
        case "borrowIndex":
            return (WAD + (seed >> 200),)
        case "balanceOf" | "slot":
            return (seed >> 200,)
    raise AssertionError(f"unexpected call of {function}")
