"""Runs one verb: its module is imported now and not before, and typer parses what follows it."""

from __future__ import annotations

from importlib import import_module

import typer

from watcher.cli import VERBS
from watcher.errors import UsageError
from watcher.exit import Exit


def run_verb(verb: str, arguments: list[str]) -> int:
    """The exit code of `verb`. What typer refuses becomes `UsageError`."""
    module, line = VERBS[verb]
    app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    app.command(name=verb, help=line)(import_module(module).command)
    command = typer.main.get_command(app)
    try:
        with command.make_context(f"watcher {verb}", arguments) as context:
            code = command.invoke(context)
    except typer.Exit as end:  # --help
        return end.exit_code
    except typer.TyperException as error:
        said = error.format_message().rstrip(".").replace("Value error, ", "")  # typer's own word for a wrong choice
        raise UsageError(f"{verb}: {said}; see watcher {verb} --help") from None
    return Exit.OK if code is None else int(code)
