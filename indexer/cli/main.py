"""The program: finds the command, and turns every expected failure into one message and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

import click

from indexer import __version__
from indexer.errors import ExitCode, FluxidxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.git.repository import Repository

COMMANDS = {
    "build": "Index the repository.",
    "where": "Show everything that made an object what it is.",
    "what": "Show everything that a file or its lines deploy.",
    "blame": "Show which line set each field of an object.",
    "ls": "List the objects in the index.",
    "units": "Show Kustomizations, HelmReleases … as a tree.",
    "impact": "Show what merging a change does, on every cluster.",
    "render": "Print YAML as the controller would apply it.",
    "status": "Show how far each unit is in the clusters.",
    "orphans": "Show what runs and no code defines.",
    "drift": "Show fields of live objects that are not as Git has them.",
    "check": "Say what is wrong in the repository as it stands.",
    "sql": "Run read-only SQL over the documented views.",
}
"""Command → the line ``--help`` shows: known here so that help and completion import no command."""

_MESSAGES = {
    ("indexer.errors", "FluxidxError"),
    ("indexer.git.tree", "TreeError"),
    ("indexer.kustomize.errors", "KustomizeError"),
    ("indexer.manifest.errors", "EmitError"),
    ("indexer.manifest.errors", "ManifestError"),
}
"""Errors whose text is for the user; by name, so that no room is imported to look for its errors."""


class Commands(click.Group):
    """A group whose every command is a module of this package, imported when that command runs."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader has all it wanted. Python flushes once more when it ends: give it something to flush into.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.DONE

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"indexer.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 something was found, or not found; 2 usage or environment; "
    "3 the index is missing or stale.",
)
@click.version_option(__version__, prog_name="fluxidx")
def fluxidx() -> None:
    """Say which file, line, overlay and patch made an object of a Flux cluster, and what a line deploys."""


def run(arguments: Sequence[str] | None = None, name: str = "fluxidx", here: Repository | None = None) -> int:
    """Runs a command line and returns its exit code; nothing that a user can cause leaves it as an exception.

    ``here`` is the repository around the current directory, where that has been opened.
    """
    try:
        done = fluxidx.main(
            arguments, prog_name=name, complete_var="_FLUXIDX_COMPLETE", standalone_mode=False, obj=here
        )
        return done or ExitCode.DONE
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return ExitCode.ENVIRONMENT
    except click.Abort:
        # What click makes of KeyboardInterrupt, after it has ended the line.
        return ExitCode.INTERRUPTED
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}")
        return ExitCode.ENVIRONMENT
    except Exception as error:
        if not _expected(error):
            raise
        _complain(str(error))
        return error.exit_code if isinstance(error, FluxidxError) else ExitCode.ENVIRONMENT


def _complain(message: str) -> None:
    """Says what went wrong. A name that the repository brings along reaches no terminal as a command."""
    from indexer.git.text import storable

    click.echo(f"fluxidx: {storable(message)}", err=True)


def _expected(error: Exception) -> bool:
    """Whether an error speaks to the user: its class, or one above it, is one of those that carry a message."""
    return any((kind.__module__, kind.__name__) in _MESSAGES for kind in type(error).__mro__)
