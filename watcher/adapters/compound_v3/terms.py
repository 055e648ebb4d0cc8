"""The rules of a Comet, read from its code: all of them are constants of the implementation behind the proxy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapters.compound_v3.currency import currency
from watcher.adapters.compound_v3.facts import Asset, Terms
from watcher.errors import WatcherError
from watcher.formula.comet import Curve
from watcher.model import Market, Token
from watcher.oracle.feed import Feed, describe
from watcher.query import Query, Slot, ask, each, one, together

COMET: Final = "compound_v3/comet"
IMPLEMENTATION: Final = 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC  # EIP-1967
SIDES: Final = ("supply", "borrow")
CURVE: Final = ("Kink", "PerSecondInterestRateSlopeLow", "PerSecondInterestRateSlopeHigh", "PerSecondInterestRateBase")
PLAIN: Final = (
    "baseToken",
    "baseTokenPriceFeed",
    "decimals",
    "numAssets",
    "storeFrontPriceFactor",
    "baseBorrowMin",
    "targetReserves",
    "governor",
)


def terms(market: Market) -> Query[Terms]:
    """Three round trips: constants, the list of assets, tokens and feeds."""
    comet = market.address
    slots, *rows = yield from ask(
        Slot((comet,), (IMPLEMENTATION,)),
        *(each(f"{COMET}.{name}", [comet]) for name in PLAIN),
        *(each(f"{COMET}.{side}{name}", [comet]) for side in SIDES for name in CURVE),
    )
    base, base_feed, decimals, count, store_front, minimum, target, governor, *curves = (row[0][0] for row in rows)
    listed = yield from _listed(comet, count)
    symbols, feeds, constant = yield from _named(
        [base, *(row[1] for row in listed)], [base_feed, *(row[2] for row in listed)]
    )
    assets = tuple(_asset(row, symbols[row[1]], feeds[row[2]]) for row in listed)
    lent = Token(base, symbols[base], decimals)
    return Terms(
        market=market,
        implementation=_address(slots[0][0]),
        unit=currency(lent, feeds[base_feed], constant, [asset.feed for asset in assets]),
        base=lent,
        base_feed=feeds[base_feed],
        base_scale=10**decimals,
        assets=assets,
        supply=Curve(*curves[:4]),
        borrow=Curve(*curves[4:]),
        store_front=store_front,
        minimum=minimum,
        target=target,
        governor=governor,
    )


def _listed(comet: ChecksumAddress, count: int) -> Query[Sequence[Any]]:
    """`getAssetInfo` of every asset: offset, asset, feed, scale, three factors, cap."""
    if not count:
        return ()
    (rows,) = yield from ask(one(f"{COMET}.getAssetInfo", comet, [(place,) for place in range(count)]))
    return [row[0] for row in rows]


def _asset(row: Sequence[Any], symbol: str, feed: Feed) -> Asset:
    """Its scale, a power of ten, says the token's decimals."""
    place, address, _, scale, borrow, liquidate, liquidation, cap = row
    token = Token(address, symbol, len(str(scale)) - 1)
    return Asset(place, token, feed, scale, borrow, liquidate, liquidation, cap)


def _named(
    tokens: Sequence[ChecksumAddress], feeds: Sequence[ChecksumAddress]
) -> Query[tuple[dict[ChecksumAddress, str], dict[ChecksumAddress, Feed], int | None]]:
    """Tokens' symbols (the start of an address without one), feeds by their descriptions, what base's feed answers if it is constant."""
    asked = ask(
        each("erc20/token.symbol", tokens, optional=True),
        each("compound_v3/feed.constantPrice", feeds[:1], optional=True),
    )
    answers: tuple[Any, ...] = yield from together([asked, describe(feeds)])
    for answer in answers:
        if isinstance(answer, WatcherError):
            raise answer
    (symbols, constants), described = answers
    named = {one: (row[0] if row else "") or one[:10] for one, row in zip(tokens, symbols, strict=True)}
    return named, described, constants[0][0] if constants[0] else None


def _address(word: int) -> ChecksumAddress | None:
    return to_checksum_address(word.to_bytes(32, "big")[12:]) if word else None


def fresh(terms: Terms) -> Query[bool]:
    """The same implementation behind the proxy; a Comet without such a proxy is never known to be the same, and read again."""
    (rows,) = yield from ask(Slot((terms.market.address,), (IMPLEMENTATION,)))
    return terms.implementation is not None and _address(rows[0][0]) == terms.implementation
