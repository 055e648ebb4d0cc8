"""Which of the two libraries a comptroller rounds with: no getter tells, so it is told by what it answers.

`liquidateCalculateSeizeTokens` multiplies wads in the same library as the account sums do, and takes no account. Where the two
libraries would come to different answers for some pair of markets, the answer decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapters.compound_v2.words import COMPTROLLER, CTOKEN, Head
from watcher.errors import AnswerError
from watcher.formula.compound.exponential import Library
from watcher.formula.compound.liquidation import seize_ratio
from watcher.query import Read, Rows, each, one
from watcher.units import WAD

TRIED: Final = 60  # pairs; each tells with a chance of about one half where prices are not round
_EXACT: Final = WAD  # of this many raw units the seizure is the ratio itself


def pairs(head: Head) -> tuple[tuple[int, int], ...]:
    """Some pairs of places (debt, collateral): neighbours first, so that every market is on either side before one comes twice."""
    many = len(head.tokens)
    found = [(place, (place + step) % many) for step in range(many) for place in range(many)]
    return tuple(found[:TRIED])


def probes(comptroller: ChecksumAddress, head: Head) -> tuple[Read, ...]:
    """What `library` takes back: the answers for the pairs, and the prices and exchange rates that they are made of."""
    asked = [(head.tokens[debt], head.tokens[held], _EXACT) for debt, held in pairs(head)]
    tokens = tuple((token,) for token in head.tokens)
    return (
        one(f"{COMPTROLLER}.liquidateCalculateSeizeTokens", comptroller, asked, optional=True),
        one("compound_v2/oracle.getUnderlyingPrice", head.oracle, tokens, optional=True),
        each(f"{CTOKEN}.exchangeRateStored", head.tokens, optional=True),
    )


def library(head: Head, answers: Sequence[Rows]) -> tuple[Library, bool]:
    """The library, and whether an answer told it: where both would always have answered the same, truncation is taken.

    `AnswerError` where neither explains an answer: these are not the rules that this adapter knows.
    """
    seizures, prices, rates = answers
    possible = set(Library)
    for (debt, held), seized in zip(pairs(head), seizures, strict=True):
        debt_price, price, rate = prices[debt], prices[held], rates[held]
        if seized is None or seized[0] or not (debt_price and price and rate):
            continue
        expected = {one: seize_ratio(one, head.incentive, debt_price[0], price[0], rate[0]) for one in Library}
        possible = {one for one in possible if expected[one] == seized[1]}
    if not possible:
        raise AnswerError("the comptroller's liquidateCalculateSeizeTokens rounds in a way that is not known")
    return (Library.TRUNCATING, False) if len(possible) > 1 else (possible.pop(), True)
