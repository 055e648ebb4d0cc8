"""Reads one TOML table strictly: every key is known, typed and in range, or `ConfigError` names file, line, key and nearest name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NoReturn

from eth_typing import ChecksumAddress

from watcher.config.address import checksummed
from watcher.config.lines import line_of
from watcher.errors import ConfigError
from watcher.units import Wad

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}  # seconds


@dataclass(frozen=True, slots=True)
class Source:
    """A TOML file: its name as messages show it, and its text to find lines in."""

    name: str
    text: str = field(repr=False)


@dataclass(slots=True)
class Table:
    """One table at `path` (keys and list positions from the top of the file). `close` refuses whatever was not asked for."""

    source: Source
    path: tuple[str | int, ...]
    values: dict[str, Any] = field(repr=False)
    asked: set[str] = field(default_factory=set)

    @classmethod
    def top(cls, text: str, name: str) -> Table:
        """The whole of a file that `name` stands for in messages. `ConfigError` where it is not TOML."""
        try:
            values = tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{name}: not TOML: {error}") from None
        return cls(Source(name, text), (), values)

    def fail(self, key: str | None, expected: str) -> NoReturn:
        """`ConfigError` about `key` of this table, or about the table itself."""
        path = self.path if key is None else (*self.path, key)
        line = line_of(self.source.text, path)
        place = f"{self.source.name}:{line}" if line else self.source.name
        raise ConfigError(": ".join(part for part in (place, dotted(path), expected) if part))

    def close(self) -> None:
        """Every key of the table was asked for; the first other one is an error."""
        for key in self.values:
            if key not in self.asked:
                close = get_close_matches(key, self.asked, n=1, cutoff=0.5)
                known = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(self.asked))}"
                self.fail(key, f"unknown key; {known}")

    def get(self, key: str) -> Any:
        """The raw value, None when absent; the key now counts as known."""
        self.asked.add(key)
        return self.values.get(key)

    def need(self, key: str, what: str) -> Any:
        """The raw value; when it is absent, a key that nobody asked for and that looks like it is taken for a misspelling."""
        value = self.get(key)
        if value is None:
            close = get_close_matches(key, self.values.keys() - self.asked, n=1, cutoff=0.7)
            if close:
                self.fail(close[0], f"unknown key; did you mean {key!r}?")
            self.fail(None, f"{key} is missing: {what}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text of one line that is not empty."""
        value = self.need(key, "a text") if default is None else self.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            self.fail(key, "expected a text of one line")
        return value

    def positive(self, key: str) -> int:
        """A whole number above zero."""
        value = self.need(key, "a whole number above 0")
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            self.fail(key, "expected a whole number above 0")
        return value

    def block(self, key: str) -> int | None:
        """A block number from 0, or None when absent."""
        value = self.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            self.fail(key, "expected a block number, 0 or above")
        return value

    def seconds(self, key: str) -> Decimal:
        """A duration in seconds above zero, as a number or a text; never through binary floating point."""
        value = self.need(key, "a number of seconds above 0")
        if isinstance(value, str) and value.isascii() and value.replace(".", "", 1).isdecimal():
            value = Decimal(value)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.fail(key, "expected a number of seconds above 0")
        seconds = Decimal(value)
        if not seconds.is_finite() or seconds <= 0:
            self.fail(key, "expected a number of seconds above 0")
        return seconds

    def duration(self, key: str) -> int | None:
        """Seconds, written as a whole number with its unit ("30s", "5m", "90d"); None when absent."""
        value = self.get(key)
        if value is None:
            return None
        found = re.fullmatch(r"([1-9][0-9]{0,5})([smhdwy])", value) if isinstance(value, str) else None
        if found is None:
            self.fail(key, 'expected a time above 0, as in "30s", "5m", "12h" or "90d"')
        return int(found[1]) * UNITS[found[2]]

    def flag(self, key: str, default: bool) -> bool:
        """true or false, and no other word for it."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            self.fail(key, "expected true or false")
        return default if value is None else value

    def wad(self, key: str) -> Wad:
        """A decimal number of at most 18 places as a wad, exactly."""
        value = self.need(key, "a number, as in 1.25")
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.fail(key, "expected a number, as in 1.25")
        number = Decimal(value)
        if not number.is_finite() or abs(number) >= 10**9 or number.as_tuple().exponent < -18:  # type: ignore[operator]  # finite
            self.fail(key, "expected a number of at most 18 decimal places")
        return Wad(int(number.scaleb(18).to_integral_exact()) if number else 0)

    def texts(self, key: str) -> list[str]:
        """A list of texts, none when absent."""
        value = self.get(key)
        if value is not None and (not isinstance(value, list) or not all(isinstance(one, str) for one in value)):
            self.fail(key, "expected a list of texts")
        return value or []

    def address(self, key: str) -> ChecksumAddress:
        """A contract address; mixed case must carry a right EIP-55 checksum, and the zero address is refused."""
        value = self.need(key, "an address")
        try:
            return checksummed(value if isinstance(value, str) else "")
        except ValueError as error:
            self.fail(key, str(error))

    def word(self, key: str) -> bytes:
        """32 bytes as 0x and 64 hex digits."""
        value = self.get(key)
        digits = value.removeprefix("0x") if isinstance(value, str) else ""
        if len(digits) != 64 or any(c not in "0123456789abcdefABCDEF" for c in digits):
            self.fail(key, "expected 0x and 64 hex digits")
        return bytes.fromhex(digits)

    def table(self, key: str) -> Table | None:
        """The table below `key`, None when absent."""
        value = self.get(key)
        if value is not None and not isinstance(value, dict):
            self.fail(key, "expected a table")
        return None if value is None else Table(self.source, (*self.path, key), value)

    def needed(self, key: str, what: str) -> Table:
        """The table below `key`, which must be there."""
        self.need(key, what)
        return self.table(key) or self.fail(key, f"expected {what}")

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of the list below `key`, none when absent."""
        value = self.get(key)
        if value is not None and (not isinstance(value, list) or not all(isinstance(row, dict) for row in value)):
            self.fail(key, "expected a list of tables")
        for index, row in enumerate(value or ()):
            yield Table(self.source, (*self.path, key, index), row)


def text_of(path: Path, flag: str) -> str:
    """The text of a file that the option `flag` names. `ConfigError` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; name an existing one with {flag}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read: {reason}") from None


def dotted(path: tuple[str | int, ...]) -> str:
    """A path as people write it: chains.ethereum.rpc[0].url."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
