"""Which of the two libraries a comptroller rounds with: no getter tells, so it is told by what it answers.

Inside one simulated transaction its sender enters every market and asks what redeeming 1e18 raw cTokens of each would leave missing. That
is tokensToDenom itself, to the last unit; where the two libraries would come to different ones, the answer decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapters.compound_v2.words import COMPTROLLER, CTOKEN, Head, Rule
from watcher.errors import AnswerError, CallReverted, WatcherError
from watcher.formula.compound.exponential import Library
from watcher.formula.compound.liquidity import collateral
from watcher.query import Call, Query, Rows, Script, each, one
from watcher.units import WAD

SENDER: Final = to_checksum_address(
    "0xcA11bde05977b3631167028862bE2a173976CA11"
)  # of a script: Multicall3, on almost every chain


def rounding(comptroller: ChecksumAddress, head: Head, rules: Sequence[Rule]) -> Query[tuple[Library, bool]]:
    """The library, and whether an answer told it: where both would always have answered the same, truncation is taken. One round trip.

    `AnswerError` where neither explains an answer: these are not the rules that this adapter knows.
    """
    asked = (
        one("compound_v2/oracle.getUnderlyingPrice", head.oracle, ((x,) for x in head.tokens), optional=True),
        each(f"{CTOKEN}.exchangeRateStored", head.tokens, optional=True),
    )
    prices, rates, answered = yield (*asked, _script(comptroller, head))
    outcomes: Rows = () if isinstance(answered, AnswerError | CallReverted) else _told(answered)
    possible = set(Library)
    for rule, price, rate, said in zip(rules, _told(prices), _told(rates), outcomes[1:], strict=False):
        if price and rate and said.row is not None and not said.row[0] and said.row[2]:
            answers = {known: collateral(known, rule.factor, rate[0], price[0], WAD) for known in Library}
            possible = {known for known in possible if answers[known] == said.row[2]}
    if not possible:
        raise AnswerError(f"the comptroller {comptroller} rounds its sums in a way that is not known")
    return (Library.TRUNCATING, False) if len(possible) > 1 else (possible.pop(), True)


def _script(comptroller: ChecksumAddress, head: Head) -> Script:
    view = f"{COMPTROLLER}.getHypotheticalAccountLiquidity"
    return Script(
        (
            Call(f"{COMPTROLLER}.enterMarkets", comptroller, (head.tokens,)),
            *(Call(view, comptroller, (SENDER, token, WAD, 0)) for token in head.tokens),
        )
    )


def _told(answer: Rows | WatcherError) -> Rows:
    if isinstance(answer, WatcherError):
        raise answer
    return answer
