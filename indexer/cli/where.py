"""``fluxidx where``: everything that made an object what it is."""

from __future__ import annotations

import click

from indexer.cli.common import Session, shared, usage
from indexer.errors import NotFound


@click.command("where")
@click.argument("words", metavar="OBJECT", nargs=-1, required=True)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Only objects of this namespace.")
@click.option("--at", "revision", metavar="REV", help="Answer for this revision.  [default: the working tree]")
@click.option("--live", is_flag=True, help="Compare with the cluster.")
@shared("text", "json")
def command(session: Session, words: tuple[str, ...], namespace: str | None, revision: str | None, live: bool) -> None:
    """Show everything that made OBJECT what it is.

    OBJECT is KIND/NAME, KIND NAME or KIND/NAMESPACE/NAME. KIND is anything kubectl takes: deploy, Deployment,
    deployments.apps. A '*' in NAME stands for any text.
    """
    from indexer import api
    from indexer.query.answers import Where
    from indexer.query.names import parse
    from indexer.report import json, text_where

    if live:
        raise usage("--live is not available yet: this version knows what Git holds, not what the cluster runs.")
    try:
        answer = api.where(session, *words, namespace=namespace, revision=revision)
    except NotFound:
        if session.output == "json":
            click.echo(json.dumps(json.where(Where(str(parse(words, namespace)), ()))))
        raise
    if session.output == "json":
        click.echo(json.dumps(json.where(answer)))
    else:
        click.echo(
            text_where.render(answer, session.terminal, session.repository.root, verbose=session.verbose), color=True
        )
