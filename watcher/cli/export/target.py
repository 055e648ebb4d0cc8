"""Where an export goes: a file in one of the formats, stdout, or a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watcher.export.schema import SHEETS, Sheet
from watcher.export.write import Form, write, write_text


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go. `form` is None for a folder of parquet files; `name` - is stdout."""

    name: str
    form: Form | None

    @property
    def words(self) -> str:
        return "stdout" if self.name == "-" else self.name

    def write(self, sheet: Sheet, rows: Iterator[dict[str, Any]], origin: Mapping[str, Any]) -> int:
        assert self.form is not None, "a folder is written day by day"
        if self.name == "-":
            return write_text(sys.stdout, self.form, SHEETS[sheet], rows, origin)
        return write(Path(self.name), self.form, SHEETS[sheet], rows, origin)
