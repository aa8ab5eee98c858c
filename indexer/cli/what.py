"""``fluxidx what``: everything that a file, some of its lines, or a directory deploys."""

from __future__ import annotations

from pathlib import Path

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
    from indexer.query.places import parse
    from indexer.query.scope import Scope
    from indexer.query.what import what
    from indexer.report import json, text_what

    root = session.repository.root
    with session.index() as index:
        scope = Scope.of(index, session.repository.git_dir, session.clusters)
        tree = session.tree(scope.build["revision"])
        answer = what(scope, tree, [parse(file, tree, root, Path.cwd()) for file in files])
    if session.output == "json":
        click.echo(json.dumps(json.what(answer)))
    else:
        click.echo(text_what.render(answer, session.terminal, root, verbose=session.verbose), color=True)
    return ExitCode.DONE if any(file.deploys for file in answer.files) else ExitCode.FINDINGS
