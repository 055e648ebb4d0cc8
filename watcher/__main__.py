"""`watcher` and `python -m watcher`: finds the verb, runs it, and turns what was raised into one line and an exit code.

A `WatcherError` is one line on stderr. Any other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from watcher.cli import VALUED, VERBS, top_help
from watcher.errors import UsageError, WatcherError
from watcher.exit import Exit, code_of


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (the process's own when None) and return its exit code."""
    # Our products are bound by memory: beside anything else a second thread only waits, and costs up to six times the work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an alert that a terminal's letters cannot write is still an alert
    try:
        code = run(arguments)
        sys.stdout.flush()
    except WatcherError as error:
        print_line(str(error))
        return code_of(error)
    except KeyboardInterrupt:
        print_line("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left, as `| head` does: nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return Exit.OK
    return code


def run(arguments: list[str]) -> int:
    """Top-level help and version from what is at hand; everything else through the verb's own parser."""
    before, after = split(arguments)
    if not arguments or (not after and {"--help", "-h"} & {*before}):
        sys.stdout.write(top_help() + "\n")
        return Exit.OK if arguments else Exit.USAGE
    if before == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"watcher {version('lending-watcher')}\n")
        return Exit.OK
    if not after or after[0] not in VERBS:
        raise UsageError(unknown(*after[:1]))
    from watcher.cli.verb import run_verb  # typer, and all that comes with it

    return run_verb(after[0], [*before, *after[1:]])


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Options of every verb that stand before it, and the verb with what follows."""
    place = 0
    while place < len(arguments) and arguments[place].startswith("-"):
        place += 2 if arguments[place] in VALUED else 1
    return arguments[:place], arguments[place:]


def unknown(wanted: str = "") -> str:
    """The message for a command line without a verb that exists. Only a word is repeated: a URL may hold a key."""
    from difflib import get_close_matches

    close = get_close_matches(wanted, VERBS, n=1, cutoff=0.5)
    said = f"no verb {wanted!r}" if wanted.isalpha() else "a verb is missing"
    return f"{said}; {f'did you mean {close[0]}?' if close else 'one of: ' + ', '.join(VERBS)}"


def print_line(text: str) -> None:
    """One clean line on stderr."""
    from watcher.text import clean_line

    sys.stderr.write(f"watcher: {clean_line(text)}\n")


if __name__ == "__main__":
    sys.exit(main())
