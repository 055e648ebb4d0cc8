"""A position's part in the whole wallet, as fields of its record and as lines of its card."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from watcher.cli.account.money import cut, dollars, signed
from watcher.cli.account.record import Record
from watcher.cli.account.summary import of_relief, of_standing, of_sum
from watcher.figures import age, exact, fixed
from watcher.model import Unit, Valuation
from watcher.portfolio.part import Part
from watcher.portfolio.second import Second
from watcher.portfolio.vaults import Share


def of_part(part: Part) -> Record:
    """`account` holds the position, `owner` is whom it stands under, `holder` what it is where that is known. Sums in US dollars."""
    return {
        "margin": part.margin,
        "owner": part.holder.owner or part.holder.address,
        "holder": part.holder.kind or None,
        **of_sum(part.worth),
        "usd_feed": None if part.rate.feed is None else part.rate.feed.feed,
        "distance": None if part.standing is None else of_standing(part.standing),
        "one_dollar": [of_relief(relief) for relief in part.reliefs],
        "second_prices": [of_second(one) for one in part.seconds],
        "vault_shares": [of_share(share) for share in part.shares],
    }


def of_second(one: Second) -> Record:
    """`deviation` of the protocol's price from this one is a fraction of one; both are cut to 18 digits."""
    return {
        "token": one.token.address,
        "symbol": one.token.symbol,
        "price": cut(one.price),
        "unit": one.unit.symbol,
        "deviation": cut(one.deviation),
        "feed": one.feed.feed,
        "updated": one.feed.updated,
    }


def of_share(share: Share) -> Record:
    return {
        "token": share.vault,
        "shares_raw": share.shares,
        "asset": share.asset.address,
        "asset_symbol": share.asset.symbol,
        "assets": exact(share.assets, share.asset.decimals),
        "assets_raw": share.assets,
    }


def lines(part: Part, seen: Valuation) -> Iterator[str]:
    """What its assets convert to, what it is in US dollars where its market counts in something else, and second prices."""
    symbols = {leg.token.address: leg.token.symbol for leg in seen.legs}
    for share in part.shares:
        amount = exact(share.assets, share.asset.decimals)
        yield f"{symbols[share.vault]} is a vault share: all of it converts to {amount} {share.asset.symbol}"
    if part.rate.feed is not None and part.rate.each is not None:
        old = "" if part.rate.feed.updated is None else f", {age(seen.at.timestamp - part.rate.feed.updated)} old"
        supplied, owed = dollars(part.worth.supplied), dollars(part.worth.owed, up=True)
        yield f"in US dollars: supplied {supplied} · owed {owed} (by a feed of {feed_of(part)}{old})"
    elif part.rate.each is None:
        yield f"in US dollars: unknown, {part.rate.reason}"
    yield from (second(one) for one in part.seconds)


def feed_of(part: Part) -> str:
    return "" if part.rate.feed is None else part.rate.feed.base or part.rate.feed.feed


def second(one: Second) -> str:
    return (
        f"second price of {one.token.symbol}: {figure(one.price, one.unit)} {one.unit.symbol} by Chainlink; "
        f"the protocol's is {signed(one.deviation, 4)} from it"
    )


def figure(price: Fraction, unit: Unit) -> str:
    """Four digits after the point, more where the price is below one."""
    places = 4 if price >= 1 else 10
    return fixed(price.numerator * 10**places // price.denominator, places, places)
