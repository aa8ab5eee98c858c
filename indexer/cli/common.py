"""What every command shares: its options, and the session they make: the repository, its configuration, the index."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from indexer.api import Project
from indexer.report.terminal import Terminal

if TYPE_CHECKING:
    from indexer.git.repository import Repository

_F = TypeVar("_F", bound=Callable[..., Any])


class Session(Project):
    """One invocation: the project that it is about, and how to talk to the person who asked."""

    def __init__(
        self, here: Repository | None, *, output: str, terminal: Terminal, quiet: bool, verbose: bool, **project: Any
    ) -> None:
        super().__init__(**project)
        if here is not None and self.repo is None:
            self.repository = here
        self.output = output
        self.terminal = terminal
        self.quiet = quiet
        self.verbose = verbose

    def say(self, message: str) -> None:
        """Tells the person something that is not the answer."""
        if not self.quiet:
            click.echo(message, err=True)


def _everywhere() -> list[Callable[[_F], _F]]:
    """The options that every command has."""
    return [
        click.option("--repo", type=click.Path(), metavar="PATH", help="Repository to look at."),
        click.option(
            "--config",
            "config_file",
            type=click.Path(exists=True, dir_okay=False),
            metavar="FILE",
            help="Configuration.  [default: .fluxidx.toml of the repository]",
        ),
        click.option(
            "--index",
            "index_url",
            envvar="FLUXIDX_INDEX",
            metavar="PATH|URL",
            help="The index: a file, or a SQLAlchemy URL.  [default: in the git directory]",
        ),
        click.option(
            "--source",
            "sources",
            multiple=True,
            metavar="URL=PATH",
            help="Read the source at URL from PATH, a repository or folder (repeatable).",
        ),
        click.option("--cluster", "clusters", multiple=True, metavar="NAME", help="Only this cluster (repeatable)."),
        click.option(
            "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="When to colour the output."
        ),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing but the answer and errors."),
        click.option("-v", "--verbose", is_flag=True, help="Print more."),
    ]


def passed_on(group: _F) -> _F:
    """Lets a group take the options of every command before the name of its command, which gets them."""

    @functools.wraps(group)
    def command(**given: Any) -> None:
        context = click.get_current_context()
        typed = {
            name: value
            for name, value in given.items()
            if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        }
        assert isinstance(context.command, click.Group)
        context.default_map = dict.fromkeys(context.command.commands, typed)

    for option in reversed(_everywhere()):
        command = option(command)
    return command  # type: ignore[return-value]


def shared(*formats: str, question: bool = True) -> Callable[[_F], _F]:
    """Adds the options of every command; the function gets a Session as its first argument.

    ``formats`` are what ``-o`` takes, the default first; without any, the command has no such option. A ``question``
    reads the index and takes ``--no-build``.
    """
    options = _everywhere()
    if formats:
        options.append(
            click.option("-o", "--output", type=click.Choice(formats), default=formats[0], help="Format of the answer.")
        )
    if question:
        options.append(
            click.option(
                "--no-build", is_flag=True, envvar="FLUXIDX_NO_BUILD", help="Fail rather than build the index."
            )
        )

    def decorate(function: _F) -> _F:
        @functools.wraps(function)
        def command(color: str, output: str = "", no_build: bool = False, **arguments: Any) -> Any:
            own = {name: arguments.pop(name) for name in ("repo", "config_file", "index_url", "clusters", "sources")}
            terminal = Terminal.of(sys.stdout, color, os.environ)
            click.get_current_context().color = terminal.colour
            flags = {name: arguments.pop(name) for name in ("quiet", "verbose")}
            here = click.get_current_context().obj
            session = Session(here, **own, **flags, output=output, terminal=terminal, no_build=no_build)
            try:
                return function(session, **arguments)
            finally:
                session.close()

        for option in reversed(options):
            command = option(command)
        return command  # type: ignore[return-value]

    return decorate


def usage(message: str) -> click.UsageError:
    """A mistake on the command line that click cannot see."""
    return click.UsageError(message, click.get_current_context())
