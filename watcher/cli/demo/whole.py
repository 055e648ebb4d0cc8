"""What following whole markets comes to, over a whole run of the demo."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from watcher.cli.demo.market import Looked

FOLLOWED: Final = 6  # markets: two of Aave, four of Morpho


@dataclass(frozen=True, slots=True)
class Whole:
    """`accounts` owe at the last block. `comparisons` count pairs of an account and a block, `found` and `expected` those at risk;
    `newest` are both at the last block alone. `sound` is what `watcher scan` says of itself at the end.
    """

    markets: int
    accounts: int
    comparisons: int
    found: int
    expected: int
    newest: tuple[int, int]
    unexplained: int
    transitions: int
    expected_transitions: int
    sound: bool

    def broken(self) -> Iterator[tuple[bool, str]]:
        """What was promised, and what is said where it was not kept."""
        yield self.markets == FOLLOWED, f"{self.markets} markets are followed at the last block, not {FOLLOWED}"
        yield self.found == self.expected > 0, f"{self.found} accounts at risk were found, {self.expected} are"
        yield self.unexplained == 0, f"{self.unexplained} shares of debt belong to nobody in the books"
        changes = self.transitions, self.expected_transitions
        yield changes[0] == changes[1] > 0, f"{changes[0]} changes in followed markets, {changes[1]} were expected"
        yield self.sound, "the scan at the end is not sound"

    def document(self) -> dict[str, Any]:
        return {
            "markets": self.markets,
            "accounts": self.accounts,
            "comparisons": self.comparisons,
            "at_risk": self.found,
            "expected_at_risk": self.expected,
            "at_risk_at_the_end": self.newest[0],
            "expected_at_risk_at_the_end": self.newest[1],
            "unexplained_debt_shares": str(self.unexplained),
            "transitions": self.transitions,
            "expected_transitions": self.expected_transitions,
            "scan_is_sound": self.sound,
        }


def whole(looks: Collection[Looked], last: int, transitions: tuple[int, int], *, sound: bool) -> Whole:
    """`looks` are those of every block that counts, `last` the number of the newest; `transitions` what is stored and what must be."""
    newest = [one for one in looks if one.block.number == last]
    return Whole(
        markets=len(newest),
        accounts=sum(one.accounts for one in newest),
        comparisons=sum(one.accounts for one in looks),
        found=sum(one.found for one in looks),
        expected=sum(one.expected for one in looks),
        newest=(sum(one.found for one in newest), sum(one.expected for one in newest)),
        unexplained=sum(one.unexplained for one in looks),
        transitions=transitions[0],
        expected_transitions=transitions[1],
        sound=sound,
    )
