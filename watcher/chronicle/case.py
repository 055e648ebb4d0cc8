"""One liquidation of the past and what is known about it. Frozen data; what could not be read is `Unknown`, never a number."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.adapter import Event, Liquidated, Price
from watcher.model import Blocked, BlockRef, Token, Unit
from watcher.units import Raw, Wad


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be told; `reason` is one line."""

    reason: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """The collateral's price at which the position crossed the line, everything else as it was one block before.

    `answer` is the last oracle answer, going away from health, that still is liquidatable next to a healthy one; `before` and `held`
    are the answers at the end of the block before and of the liquidation's own. All in `price.unit`. None with a `reason` where no price
    does it; not `known` where the search for it gave up.
    """

    price: Price
    answer: int | None
    before: int | None
    held: int | None
    reason: str | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Saving:
    """The smallest repayment of the liquidated debt that would have left the position healthy.

    None with a `reason` where no repayment of it alone would; not `known` where the blocks do not tell.

    `foreseen`: it could not be liquidated yet one block before, so the prices and the time of the liquidation's own block are applied
    to what it held then.
    """

    token: Token
    amount: Raw | None
    foreseen: bool
    reason: str | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Before:
    """The position at the end of the block before, as the contract would have computed it."""

    block: BlockRef
    health: Wad | None
    liquidatable: bool
    blocked: Blocked | None
    trigger: Trigger
    saving: Saving


@dataclass(frozen=True, slots=True)
class Delay:
    """How long the position could be liquidated before it was: from the end of block `since` on, without a healthy block seen between.

    `since` is the liquidation's own block, and both spans are 0, where it could not be liquidated one block before. `bounded`: it could
    be already at `since`, where the search ended; the spans are the least. Looked at is every block
    in which the borrower was liquidated before, as far as the logs were read; a position that was healthy only between two blocks that
    were looked at is not told apart from one that never was.
    """

    since: int
    blocks: int
    seconds: int
    bounded: bool = False


@dataclass(frozen=True, slots=True)
class Money:
    """At the oracle's prices at the end of the liquidation's block, in `unit`: the liquidator's gross gain, and the bad debt left.

    `bad` names the debts: written off by the protocol, or left with a borrower who has no collateral any more.
    """

    unit: Unit
    bonus: int
    bad: tuple[tuple[Token, Raw], ...]
    bad_value: int


@dataclass(frozen=True, slots=True)
class Case:
    """`nth` counts the borrower's liquidations in this block: what is said about the block before is before the first of them.

    `along` is other collateral that the same call took, with the protocol's `fees` of it. `received` is what the liquidator was given:
    the collateral, or a receipt for it.
    """

    log: Event
    block: BlockRef
    told: Liquidated
    debt: Token
    collateral: Token
    received: Token
    along: tuple[tuple[Token, Raw], ...]
    fees: tuple[tuple[Token, Raw], ...]
    nth: int
    money: Money | Unknown
    before: Before | Unknown
    delay: Delay | Unknown

    @property
    def unknown(self) -> tuple[str, ...]:
        """Every reason why something of it is unknown, each once."""
        parts = (self.money, self.before, self.delay)
        reasons = [part.reason for part in parts if isinstance(part, Unknown)]
        if isinstance(self.before, Before):
            searched = self.before.trigger, self.before.saving
            reasons += [one.reason for one in searched if not one.known and one.reason]
        if self.told.fee is None:
            reasons.append("the protocol's fee is in none of the logs that were read")
        return tuple(dict.fromkeys(reasons))
