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

    session.look()  # while the rest is imported
    if session.output == "text":
        from indexer.report.text_what import render
    answer = api.what(session, *files)
    if session.output == "json":
        from indexer.report import json

        click.echo(json.dumps(json.what(answer)))
    else:
        click.echo(render(answer, session.terminal, session.repository.root, verbose=session.verbose), color=True)
    return ExitCode.DONE if any(file.deploys for file in answer.files) else ExitCode.FINDINGS
