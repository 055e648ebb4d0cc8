"""The end of `watcher account --risk`: the appraisal printed, written and drawn, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watcher.appraisal.appraise import Appraisal
from watcher.cli.account.record import at_block
from watcher.cli.account.sheet import Sheet
from watcher.cli.account.wallets import sheet_console
from watcher.cli.options import Format, Options
from watcher.cli.output import show
from watcher.cli.provenance import versions
from watcher.cli.risk.causes import Moved, causes, lines
from watcher.cli.risk.causes import records as of_causes
from watcher.cli.risk.look import Wish, appraised
from watcher.cli.risk.record import Record, flat, records
from watcher.cli.risk.sheet import show_risk
from watcher.cli.risk.wish import Told
from watcher.config import Config
from watcher.exit import Exit
from watcher.export.table import write_table
from watcher.wallet import Wallet


@dataclass(frozen=True, slots=True)
class Report:
    """An appraisal with the blocks that it is of."""

    found: Appraisal
    blocks: tuple[Record, ...]
    causes: tuple[Moved, ...]

    @property
    def exit(self) -> Exit:
        """`SOURCE` where a position that owes something could not be appraised: what is not known is not small."""
        return Exit.SOURCE if self.found.unknown else Exit.OK

    def records(self) -> list[Record]:
        return [*records(self.found, self.blocks), *of_causes(self.causes)]

    def show(self, options: Options) -> None:
        """As a table, or a line for each record."""
        if options.format is Format.TABLE:
            show_risk(sheet_console(), self.found, said(self.blocks), list(lines(self.causes)))
        else:
            show(self.records(), (), options.format)

    def write(self, told: Told, options: Options) -> None:
        """Into the files that were asked for."""
        if told.parquet is not None:
            rows = flat(self.found, self.blocks)
            write_table(rows, told.parquet, about(self.found, self.blocks))
            options.note(f"{told.parquet}: {len(rows)} rows")
        if told.plot is not None:
            from watcher.cli.risk.picture import draw

            draw(self.found, "; ".join(said(self.blocks)), told.plot)
            options.note(f"drawn in {told.plot}")


async def report(
    done: Sequence[tuple[Wallet, Sequence[Sheet]]], config: Config, wish: Wish, options: Options
) -> Report:
    found = await appraised(done, config, wish, options)
    read = sorted(done, key=lambda one: one[0].chain.name)  # not in the order of who answered first
    blocks = tuple(at_block(wallet.chain.name, wallet.chain.id, wallet.block) for wallet, _ in read)
    why = await causes([one.held for one in found.standings], wish.where, options)
    return Report(found, blocks, why)


def said(blocks: Sequence[Record]) -> list[str]:
    return [f"{one['chain']}: block {one['block']}, {one['block_hash']}" for one in blocks]


def about(found: Appraisal, blocks: Sequence[Record]) -> dict[str, str]:
    """The head of a file."""
    asked, basis = found.asked, found.basis
    return {
        "model": str(asked.model),
        "scenarios": str(asked.scenarios),
        "seed": str(asked.seed),
        "window": f"{basis.grid.start}–{basis.grid.end}",
        "blocks": "; ".join(said(blocks)),
        **versions(),
    }
