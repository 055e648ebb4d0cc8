"""What `--risk` is asked for: its options, and what they come to beside the [risk] section of a watcher.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from watcher.cli.options import UNITS
from watcher.config.risk import MODELS, Risk
from watcher.errors import UsageError

YEAR: Final = 365 * 86_400

On = Annotated[
    bool,
    typer.Option("--risk", help="Margin, chances of liquidation, VaR and Expected Shortfall, by the stored prices."),
]
Db = Annotated[str | None, typer.Option("--db", metavar="PATH|URL", help="With --risk: the store of prices.")]
NoSync = Annotated[bool, typer.Option("--no-sync", help="With --risk: ask nobody for prices that are missing.")]
Reaction = Annotated[
    str | None, typer.Option("--reaction", metavar="TIME", help="With --risk: how fast you can act, 2h or 1d.")
]
ModelName = Annotated[
    str | None, typer.Option("--model", metavar="fhs|t|gbm", help="With --risk: how prices are drawn.")
]
Scenarios = Annotated[
    int | None, typer.Option("--scenarios", metavar="N", min=1_000, max=1_000_000, help="With --risk: else 10,000.")
]
Seed = Annotated[
    int | None, typer.Option("--seed", metavar="N", min=0, help="With --risk: the same seed, the same digits.")
]
DepthFile = Annotated[
    Path | None,
    typer.Option("--depth", metavar="FILE", help="With --risk: what sales lose, a csv of token,size,slippage."),
]
Parquet = Annotated[
    Path | None, typer.Option("--parquet", metavar="FILE", help="With --risk: its records as a file too.")
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="With --risk: losses, health and the line, as FILE.png or FILE.svg."),
]


@dataclass(frozen=True, slots=True)
class Told:
    """The options as they were typed; None where they were not."""

    sync: bool
    reaction: str | None
    model: str | None
    scenarios: int | None
    seed: int | None
    depth: Path | None
    parquet: Path | None
    plot: Path | None

    def refuse(self, db: str | None) -> None:
        """`UsageError` for what means nothing without --risk."""
        given = {
            "--db": db,
            "--no-sync": not self.sync,
            "--reaction": self.reaction,
            "--model": self.model,
            "--scenarios": self.scenarios,
            "--seed": self.seed,
            "--depth": self.depth,
            "--parquet": self.parquet,
            "--plot": self.plot,
        }
        named = [name for name, value in given.items() if value is not None and value is not False]
        if named:
            raise UsageError(f"{', '.join(named)}: only with --risk")

    def over(self, settings: Risk) -> Risk:
        """The file's settings, with what was typed in their place."""
        if self.model is not None and self.model not in MODELS:
            raise UsageError(f"--model {self.model}: one of {', '.join(MODELS)}")
        return replace(
            settings,
            reaction=settings.reaction if self.reaction is None else time(self.reaction),
            model=self.model or settings.model,
            scenarios=self.scenarios or settings.scenarios,
            seed=settings.seed if self.seed is None else self.seed,
        )

    def check(self) -> None:
        """`UsageError` or `ConfigError` for a file that could not be written, before anything is asked of anybody."""
        if self.parquet is not None:
            from watcher.export.table import writable

            writable(self.parquet)
        if self.plot is not None:
            from watcher.plots.style import matplotlib, of_name

            of_name(self.plot)
            matplotlib()


def time(text: str) -> int:
    """Seconds of "2h" or "1d", up to a year."""
    found = re.fullmatch(r"([0-9]{1,7})([smhdw])", text.strip())
    seconds = 0 if found is None else int(found[1]) * UNITS[found[2]]
    if not 0 < seconds <= YEAR:
        raise UsageError(f"--reaction {text}: write a time, as 2h or 1d, of a year at most")
    return seconds
