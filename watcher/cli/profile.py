"""`--profile`: where the time of a command went, by stage, on stderr at its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer

from watcher.following.stages import measured

Profile = Annotated[bool, typer.Option("--profile", help="Where the time went, by stage, on stderr at the end.")]


@contextmanager
def profiled(wanted: bool) -> Iterator[None]:
    """Everything inside is measured, if that is wanted. Stages that ran beside each other add up to more than the whole."""
    if not wanted:
        yield
        return
    began = time.perf_counter()
    with measured() as seconds:
        try:
            yield
        finally:
            sys.stderr.write("\n".join(lines(seconds, time.perf_counter() - began)) + "\n")


def lines(seconds: Mapping[str, float], whole: float) -> list[str]:
    """The longest stage first, and the whole at the end."""
    width = max(len("all"), *map(len, seconds)) if seconds else len("all")
    ranked = sorted(seconds.items(), key=lambda one: -one[1])
    return [f"{name:{width}} {spent:9.3f} s" for name, spent in (*ranked, ("all", whole))]
