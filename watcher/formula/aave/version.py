"""Which formulas a pool runs, told by its code: `Pool.POOL_REVISION()` of V3; V2's LendingPool is a contract of another interface."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from watcher.errors import AnswerError


class Version(IntEnum):
    """A generation of Aave's formulas; ordered, so that a rule reads ``version >= Version.V3_5``."""

    V2 = 20
    V3_0 = 30
    V3_1 = 31
    V3_2 = 32
    V3_3 = 33
    V3_4 = 34
    V3_5 = 35
    V3_6 = 36
    V3_7 = 37


REVISIONS: Final = {
    1: Version.V3_0,
    2: Version.V3_0,
    3: Version.V3_0,
    4: Version.V3_1,
    5: Version.V3_2,
    6: Version.V3_2,
    7: Version.V3_3,
    8: Version.V3_4,
    9: Version.V3_5,
    10: Version.V3_6,
    11: Version.V3_7,
}


def version(revision: int, *, dated: bool = True) -> Version:
    """The version behind a pool revision. `AnswerError` for one that this program has not learnt: never a guess.

    Forks count their own upgrades of 3.0 (SparkLend's third had 3): not `dated` is a pool without what 3.1 brought, whatever its number.
    """
    if revision not in REVISIONS:
        raise AnswerError(f"Aave pool revision {revision} is not known (1 to {max(REVISIONS)} are): update the watcher")
    return REVISIONS[revision] if dated else Version.V3_0
