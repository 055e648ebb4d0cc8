"""What all pictures share: the door to matplotlib, colours, and the way into a file. No window, no global state, no clock in the file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from watcher.errors import ConfigError, UsageError
from watcher.model import Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS: Final = (".png", ".svg")
DPI: Final = 144
NAMELESS: Final = {
    "png": ("Software",),
    "svg": ("Creator", "Date"),
}  # what would say when, and with which version, it was drawn
INK: Final = "#24292f"
FAINT: Final = "#6e7781"
SERIES: Final = "#1f5fa8"
COLOURS: Final[Mapping[Status, str]] = {
    Status.NO_DEBT: "#2da44e",
    Status.SAFE: "#2da44e",
    Status.WATCH: "#4c8a8a",
    Status.WARN: "#b58900",
    Status.DANGER: "#d9730d",
    Status.CRITICAL: "#cf222e",
    Status.LIQUIDATABLE: "#82071e",
    Status.UNKNOWN: "#8250df",
    Status.OWING: INK,
}
# Text stays text: a label is never taken for mathematics, and an SVG can be searched. Every reading is drawn, none is simplified away.
LOOK: Final[Mapping[str, Any]] = {
    "axes.edgecolor": "#d0d7de",
    "axes.labelcolor": FAINT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial"],
    "font.size": 9.0,
    "hatch.linewidth": 0.6,
    "path.simplify": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "watcher",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
}


def of_name(path: Path) -> str:
    """The format that a picture's name asks for. `UsageError` where it names none."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(f"{path}: a picture's name ends with {' or '.join(ENDINGS)}")
    return ending[1:]


def matplotlib() -> Any:
    """The library. `ConfigError` where it is not installed."""
    try:
        return import_module("matplotlib")
    except ModuleNotFoundError:
        raise ConfigError("pictures need matplotlib: pip install 'lending-watcher[plot]'") from None


def sheet(width: float, height: float) -> Figure:
    """An empty figure of so many inches, drawn by Agg or as SVG: no window system is asked for."""
    matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)  # type: ignore[union-attr, call-arg]
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the picture in the format of its name; the same picture is the same bytes. `UsageError` where it cannot be written."""
    form, picture = of_name(path), BytesIO()
    with matplotlib().rc_context(dict(LOOK)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)  # a label's emoji: a box is drawn
        figure.savefig(picture, format=form, metadata=dict.fromkeys(NAMELESS[form]))
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(picture.getvalue())
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
