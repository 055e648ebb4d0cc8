"""What `watcher explain` says, and stories in whose blocks one thing happens and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.onchain.scan_scene import Run
from watcher.exit import Exit
from watcher.localchain.contract import DEPLOYER, Contract, Receipt

Row = dict[str, Any]


@dataclass
class Story:
    """The first block, and the stretches of single causes."""

    first: int
    stretches: dict[str, tuple[int, int]] = field(default_factory=dict)  # cause: the block before it, and its own

    @property
    def last(self) -> int:
        return max(last for _, last in self.stretches.values())

    def happened(self, cause: str, block: int, since: int | None = None) -> None:
        self.stretches[cause] = block - 1 if since is None else since, block


async def standing(contract: Contract, function: str, *args: Any, sender: str = DEPLOYER) -> Receipt:
    """One transaction in a block with the time of the block before it: no interest in between, where that runs by time."""
    await contract.chain.next_timestamp(await contract.chain.timestamp())
    return await contract.send(function, *args, sender=sender)


def explained(watcher: Run, who: str, first: int, last: int, *more: str) -> list[Row]:
    """Every position of `who` between two blocks."""
    said = watcher("explain", who, "--from", str(first), "--to", str(last), *more)
    assert said.code == Exit.OK, said.err
    rows: list[Row] = json.loads(said.out)
    return rows


def only(watcher: Run, who: str, first: int, last: int, *more: str) -> Row:
    """The only position of `who`."""
    (row,) = explained(watcher, who, first, last, *more)
    return row


def shares(row: Row) -> dict[str, tuple[str, int, int]]:
    """By cause its share in hundredths of a per cent, and what it added to the margin by both orders."""
    return {
        " of ".join(filter(None, (one["cause"], one["token"]))): (
            one["share"],
            int(one["margin"]),
            int(one["reverse_margin"]),
        )
        for one in row["causes"]
    }


def adds_up(row: Row) -> bool:
    """Whether the causes by both orders come to what the margin moved by; of each piece too, where they are shown."""
    return all(
        sum(int(cause[key]) for cause in one["causes"]) == moved(one)
        for one in (row, *row.get("pieces", ()))
        for key in ("margin", "reverse_margin")
    )


def astray(watcher: Run, who: str, story: Story, dust: Mapping[str, int]) -> dict[str, Row]:
    """The stretches whose one cause does not get all of it by both orders, or left more than its `dust` to the rounding of rates."""
    found = {}
    for cause, stretch in story.stretches.items():
        row = only(watcher, who, *stretch)
        parts = shares(row)
        _, left, reverse = parts.pop("rates", ("0", 0, 0))
        share = parts[cause][0] if cause in parts else None
        alone = parts == {cause: (share, moved(row) - left, moved(row) - reverse)} and moved(row) != 0
        little = max(abs(left), abs(reverse)) <= dust.get(cause, 0)
        if not (alone and little and (left or share == "10000")):
            found[cause] = row
    return found


def moved(row: Row) -> int:
    if "to" in row:
        return int(row["to"]["margin"]) - int(row["from"]["margin"])
    return int(row["margin"]["after"]) - int(row["margin"]["before"])


def cuts(row: Row) -> dict[int, int | None]:
    """Health at both ends and wherever the stretch was cut, by block."""
    found = [(row[end]["block"], row[end]["health"]) for end in ("from", "to")]
    for piece in row["pieces"]:
        found += [(piece[end], piece["health"][way]) for end, way in (("first", "before"), ("last", "after"))]
    said = {(int(block), None if health is None else int(health)) for block, health in found}
    assert len(said) == len(dict(said))  # a cut is the end of one piece and the beginning of the next
    return dict(said)


def of_liquidation(row: Row) -> bool:
    """Of the deeds there is the liquidation alone, told apart by the amounts of its logs; and the parts add up."""
    causes = {cause["cause"] for cause in row["causes"]}
    shares = {cause["share"] is not None for cause in row["causes"]}
    return "liquidation" in causes and not {"own action", "mixed"} & causes and shares == {True} and adds_up(row)


def only_liquidated(watcher: Run, who: str, block: int) -> None:
    rows = explained(watcher, who, block - 1, block)
    assert rows
    for row in rows:
        assert of_liquidation(row), (row["causes"], row["notes"])
