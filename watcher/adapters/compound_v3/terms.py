"""The rules of a Comet, read from its code: all of them are constants of the implementation behind the proxy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapters.compound_v3.currency import currency
from watcher.adapters.compound_v3.facts import Asset, Terms
from watcher.errors import AnswerError, CallReverted, WatcherError
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
    tokens, feeds, constant = yield from _named(
        [base, *(row[1] for row in listed)], [base_feed, *(r[2] for r in listed)]
    )
    assets = tuple(_asset(row, tokens[row[1]], feeds[row[2]]) for row in listed)
    lent = tokens[base]
    return Terms(
        market=market,
        implementation=_address(slots[0][0]),
        unit=currency(lent, feeds[base_feed], constant, [asset.feed for asset in assets]),
        base=Token(lent.address, lent.symbol, decimals),
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


def _asset(row: Sequence[Any], token: Token, feed: Feed) -> Asset:
    place, _, _, scale, borrow, liquidate, liquidation, cap = row
    return Asset(place, token, feed, scale, borrow, liquidate, liquidation, cap)


def _named(
    tokens: Sequence[ChecksumAddress], feeds: Sequence[ChecksumAddress]
) -> Query[tuple[dict[ChecksumAddress, Token], dict[ChecksumAddress, Feed], int | None]]:
    """Tokens by their symbols, feeds by their descriptions, and what base's feed answers if it is a constant one."""
    named, described, constant = yield from together([_tokens(tokens), describe(feeds), _constant(feeds[0])])
    for answer in (named, described, constant):
        if isinstance(answer, WatcherError):
            raise answer
    return named, described, constant  # type: ignore[return-value]  # the errors were raised


def _tokens(addresses: Sequence[ChecksumAddress]) -> Query[dict[ChecksumAddress, Token]]:
    """A token without a symbol is called by the start of its address; one without decimals is an error, its amounts have no meaning."""
    asked = tuple(dict.fromkeys(addresses))
    decimals, symbols = yield (each("erc20/token.decimals", asked), each("erc20/token.symbol", asked, optional=True))
    for answer in (decimals, symbols):
        if isinstance(answer, WatcherError):
            raise answer
    return {
        address: Token(address, (symbol[0] if symbol else "") or address[:10], places[0])
        for address, places, symbol in zip(asked, decimals, symbols, strict=True)  # type: ignore[arg-type]
    }


def _constant(feed: ChecksumAddress) -> Query[int | None]:
    (rows,) = yield (each("compound_v3/feed.constantPrice", [feed]),)
    if isinstance(rows, CallReverted | AnswerError):
        return None
    if isinstance(rows, WatcherError):
        raise rows
    answer: int = rows[0][0]
    return answer


def _address(word: int) -> ChecksumAddress | None:
    return to_checksum_address(word.to_bytes(32, "big")[12:]) if word else None


def fresh(terms: Terms) -> Query[bool]:
    """The same implementation behind the proxy; a Comet without such a proxy is never known to be the same, and read again."""
    (rows,) = yield from ask(Slot((terms.market.address,), (IMPLEMENTATION,)))
    return terms.implementation is not None and _address(rows[0][0]) == terms.implementation
