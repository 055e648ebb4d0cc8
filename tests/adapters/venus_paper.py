"""A Venus core pool on paper: vTokens of 18, 8, 6 and 2 decimals, VAI, two e-mode pools, and positions in it near the line."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from hypothesis import strategies as st

from watcher.adapter import Position, Which
from watcher.adapters.venus import ADAPTER
from watcher.adapters.venus.facts import (
    Asset,
    Books,
    Category,
    Entry,
    Factors,
    Holding,
    Minted,
    Paused,
    Quote,
    Terms,
    Vai,
)
from watcher.formula.compound.pool import Pool
from watcher.formula.compound.rate import Curve
from watcher.model import Market, Moment, PositionKey, Token
from watcher.units import BPS, MAX, WAD

PERCENT = WAD // 100
YEAR = 10_512_000  # blocks


def at(number: int) -> ChecksumAddress:
    return to_checksum_address(f"0x{number:040x}")


MARKET = Market(1, "venus", "bnb/venus/laws", at(0xB00))
LISTED = (  # token, cents, collateral factor, liquidation threshold and incentive in per cent
    (Token(at(0xB10), "WETH", 18), 250_000, 75, 80, 108),
    (Token(at(0xB11), "WBTC", 8), 6_500_000, 70, 75, 110),
    (Token(at(0xB12), "USDC", 6), 100, 82, 88, 107),
    (Token(at(0xB13), "EURS", 2), 108, 0, 60, 115),
)
CURVE = Curve(2 * PERCENT // YEAR, 10 * PERCENT // YEAR, 250 * PERCENT // YEAR, 80 * PERCENT)
VAI = Vai(at(0xB40), Token(at(0xB41), "VAI", 18), Paused(0), False, 16, YEAR)


def price(place: int, cents: int) -> int:
    """As the oracle answers it."""
    return cents * int(10 ** (34 - LISTED[place][0].decimals))


def asset(place: int) -> Asset:
    token, _, factor, threshold, incentive = LISTED[place]
    return Asset(
        v=at(0xB20 + place),
        token=token,
        native=False,
        listed=True,
        core=Factors(factor * PERCENT, threshold * PERCENT, incentive * PERCENT, True),
        paused=Paused(0),
        forced=False,
        supply_cap=MAX,
        borrow_cap=MAX,
        model=at(0xB30),
        reserve_factor=20 * PERCENT,
        year=YEAR,
        curve=CURVE,
        kinks=None,
        snapshots=16,
        initial=int(10 ** (10 + token.decimals)),
    )


SPECIAL = Factors(90 * PERCENT, 93 * PERCENT, 103 * PERCENT, True)
TERMS = Terms(
    market=MARKET,
    oracle=at(0xB50),
    bounded=at(0xB51),
    close_factor=50 * PERCENT,
    redeem_fee=0,
    liquidator=None,
    stopped=False,
    assets=tuple(asset(place) for place in range(len(LISTED))),
    categories=(
        Category(1, "falls back", True, True, ((0, SPECIAL), (2, SPECIAL))),
        Category(2, "alone", True, False, ((0, SPECIAL), (1, SPECIAL), (2, SPECIAL))),
    ),
    vai=VAI,
)


def pool(place: int, block: int, index: int = WAD) -> Pool:
    """Ten million whole tokens, half of them lent, last accrued at `block`; a vToken is worth one and a quarter of the underlying."""
    whole = int(10 ** (LISTED[place][0].decimals + 7))
    return Pool(whole // 2, whole // 2, 0, 8 * 10**14, index, block)


def stored(now: Moment, cents: tuple[int, ...] | None = None) -> Quote:
    """Everything accrued in the block `now`; a rate of four per cent a year from there on."""
    size = len(LISTED)
    prices = tuple(price(place, (cents or [row[1] for row in LISTED])[place]) for place in range(size))
    return Quote(
        pools=tuple(pool(place, now.number) for place in range(size)),
        rates=(4 * PERCENT // YEAR,) * size,
        prices=prices,
        bounds=tuple((answer, answer) for answer in prices),
        vai=Books(WAD + PERCENT, now.number, 3 * PERCENT // YEAR),
    )


def resting(quote: Quote) -> Quote:
    """Untouched since the first block and without interest, so that every pair sees what all see, at any block."""
    pools = tuple(replace(one, stamp=0) for one in quote.pools)
    vai = quote.vai and replace(quote.vai, stamp=0, rate=0)
    return replace(quote, pools=pools, rates=(0,) * len(pools), vai=vai)


def holding(
    owner: ChecksumAddress,
    tokens: dict[int, int],
    debts: dict[int, int],
    *,
    index: int = WAD,
    mode: int = 0,
    vai: Minted | None = None,
) -> Holding:
    """Every market of it entered; debts as principals at an interest index."""
    places = sorted({*tokens, *debts})
    entries = (
        Entry(place, tokens.get(place, 0), owed, index if owed else 0, entered=True)
        for place, owed in ((place, debts.get(place, 0)) for place in places)
    )
    kept = tuple(entry for entry in entries if entry.tokens or entry.principal)
    return Holding(PositionKey(MARKET.name, bytes.fromhex(owner[2:])), mode, kept, vai)


@st.composite
def positions(draw: st.DrawFn, now: Moment, owner: ChecksumAddress) -> Position[Terms, Quote, Holding]:
    """Up to four assets on any side or both, in any pool, owing 90 to 100.5 % of what is protected, a part of it VAI at times."""
    cents = tuple(draw(st.integers(row[1] // 3, row[1] * 3)) for row in LISTED)
    quote = ADAPTER.accrue(TERMS, resting(stored(now, cents)), now, Which.ALL)
    held = draw(st.sets(st.integers(0, 3), min_size=1))
    owed = draw(st.sets(st.integers(0, 3), min_size=1))
    hundred = {place: 10**8 * 10**4 // cents[place] for place in range(4)}  # vTokens worth about a hundred dollars
    tokens = {place: draw(st.integers(10**7, 1_000 * hundred[place])) for place in held}
    index, mode = draw(st.integers(WAD // 2, WAD)), draw(st.sampled_from((0, 0, 1, 2)))
    shape = {place: draw(st.integers(1, 1_000)) for place in owed}
    bare = holding(owner, tokens, {}, mode=mode)
    room = ADAPTER.value(TERMS, quote, bare).line.weighted * draw(st.integers(9_000, 10_050)) // BPS
    vai = None
    if draw(st.booleans()):
        amount = room // draw(st.integers(2, 50))
        vai = Minted(amount, amount // draw(st.integers(3, 9)), WAD + draw(st.integers(0, PERCENT))) if amount else None
        room -= amount
    debts = {
        place: room * part // sum(shape.values()) * WAD // price(place, cents[place]) * index // WAD
        for place, part in shape.items()
    }
    return Position(ADAPTER, TERMS, quote, holding(owner, tokens, debts, index=index, mode=mode, vai=vai))


def doubled(held: Holding) -> Holding:
    entries = tuple(replace(one, tokens=2 * one.tokens, principal=2 * one.principal) for one in held.entries)
    vai = held.vai and replace(held.vai, amount=2 * held.vai.amount, past=2 * held.vai.past)
    return replace(held, entries=entries, vai=vai)


def answer(function: str, target: ChecksumAddress, args: tuple[Any, ...]) -> tuple[Any, ...]:
    seed = int.from_bytes(sha256(repr((function, target, args)).encode()).digest(), "big")
    match function.rpartition(".")[2]:
        case "getAssetsIn":
            return (tuple(one.v for place, one in enumerate(TERMS.assets) if seed >> place & 1),)
        case "getAccountSnapshot":
            return 0, seed >> 200, (seed >> 190 & 1) * WAD, WAD
        case "borrowIndex" | "slot":  # whoever owes owes one wad, at the index that the market has
            return (WAD,)
        case "userPoolId":
            return (seed % 3,)
        case "mintedVAIs" | "pastVAIInterest":
            return ((seed & 1) * WAD,)
        case "getVAIMinterInterestIndex":
            return (WAD,)
        case "isForcedLiquidationEnabledForUser":
            return (bool(seed & 1),)
    raise AssertionError(f"unexpected call of {function}")
