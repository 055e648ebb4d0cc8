"""A progress line on stderr for work that takes more than a moment. Nothing where stderr is not a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@dataclass(frozen=True, slots=True)
class Steps:
    """Call it with a name when one step is done. Without a line it does nothing."""

    title: str
    line: tuple[Progress, TaskID] | None = None

    def __call__(self, name: str) -> None:
        if self.line is not None:
            bar, task = self.line
            bar.update(task, advance=1, description=f"{self.title}: {name}")

    def reached(self, done: int, total: int, name: str) -> None:
        """So many of so many are done, where the number is known only on the way."""
        if self.line is not None:
            bar, task = self.line
            bar.update(task, completed=done, total=total, description=f"{self.title}: {name}")

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line away while something else is printed: both may be on one terminal."""
        if self.line is not None:
            self.line[0].stop()
        yield
        if self.line is not None:
            self.line[0].start()


@contextmanager
def progress(title: str, total: int, visible: bool) -> Iterator[Steps]:
    """``with progress("reading", 5, True) as step: step("ethereum")``: one step done, and its name shown."""
    if not visible:
        yield Steps(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Steps(title, (bar, bar.add_task(title, total=total)))
