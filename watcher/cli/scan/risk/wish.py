"""What `scan --risk` is asked for, beside the [risk] section of a watcher.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from watcher.config.risk import DAY, HOUR, MODELS, Risk
from watcher.errors import UsageError

SHOWN: Final = 20  # accounts where nobody says how many
LONGEST: Final = 90 * DAY
Horizon = Annotated[
    str | None,
    typer.Option("--horizon", metavar="TIME", help="With --risk: how far ahead, 1h, 1d, 7d or 30d; else 1d."),
]


class By(StrEnum):
    """Which accounts come first."""

    LOSS = "loss"
    CHANCE = "chance"


@dataclass(frozen=True, slots=True)
class Told:
    """The options as they were typed; None where they were not."""

    sync: bool
    horizon: str | None
    model: str | None
    scenarios: int | None
    seed: int | None
    parquet: Path | None

    def refuse(self) -> None:
        """`UsageError` for what means nothing without --risk."""
        given = {
            "--no-sync": not self.sync,
            "--horizon": self.horizon is not None,
            "--model": self.model is not None,
            "--scenarios": self.scenarios is not None,
            "--seed": self.seed is not None,
            "--parquet": self.parquet is not None,
        }
        named = [name for name, there in given.items() if there]
        if named:
            raise UsageError(f"{', '.join(named)}: only with --risk")

    def over(self, settings: Risk) -> Risk:
        """The file's settings, with what was typed in their place."""
        if self.model is not None and self.model not in MODELS:
            raise UsageError(f"--model {self.model}: one of {', '.join(MODELS)}")
        return replace(
            settings,
            model=self.model or settings.model,
            scenarios=self.scenarios or settings.scenarios,
            seed=settings.seed if self.seed is None else self.seed,
        )

    @property
    def hours(self) -> int:
        return 24 if self.horizon is None else hours(self.horizon)

    def check(self) -> None:
        """`UsageError` or `ConfigError` for what cannot be done, before anything is asked of anybody."""
        _ = self.hours
        if self.parquet is not None:
            from watcher.export.table import writable

            writable(self.parquet)


def hours(text: str) -> int:
    """Of "6h" or "7d": whole hours, up to 90 days."""
    found = re.fullmatch(r"([0-9]{1,4})([hd])", text.strip())
    seconds = 0 if found is None else int(found[1]) * (HOUR if found[2] == "h" else DAY)
    if not 0 < seconds <= LONGEST:
        raise UsageError(f"--horizon {text}: write hours or days, as 1h or 7d, 90d at most")
    return seconds // HOUR
