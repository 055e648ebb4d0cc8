"""What `watcher explain` says of a block with a real liquidation in it."""

from __future__ import annotations

import json

from tests.onchain.scan_scene import Run
from watcher.exit import Exit


def only_liquidated(watcher: Run, who: str, block: int) -> None:
    """Of the deeds in the block there is the liquidation alone, told apart by the amounts of its logs; and the parts add up."""
    said = watcher("explain", who, "--from", str(block - 1), "--to", str(block))
    assert said.code == Exit.OK, said.err
    rows = json.loads(said.out)
    assert rows
    for row in rows:
        causes = {cause["cause"] for cause in row["causes"]}
        assert "liquidation" in causes, (causes, row["notes"])
        assert not {"own action", "mixed"} & causes, (causes, row["notes"])
        assert {cause["share"] is not None for cause in row["causes"]} == {True}
        for key in ("margin", "reverse_margin"):
            assert sum(int(cause[key]) for cause in row["causes"]) == int(row["to"]["margin"]) - int(
                row["from"]["margin"]
            )
