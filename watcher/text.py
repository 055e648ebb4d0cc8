"""Foreign text made fit to be shown: token symbols and messages chosen by strangers. Pure; it labels and never identifies."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST_SYMBOL: Final = 32  # characters
LONGEST_LINE: Final = 600  # characters of one line on a terminal
LONGEST_READ: Final = 4096  # of a longer text only the beginning is looked at

# Terminal commands with their payload: OSC, DCS, SOS, PM and APC up to their end, CSI, then two-character escapes.
ESCAPES: Final = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
HIDDEN: Final = frozenset(
    {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
)  # controls, bidi and zero-width, unassigned, separators
BLANK: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
)  # drawn as nothing, though counted as letters or marks
NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what starts with these


def clean(symbol: str | bytes, limit: int = LONGEST_SYMBOL) -> str:
    """`symbol` as at most `limit` printable characters on one line; a longer one ends in "…", and nothing may be left.

    Terminal escapes go with their payload, controls, bidi marks, zero-width and unassigned characters go, any white space is one
    space. Bytes are UTF-8, invalid parts become U+FFFD; a bytes32 symbol ends at its padding.
    """
    text = symbol[:LONGEST_READ].rstrip(b"\0").decode("utf-8", "replace") if isinstance(symbol, bytes) else symbol
    text = ESCAPES.sub("", text[:LONGEST_READ])
    spaced = "".join(" " if c.isspace() else c for c in text if c.isspace() or shows(c))
    line = " ".join(spaced.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def clean_line(text: str) -> str:
    """A message as one bounded line without anything that a terminal would obey."""
    return clean(text, LONGEST_LINE)


def inert(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula. A carriage return becomes a space: the csv module leaves it unquoted."""
    safe = f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text
    return safe.replace("\r", " ")


def shows(character: str) -> bool:
    """Whether a character is drawn, keeps to its place and does not turn the text around."""
    if character in BLANK or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return False
    return unicodedata.category(character) not in HIDDEN
