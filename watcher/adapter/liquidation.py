"""One liquidation: the largest that could be, and one that was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic

from eth_typing import ChecksumAddress

from watcher.adapter.logs import Event, LogQuery
from watcher.adapter.which import T
from watcher.model import Blocked, PositionKey, Token, Unit
from watcher.units import Raw

NOTHING: Final = Raw(0)


@dataclass(frozen=True, slots=True)
class Liquidation:
    """The largest liquidation of one pair that the contract would carry out now. Amounts are raw token units.

    `seize` is what leaves the borrower, `fee` the part of it that goes to the protocol; `bonus` is what the liquidator gains over the
    debt, in `unit`, before costs. `deficit` is the bad debt left after it, in raw units of the debt token. `blocked` says why nothing
    can be done now.

    A protocol that liquidates whole accounts takes `along` all other collateral in the same call; `credit`, in the debt token, is what
    it then leaves the borrower. Where it does so on its own account (`absorbed`: Comet) it stands in the liquidator's place: it repays,
    it has the collateral and the bonus, and whoever calls has nothing.
    """

    debt: Token
    collateral: Token
    repay: Raw
    seize: Raw
    fee: Raw
    incentive: int  # liquidation bonus factor in the valuation's scale, 100 % included
    bonus: int
    unit: Unit
    deficit: Raw
    blocked: Blocked | None
    along: tuple[tuple[Token, Raw], ...] = ()
    credit: Raw = NOTHING
    absorbed: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """The liquidation of a whole account in one call, all of it or nothing, where the protocol has such a path. Amounts are raw units.

    `path` is the contract's entry point. The liquidator pays `repays`, by debt; `seizes` leave the borrower, by collateral, and `fees`
    of them go to the protocol. What the liquidator leaves unpaid is `written_off`: the borrower owes nothing afterwards. `orders` are
    the debts, collaterals and repayments that the entry point must be given, empty where it takes none. `bonus` is what the liquidator
    gains over the debt, in `unit`, before costs; `blocked` says why nothing can be done now.
    """

    path: str
    repays: tuple[tuple[Token, Raw], ...]
    seizes: tuple[tuple[Token, Raw], ...]
    fees: tuple[tuple[Token, Raw], ...]
    written_off: tuple[tuple[Token, Raw], ...]
    orders: tuple[tuple[ChecksumAddress, ChecksumAddress, Raw], ...]
    bonus: int
    unit: Unit
    blocked: Blocked | None


@dataclass(frozen=True, slots=True)
class Liquidated:
    """One liquidation as the chain logged it. Amounts are raw token units.

    The liquidator paid `repay` and received `taken`; `fee` is what the protocol took from the borrower beside it. `written_off` are
    debts, by token, that the protocol took over because nothing was left to seize; None where its rules leave them with the borrower.
    None also for both where the log itself does not say: see `Beside`. What was taken `along`, and an `absorbed` account, are as in
    `Liquidation`. Where the liquidator was given a `receipt` for the collateral, `taken` counts that and `fee` the collateral; what the
    protocol took of collateral `along` is `fees`.
    """

    key: PositionKey
    liquidator: ChecksumAddress
    debt: ChecksumAddress
    collateral: ChecksumAddress
    repay: Raw
    taken: Raw
    fee: Raw | None
    written_off: tuple[tuple[ChecksumAddress, Raw], ...] | None
    along: tuple[tuple[ChecksumAddress, Raw], ...] = ()
    absorbed: bool = False
    receipt: ChecksumAddress | None = None
    fees: tuple[tuple[ChecksumAddress, Raw], ...] = ()

    @property
    def received(self) -> ChecksumAddress:
        """What `taken` counts."""
        return self.receipt or self.collateral


@dataclass(frozen=True, slots=True)
class Beside(Generic[T]):
    """What logs of the same block add to liquidations whose own log leaves something out.

    `logs` asks for those about some positions; `settle` takes the liquidations of one block in order, and those logs, and completes them.
    """

    logs: Callable[[T, Sequence[PositionKey]], LogQuery[Event]]
    settle: Callable[[T, Sequence[tuple[Event, Liquidated]], Sequence[Event]], tuple[Liquidated, ...]]
