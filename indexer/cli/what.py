"""``fluxidx what``: everything that a file, some of its lines, or a directory deploys."""

from __future__ import annotations

import click

from indexer.cli.common import Session, shared
from indexer.errors import ExitCode


@click.command("what")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@shared("text", "json")
def command(session: Session, files: tuple[str, ...]) -> ExitCode:
    """Show everything that FILE deploys, on every cluster.

    FILE is PATH, PATH:LINE, PATH:FIRST-LAST or a directory, from the current directory or the repository's root.
    """
    from indexer import api
    from indexer.report import json, text_what

    answer = api.what(session, *files)
    if session.output == "json":
        click.echo(json.dumps(json.what(answer)))
    else:
        root = session.repository.root
        click.echo(text_what.render(answer, session.terminal, root, verbose=session.verbose), color=True)
    return ExitCode.DONE if any(file.deploys for file in answer.files) else ExitCode.FINDINGS
